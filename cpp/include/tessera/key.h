// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tessera/result.h"

namespace tessera {

namespace internal {
struct KeyMaterial;  // owns the OpenSSL key; defined in src/
}

/// An RSA public key for RS256: 2048..4096 bit, odd exponent >= 65537. Immutable, cheap to
/// copy, safe to share between threads. `kid` is the RFC 7638 thumbprint unless named
/// (printable ASCII, 1..128 bytes).
class PublicKey {
 public:
  /// SubjectPublicKeyInfo or PKCS#1 PEM: exactly one block, at most 64 KiB (limit_exceeded). Private keys and
  /// certificates are key_type_not_allowed.
  static Result<PublicKey> from_pem(std::string_view pem, std::string_view key_id = {});
  /// One JWK (RFC 7517), strict JSON. A private JWK is key_type_not_allowed; `use` other than sig, key_ops without
  /// verify or with more than sign, or an alg other than RS256 is key_use_not_allowed. x5u and the like are neither
  /// fetched nor looked at. Its own `kid` counts unless `key_id` is given.
  static Result<PublicKey> from_jwk(std::string_view json, std::string_view key_id = {});

  [[nodiscard]] const std::string& key_id() const noexcept;
  [[nodiscard]] int bits() const noexcept;
  /// RFC 7638 SHA-256 thumbprint, base64url, 43 characters.
  [[nodiscard]] const std::string& thumbprint() const noexcept;
  [[nodiscard]] std::string to_pem() const;
  /// `{"kty","kid","use":"sig","alg":"RS256","n","e"}` and nothing else.
  [[nodiscard]] std::string to_jwk() const;

  /// A process-wide number that is never reused: it names this key in caches, where a kid
  /// that returns with other material must not hit.
  [[nodiscard]] std::uint64_t number() const noexcept;
  [[nodiscard]] const std::shared_ptr<const internal::KeyMaterial>& material() const noexcept { return material_; }

 private:
  friend class PrivateKey;
  explicit PublicKey(std::shared_ptr<const internal::KeyMaterial> material) : material_(std::move(material)) {}
  std::shared_ptr<const internal::KeyMaterial> material_;
};

/// An RSA private key for RS256. Immutable, cheap to copy, safe to share between threads. OpenSSL cleanses its numbers
/// when the last copy has gone and each thread that used it has made its next call or ended.
class PrivateKey {
 public:
  /// `bits`: 2048, 3072 or 4096.
  static Result<PrivateKey> generate(int bits = 2048, std::string_view key_id = {});
  /// PKCS#8, encrypted PKCS#8 (with `password`, at most 1 KiB) or PKCS#1 PEM, exactly one block of at most 64 KiB. No
  /// terminal is ever asked. The numbers are checked for consistency; more than two primes are refused.
  static Result<PrivateKey> from_pem(std::string_view pem, std::string_view password = {},
                                     std::string_view key_id = {});
  /// A private JWK with n, e, d, p, q, dp, dq, qi (RFC 7518 section 6.3.2); `oth` is refused.
  static Result<PrivateKey> from_jwk(std::string_view json, std::string_view key_id = {});

  [[nodiscard]] PublicKey public_key() const { return PublicKey(material_); }
  [[nodiscard]] const std::string& key_id() const noexcept;
  [[nodiscard]] int bits() const noexcept;
  /// PKCS#8 PEM; with a password encrypted (PBES2, PBKDF2-HMAC-SHA-256 of 200,000 rounds, AES-256-CBC).
  [[nodiscard]] Result<std::string> to_pem(std::string_view password = {}) const;
  [[nodiscard]] const std::shared_ptr<const internal::KeyMaterial>& material() const noexcept { return material_; }

 private:
  explicit PrivateKey(std::shared_ptr<const internal::KeyMaterial> material) : material_(std::move(material)) {}
  std::shared_ptr<const internal::KeyMaterial> material_;
};

}  // namespace tessera
