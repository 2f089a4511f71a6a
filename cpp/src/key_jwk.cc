// SPDX-License-Identifier: Apache-2.0
#include "key_jwk.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base64url.h"
#include "json.h"

namespace tessera::internal {
namespace {

// RFC 7518 section 6.3: the JWK's member and OpenSSL's parameter. The first two are public.
struct Number {
  std::string_view member;
  const char* parameter;
};
constexpr std::size_t kPublicNumbers = 2;
constexpr std::array<Number, 8> kNumbers = {{
    {"n", OSSL_PKEY_PARAM_RSA_N},
    {"e", OSSL_PKEY_PARAM_RSA_E},
    {"d", OSSL_PKEY_PARAM_RSA_D},
    {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},
    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2},
    {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
}};

class KeyOps : public JsonVisitor {
 public:
  void on_element(const JsonValue& value) override {
    const std::string operation = value.is_string() ? value.string() : std::string();
    bool& flag = operation == "sign" ? sign_ : operation == "verify" ? verify_ : other_;
    other_ |= flag;  // one operation twice (RFC 7517 section 4.3)
    flag = true;
  }
  // Only signature operations, and among them the wanted one.
  [[nodiscard]] bool allow(KeyHalf half) const noexcept {
    return !other_ && (half == KeyHalf::with_private ? sign_ : verify_);
  }

 private:
  bool sign_ = false;
  bool verify_ = false;
  bool other_ = false;
};

class JwkMembers : public JsonVisitor {
 public:
  JwkMembers() = default;
  JwkMembers(const JwkMembers&) = delete;
  JwkMembers& operator=(const JwkMembers&) = delete;
  ~JwkMembers() override {
    for (std::optional<std::string>& number : numbers) {
      if (number) OPENSSL_cleanse(number->data(), number->size());
    }
  }

  void on_member(std::string_view name, const JsonValue& value) override {
    if (name == "oth" || name == "k") {
      has_foreign = true;
    } else if (name == "key_ops") {
      key_ops = value;
    } else if (std::optional<std::string>* const text = text_of(name)) {
      has_wrong_type |= !value.is_string();
      if (value.is_string()) *text = value.string();
    }
  }

  std::optional<std::string> kty, use, alg, kid;
  std::array<std::optional<std::string>, kNumbers.size()> numbers;
  std::optional<JsonValue> key_ops;
  bool has_foreign = false;
  bool has_wrong_type = false;

 private:
  std::optional<std::string>* text_of(std::string_view name) {
    if (name == "kty") return &kty;
    if (name == "use") return &use;
    if (name == "alg") return &alg;
    if (name == "kid") return &kid;
    for (std::size_t i = 0; i < kNumbers.size(); ++i) {
      if (kNumbers[i].member == name) return &numbers[i];
    }
    return nullptr;
  }
};

Result<void> check_key_ops(const JsonValue& value, const JsonLimits& limits, KeyHalf half) {
  KeyOps operations;
  if (!read_json_array(value.text, limits, operations)) return Error::key_malformed;
  if (!operations.allow(half)) return Error::key_use_not_allowed;
  return {};
}

Result<void> check_kind(const JwkMembers& jwk, KeyHalf half) {
  if (jwk.has_wrong_type || !jwk.kty) return Error::key_malformed;
  if (*jwk.kty != "RSA" || jwk.has_foreign) return Error::key_type_not_allowed;
  for (std::size_t i = 0; i < kNumbers.size(); ++i) {
    const bool wanted = i < kPublicNumbers || half == KeyHalf::with_private;
    if (wanted && !jwk.numbers[i]) return Error::key_malformed;
    if (!wanted && jwk.numbers[i]) return Error::key_type_not_allowed;
  }
  return {};
}

Result<void> check_use(const JwkMembers& jwk, const JsonLimits& limits, KeyHalf half) {
  if (jwk.use && *jwk.use != "sig") return Error::key_use_not_allowed;
  if (jwk.alg && *jwk.alg != "RS256") return Error::key_use_not_allowed;
  if (jwk.kid && !is_key_id(*jwk.kid)) return Error::key_id_invalid;
  return jwk.key_ops ? check_key_ops(*jwk.key_ops, limits, half) : Result<void>();
}

// RFC 7518 section 2, Base64urlUInt: big-endian, no leading zero octet.
Result<BignumPtr> read_number(const std::string& text) {
  std::string bytes;
  if (!decode_base64url(text, bytes) || bytes.empty() || bytes.front() == '\0') return Error::key_malformed;
  BignumPtr number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
  OPENSSL_cleanse(bytes.data(), bytes.size());
  if (!number) return openssl_failure(Error::crypto_failed);
  return number;
}

Result<PkeyPtr> build(OSSL_PARAM_BLD* builder, int selection) {
  const ParamsPtr parameters(OSSL_PARAM_BLD_to_param(builder));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1) {
    return openssl_failure(Error::crypto_failed);
  }
  EVP_PKEY* pkey = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &pkey, selection, parameters.get()) != 1) {
    return openssl_failure(Error::key_malformed);
  }
  return PkeyPtr(pkey);
}

Result<PkeyPtr> make_key(const JwkMembers& jwk, KeyHalf half) {
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!builder) return openssl_failure(Error::crypto_failed);
  std::array<BignumPtr, kNumbers.size()> numbers;  // the builder only borrows them
  const std::size_t count = half == KeyHalf::with_private ? kNumbers.size() : kPublicNumbers;
  for (std::size_t i = 0; i < count; ++i) {
    Result<BignumPtr> number = read_number(*jwk.numbers[i]);
    if (!number) return number.error();
    numbers[i] = std::move(*number);
    if (OSSL_PARAM_BLD_push_BN(builder.get(), kNumbers[i].parameter, numbers[i].get()) != 1) {
      return openssl_failure(Error::crypto_failed);
    }
  }
  return build(builder.get(), half == KeyHalf::with_private ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
}

}  // namespace

Result<JwkKey> read_jwk(std::string_view json, KeyHalf half) {
  const JsonLimits limits;
  JwkMembers jwk;
  if (!read_json_object(json, limits, jwk)) return Error::key_malformed;
  if (const Result<void> checked = check_kind(jwk, half); !checked) return checked.error();
  if (const Result<void> checked = check_use(jwk, limits, half); !checked) return checked.error();
  Result<PkeyPtr> pkey = make_key(jwk, half);
  if (!pkey) return pkey.error();
  return JwkKey{std::move(*pkey), jwk.kid.value_or(std::string())};
}

}  // namespace tessera::internal
