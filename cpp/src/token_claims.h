// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/result.h"

namespace tessera::internal {

/// The claims that have a meaning here, as bits.
enum ClaimBit : std::uint32_t {
  kIss = 1U << 0,
  kAud = 1U << 1,
  kExp = 1U << 2,
  kNbf = 1U << 3,
  kIat = 1U << 4,
  kSub = 1U << 5,
  kJti = 1U << 6,
  kSid = 1U << 7,
  kTenantId = 1U << 8,
  kTokenType = 1U << 9,
};

/// The registered claims of a payload. Views point into that payload, or into `unescaped`.
struct TokenClaims {
  std::string_view issuer, subject, jti, session_id, tenant_id, token_type;
  std::vector<std::string> audiences;
  std::int64_t expires_at = 0;
  std::int64_t not_before = 0;
  std::int64_t issued_at = 0;
  std::uint32_t present = 0;  ///< ClaimBits of what is there, of whatever type
  bool has_invalid = false;   ///< one of them has the wrong type, range or length
  std::forward_list<std::string> unescaped;
};

inline constexpr std::int64_t kMaxClaimTime = std::int64_t{1} << 53;
inline constexpr std::size_t kMaxClaimBytes = 256;
inline constexpr std::size_t kMaxAudiences = 64;

/// Reads a strict JSON object. `payload` has to outlive `claims`. Errors: claims_malformed.
Result<void> read_token_claims(std::string_view payload, TokenClaims& claims);

/// The bit of a registered claim, or 0.
[[nodiscard]] std::uint32_t claim_bit(std::string_view name) noexcept;

/// Whether the payload, already found strict, has every one of these members.
[[nodiscard]] bool has_members(std::string_view payload, const std::vector<std::string>& names);

}  // namespace tessera::internal
