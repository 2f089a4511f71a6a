// SPDX-License-Identifier: Apache-2.0
#include "key_material.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base64url.h"
#include "json.h"
#include "roca.h"
#include "rs256.h"

namespace tessera::internal {
namespace {

constexpr int kMinBits = 2048;
constexpr int kMaxBits = 4096;
constexpr std::uint64_t kMinExponent = 65537;
constexpr std::uint64_t kMaxExponent = std::uint64_t{1} << 32;

std::atomic<std::uint64_t> next_number{1};
std::atomic<std::uint64_t> dropped{0};

BignumPtr get_number(const EVP_PKEY* pkey, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(pkey, name, &number);
  return BignumPtr(number);
}

Result<void> check_exponent(const BIGNUM* exponent) {
  const int bits = BN_num_bits(exponent);
  const std::uint64_t value = bits <= 64 ? BN_get_word(exponent) : 0;
  if (value < kMinExponent || value > kMaxExponent || value % 2 == 0) return Error::key_exponent_not_allowed;
  return {};
}

// RFC 8017 section 3.2 knows keys of more than two primes; they are not taken here.
Result<void> check_two_primes(const EVP_PKEY* pkey, const BIGNUM* modulus) {
  const BignumPtr p = get_number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR1);
  const BignumPtr q = get_number(pkey, OSSL_PKEY_PARAM_RSA_FACTOR2);
  if (!p || !q) return openssl_failure(Error::key_malformed);
  const BignumPtr product(BN_secure_new());
  const BignumCtxPtr scratch(BN_CTX_secure_new());
  if (!product || !scratch || BN_mul(product.get(), p.get(), q.get(), scratch.get()) != 1) {
    return openssl_failure(Error::crypto_failed);
  }
  if (BN_cmp(product.get(), modulus) != 0) return Error::key_malformed;
  return {};
}

Result<void> check_numbers(EVP_PKEY* pkey, const BIGNUM* modulus, KeyHalf half) {
  if (has_roca_shape(modulus)) return Error::key_malformed;
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
  if (!context) return openssl_failure(Error::crypto_failed);
  if (EVP_PKEY_public_check(context.get()) != 1) return openssl_failure(Error::key_malformed);
  if (half == KeyHalf::public_only) return {};
  if (const Result<void> checked = check_two_primes(pkey, modulus); !checked) return checked.error();
  if (EVP_PKEY_check(context.get()) != 1) return openssl_failure(Error::key_malformed);
  return {};
}

Result<std::string> base64url_number(const BIGNUM* number) {
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  if (BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data())) < 0)
    return openssl_failure(Error::crypto_failed);
  return base64url(bytes);
}

Result<std::string> public_pem(const EVP_PKEY* pkey) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PUBKEY(bio.get(), pkey) != 1) return openssl_failure(Error::crypto_failed);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  if (size <= 0) return openssl_failure(Error::crypto_failed);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string public_jwk(const std::string& key_id, const std::string& modulus, const std::string& exponent) {
  std::string jwk = R"({"kty":"RSA","kid":)";
  append_json_string(jwk, key_id);
  return jwk + R"(,"use":"sig","alg":"RS256","n":")" + modulus + R"(","e":")" + exponent + R"("})";
}

// RFC 7638 section 3.2: the required members in the order of their names.
Result<std::string> thumbprint(const std::string& modulus, const std::string& exponent) {
  Sha256Digest digest;
  const std::string input = R"({"e":")" + exponent + R"(","kty":"RSA","n":")" + modulus + R"("})";
  if (const Result<void> hashed = sha256(input, digest); !hashed) return hashed.error();
  return base64url({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

Result<void> derive(KeyMaterial& material, std::string_view key_id, const BIGNUM* modulus, const BIGNUM* exponent) {
  const Result<std::string> n = base64url_number(modulus);
  const Result<std::string> e = base64url_number(exponent);
  if (!n || !e) return Error::crypto_failed;
  Result<std::string> print = thumbprint(*n, *e);
  if (!print) return print.error();
  Result<std::string> pem = public_pem(material.pkey.get());
  if (!pem) return pem.error();
  material.thumbprint = std::move(*print);
  material.key_id = key_id.empty() ? material.thumbprint : std::string(key_id);
  material.public_pem = std::move(*pem);
  material.public_jwk = public_jwk(material.key_id, *n, *e);
  return {};
}

}  // namespace

KeyMaterial::~KeyMaterial() { dropped.fetch_add(1, std::memory_order_release); }

std::uint64_t dropped_keys() noexcept { return dropped.load(std::memory_order_acquire); }

bool is_key_id(std::string_view key_id) noexcept {
  const auto is_printable = [](char character) { return character >= 0x20 && character <= 0x7E; };
  return !key_id.empty() && key_id.size() <= kMaxKeyIdBytes && std::all_of(key_id.begin(), key_id.end(), is_printable);
}

Result<std::shared_ptr<const KeyMaterial>> make_key_material(PkeyPtr pkey, KeyHalf half, std::string_view key_id) {
  if (!key_id.empty() && !is_key_id(key_id)) return Error::key_id_invalid;
  if (EVP_PKEY_is_a(pkey.get(), "RSA") != 1) return openssl_failure(Error::key_type_not_allowed);
  const BignumPtr modulus = get_number(pkey.get(), OSSL_PKEY_PARAM_RSA_N);
  const BignumPtr exponent = get_number(pkey.get(), OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !exponent) return openssl_failure(Error::crypto_failed);
  const int bits = BN_num_bits(modulus.get());
  if (bits < kMinBits || bits > kMaxBits) return Error::key_size_not_allowed;
  if (const Result<void> checked = check_exponent(exponent.get()); !checked) return checked.error();
  if (const Result<void> checked = check_numbers(pkey.get(), modulus.get(), half); !checked) return checked.error();

  auto material = std::make_shared<KeyMaterial>();
  material->pkey = std::move(pkey);
  material->bits = bits;
  material->signature_bytes = static_cast<std::size_t>(bits + 7) / 8;
  material->number = next_number.fetch_add(1, std::memory_order_relaxed);
  const Result<void> derived = derive(*material, key_id, modulus.get(), exponent.get());
  if (!derived) return derived.error();
  return std::shared_ptr<const KeyMaterial>(std::move(material));
}

}  // namespace tessera::internal
