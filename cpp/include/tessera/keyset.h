// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/key.h"

namespace tessera {

/// One immutable state of a KeySet.
class KeySnapshot {
 public:
  /// The key of that kid, or null. The pointer lives as long as the snapshot.
  [[nodiscard]] const PublicKey* find(std::string_view key_id) const noexcept;
  [[nodiscard]] bool holds(std::uint64_t key_number) const noexcept;
  [[nodiscard]] const std::optional<PrivateKey>& signing_key() const noexcept { return signing_key_; }
  [[nodiscard]] const std::vector<PublicKey>& keys() const noexcept { return keys_; }
  /// Public JWKS document (RFC 7517 section 5), keys in the order given, no private member.
  [[nodiscard]] const std::string& jwks() const noexcept { return jwks_; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

 private:
  friend class KeySet;
  KeySnapshot() = default;
  std::vector<PublicKey> keys_;
  std::optional<PrivateKey> signing_key_;
  std::string jwks_;
  std::uint64_t generation_ = 0;
};

/// The keys that count now and the one that signs. Replaced as a whole while other threads
/// verify: a reader keeps a thread-local reference and compares one atomic generation, so
/// verifying never waits for a rotation. Handles are cheap to copy and name one shared set.
class KeySet {
 public:
  static constexpr std::size_t kMaxKeys = 64;

  KeySet();
  /// Replaces all keys. A signing key that is not among `keys` is added to them.
  /// key_id_duplicate when one kid names two keys, limit_exceeded over kMaxKeys.
  Result<void> replace(std::vector<PublicKey> keys, std::optional<PrivateKey> signing_key = std::nullopt);
  /// Reads a public JWKS: keys that are not plain RS256 verification keys are left out
  /// (RFC 7517 section 5), duplicates of a kid among the usable ones are refused.
  static Result<std::vector<PublicKey>> parse_jwks(std::string_view json);

  /// The current state; lock-free unless it changed since this thread's last call.
  [[nodiscard]] std::shared_ptr<const KeySnapshot> snapshot() const;
  /// As snapshot(), without touching the reference count: valid until this thread's next
  /// call on any KeySet.
  [[nodiscard]] const KeySnapshot& current() const;
  [[nodiscard]] std::uint64_t generation() const noexcept;

 private:
  struct State;
  [[nodiscard]] const std::shared_ptr<const KeySnapshot>& cached() const;
  std::shared_ptr<State> state_;
};

}  // namespace tessera
