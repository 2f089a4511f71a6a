// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/keyset.h"
#include "tessera/policy.h"

namespace tessera {

class TokenCache;

/// A token whose signature and claims were found right under some policy. Only Verifier makes one.
/// Immutable, cheap to copy (one reference), safe to share between threads. Views live as long as
/// any copy does. A claim that is absent is an empty view, or 0.
class VerifiedToken {
 public:
  [[nodiscard]] std::string_view payload() const noexcept;  ///< the claims, strict JSON bytes
  [[nodiscard]] std::string_view header() const noexcept;   ///< the header, strict JSON bytes
  [[nodiscard]] std::string_view key_id() const noexcept;
  [[nodiscard]] std::uint64_t key_number() const noexcept;
  [[nodiscard]] std::string_view type() const noexcept;  ///< header typ
  [[nodiscard]] std::string_view issuer() const noexcept;
  [[nodiscard]] std::string_view subject() const noexcept;
  [[nodiscard]] std::string_view jti() const noexcept;
  [[nodiscard]] std::string_view session_id() const noexcept;  ///< sid
  [[nodiscard]] std::string_view tenant_id() const noexcept;
  [[nodiscard]] std::string_view token_type() const noexcept;
  [[nodiscard]] const std::vector<std::string>& audiences() const noexcept;
  [[nodiscard]] std::int64_t expires_at() const noexcept;  ///< exp, seconds
  [[nodiscard]] std::int64_t issued_at() const noexcept;   ///< iat, seconds
  [[nodiscard]] std::int64_t not_before() const noexcept;  ///< nbf, seconds
  /// Bytes of memory this token holds, for bounded caches.
  [[nodiscard]] std::size_t footprint() const noexcept;

 private:
  friend class Verifier;
  struct Data;
  explicit VerifiedToken(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

/// Header and payload of a JWS whose signature is right. Nothing else was checked: not a verified token.
struct SignedPayload {
  std::string header;   ///< strict JSON object
  std::string payload;  ///< any bytes
};

/// Verifies RS256 tokens strictly: size, shape, header, key, signature, claims, in this order, one cause
/// each. No I/O, no clock: `now_seconds` is the caller's. Safe to share between threads.
class Verifier {
 public:
  /// `cache` may be null. Verifiers with different policies may share one cache: policy is checked on hits too.
  Verifier(KeySet keys, Policy policy, std::shared_ptr<TokenCache> cache = nullptr);

  [[nodiscard]] Result<VerifiedToken> verify(std::string_view token, std::int64_t now_seconds) const;
  /// One result per token, in order.
  [[nodiscard]] std::vector<Result<VerifiedToken>> verify_many(std::span<const std::string_view> tokens,
                                                               std::int64_t now_seconds) const;
  [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
  [[nodiscard]] const KeySet& keys() const noexcept { return keys_; }

  /// Signature only (RFC 7515 section 5.2), with one key: header strict and RS256, any kid, any payload, at most
  /// `max_bytes`. For protocols whose claims are checked elsewhere.
  static Result<SignedPayload> verify_jws(std::string_view token, const PublicKey& key,
                                          std::size_t max_bytes = 64 * 1024);

 private:
  /// As far as the signature and the claims' grammar.
  [[nodiscard]] Result<VerifiedToken> verify_signed(std::string_view token, const KeySnapshot& keys) const;
  [[nodiscard]] Result<VerifiedToken> judge(VerifiedToken token, std::int64_t now_seconds) const;
  [[nodiscard]] Result<void> check_claims(const VerifiedToken& token, std::int64_t now_seconds) const;

  KeySet keys_;
  Policy policy_;
  std::shared_ptr<TokenCache> cache_;
  std::uint32_t required_bits_ = 0;           // registered claims that have to be there
  std::vector<std::string> required_others_;  // and all others
};

}  // namespace tessera
