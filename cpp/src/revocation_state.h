// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "revocation_shards.h"
#include "siphash.h"

namespace tessera::internal {

/// The whole content of a RevocationSet: its secret and what is revoked. Kinds of ids are told apart by their keys,
/// so that a jti never answers for a session.
struct RevocationState {
  static constexpr std::size_t kSecretBytes = 3 * sizeof(SipKey);
  using Secret = std::array<std::uint8_t, kSecretBytes>;

  explicit RevocationState(const Secret& random) noexcept : secret(random) {}

  [[nodiscard]] Fingerprint of_jti(std::string_view jti) const noexcept { return Fingerprint(siphash128(key(0), jti)); }
  [[nodiscard]] Fingerprint of_session(std::string_view session_id) const noexcept {
    return Fingerprint(siphash128(key(1), session_id));
  }
  [[nodiscard]] Fingerprint of_subject(std::string_view tenant_id, std::string_view subject) const noexcept {
    return Fingerprint(siphash_pair<true>(key(2), tenant_id, subject));
  }

  /// Seconds as entries hold them: clamped at both ends, and kNeverExpires from the year 2106 on.
  [[nodiscard]] static std::uint32_t clamp_expiry(std::int64_t expires_at) noexcept {
    if (expires_at < 0) return 0;
    return expires_at < std::int64_t{kNeverExpires} ? static_cast<std::uint32_t>(expires_at) : kNeverExpires;
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(secret) + ids.bytes() + cutoffs.bytes(); }

  const Secret secret;
  RevocationShards<2, 1024> ids;  ///< token ids and sessions
  RevocationShards<3, 64> cutoffs;

 private:
  [[nodiscard]] SipKey key(std::size_t kind) const noexcept {
    SipKey key;
    std::memcpy(key.data(), secret.data() + kind * key.size(), key.size());
    return key;
  }
};

}  // namespace tessera::internal
