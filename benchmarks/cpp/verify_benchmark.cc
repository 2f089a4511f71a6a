// SPDX-License-Identifier: Apache-2.0
// A whole verification, from the bytes of a token to its claims, against the RSA operation alone.
#include <cstdio>
#include <memory>

#include "key_material.h"
#include "raw_rsa.h"
#include "sample_token.h"
#include "tessera/token_cache.h"

int main() {
  using namespace tessera;
  using namespace tessera::benchmark;
  const PrivateKey key = sample_key();
  const KeySet keys = sample_keys(key);
  const Result<std::string> token = Signer(keys).sign(sample_claims());
  require(token.ok());
  std::printf("token of %zu bytes, RSA-2048\n", token->size());

  RawRsa raw(key.material()->pkey.get(), token->substr(0, token->rfind('.')));
  const Verifier verifier(keys, sample_policy());
  const Verifier cached(keys, sample_policy(), std::make_shared<TokenCache>());
  const auto base = [&raw] { raw.verify(); };
  compare(
      "verify / raw EVP", 101, 200, [&] { require(verifier.verify(*token, kNow).ok()); }, base);
  compare(
      "verify, cached / raw EVP", 101, 200, [&] { require(cached.verify(*token, kNow).ok()); }, base);
  return 0;
}
