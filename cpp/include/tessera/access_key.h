// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tessera/result.h"

namespace tessera {

/// A key pair for programs: an id of 20 characters ("TSRA" and 16 of A-Z2-7) and a secret of 40 characters
/// (A-Za-z0-9+/, 240 random bits), both from the system's random source.
struct AccessKey {
  static constexpr std::size_t kIdLength = 20;
  static constexpr std::size_t kSecretLength = 40;

  std::string id;
  std::string secret;

  static Result<AccessKey> generate();
  /// The right length and alphabet; says nothing about existence.
  [[nodiscard]] static bool is_well_formed_id(std::string_view id) noexcept;
};

/// Hashes secrets with HMAC-SHA-256 under a pepper (RFC 2104) and compares in constant time. Secrets have 240 random
/// bits, so no slow hash is needed. Safe to share between threads.
class AccessKeyHasher {
 public:
  using Hash = std::array<std::uint8_t, 32>;
  /// `pepper`: at least 32 bytes, else limit_exceeded.
  static Result<AccessKeyHasher> create(std::string_view pepper);

  /// Bound to the id, so that a stored hash cannot be moved to another key: HMAC(pepper, id || 0x00 || secret).
  /// limit_exceeded for an id with a 0x00 in it, crypto_failed.
  [[nodiscard]] Result<Hash> hash(std::string_view id, std::string_view secret) const;
  /// Does the same work for a wrong secret, a wrong id and (with a random `expected`) an unknown one.
  [[nodiscard]] bool verify(std::string_view id, std::string_view secret, const Hash& expected) const;

 private:
  struct Impl;
  explicit AccessKeyHasher(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tessera
