// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "tessera/verifier.h"

namespace tessera {

/// Verified tokens by their exact bytes. The index is a keyed hash under a secret of this object, and a hit
/// compares the whole token: it can be neither forged nor flooded from outside. Only verified
/// tokens enter. Bounded in bytes; the oldest go first. A hit is the verifier's to judge again (time, key, policy).
/// Safe to share between threads.
class TokenCache {
 public:
  static constexpr std::size_t kDefaultMaxBytes = 64 * 1024 * 1024;
  /// Throws std::runtime_error when the system has no randomness for the index.
  explicit TokenCache(std::size_t max_bytes = kDefaultMaxBytes);
  ~TokenCache();
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;

  [[nodiscard]] std::optional<VerifiedToken> find(std::string_view token) const;
  void insert(std::string_view token, const VerifiedToken& verified);
  void erase(std::string_view token);
  /// Drops every token signed by that key.
  void drop_key(std::uint64_t key_number);
  void clear();
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessera
