// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "property.h"
#include "tessera/keyset.h"

namespace {

using namespace tessera;

// OpenSSL looks for factors of a modulus with random bases: one that has small factors may pass once and not again.
bool is_same(const Result<PublicKey>& again, const PublicKey& key) {
  return again ? again->to_jwk() == key.to_jwk() : again.error() == Error::key_malformed;
}

void check_public(const PublicKey& key) {
  fuzz::require(key.bits() >= 2048 && key.bits() <= 4096, "a key is of an allowed size");
  fuzz::require(!key.key_id().empty() && key.key_id().size() <= 128, "a key has a usable id");
  fuzz::require(is_same(PublicKey::from_jwk(key.to_jwk()), key), "a key comes back from its JWK");
  fuzz::require(is_same(PublicKey::from_pem(key.to_pem(), key.key_id()), key), "a key comes back from its PEM");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const Result<PublicKey> from_jwk = PublicKey::from_jwk(text);
  const Result<PublicKey> from_pem = PublicKey::from_pem(text);
  fuzz::require(!(from_jwk.ok() && from_pem.ok()), "a text is of one kind");
  if (from_jwk) check_public(*from_jwk);
  if (from_pem) check_public(*from_pem);
  if (const Result<PrivateKey> key = PrivateKey::from_jwk(text)) {
    fuzz::require(!from_jwk.ok(), "a private JWK is no public one");
    check_public(key->public_key());
  }
  if (const Result<PrivateKey> key = PrivateKey::from_pem(text)) check_public(key->public_key());
  if (const Result<std::vector<PublicKey>> keys = KeySet::parse_jwks(text)) {
    KeySet set;
    fuzz::require(set.replace(*keys).ok(), "a JWKS makes a set");
    fuzz::require(KeySet::parse_jwks(set.snapshot()->jwks()).ok(), "a set comes back from its JWKS");
  }
  return 0;
}
