// SPDX-License-Identifier: Apache-2.0
#include "tessera/verifier.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "compact.h"
#include "rs256.h"
#include "tessera/token_cache.h"
#include "token_claims.h"
#include "verified_token.h"

namespace tessera {
namespace {

using internal::CompactJws;
using internal::JwsHeader;
using internal::TokenClaims;

bool contains(const std::vector<std::string>& values, std::string_view wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

std::int64_t saturating_add(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<std::int64_t>::max() : std::numeric_limits<std::int64_t>::min();
}

Result<void> check_type(const JwsHeader& header, const Policy& policy) {
  if (header.type_is_invalid) return Error::type_not_allowed;
  if (policy.allow_any_type) return {};
  if (!header.type || !contains(policy.types, *header.type)) return Error::type_not_allowed;
  return {};
}

// An empty issuer in the policy is nobody's, never everybody's.
bool is_issuer_right(const TokenClaims& claims, const Policy& policy) {
  return policy.ignore_issuer || (!policy.issuer.empty() && claims.issuer == policy.issuer);
}

bool is_audience_right(const TokenClaims& claims, const Policy& policy) {
  return policy.ignore_audience ||
         std::any_of(claims.audiences.begin(), claims.audiences.end(),
                     [&policy](const std::string& audience) { return contains(policy.audiences, audience); });
}

// The order of these is the order of Error.
Result<void> check_times(const TokenClaims& claims, const Policy& policy, std::int64_t now) {
  const std::int64_t latest_start = saturating_add(now, policy.skew_seconds);
  const auto has = [&claims](std::uint32_t bit) { return (claims.present & bit) != 0; };
  if (has(internal::kNbf) && claims.not_before > latest_start) return Error::token_not_yet_valid;
  if (has(internal::kIat) && claims.issued_at > latest_start) return Error::token_issued_in_future;
  const std::int64_t lifetime = claims.expires_at - claims.issued_at;
  if (policy.max_lifetime_seconds > 0 && lifetime > policy.max_lifetime_seconds) return Error::lifetime_too_long;
  const bool is_expired = now >= saturating_add(claims.expires_at, policy.leeway_seconds);
  if (is_expired && !policy.ignore_expiry) return Error::token_expired;
  return {};
}

std::size_t footprint_of(const std::string& payload, const JwsHeader& header, const TokenClaims& claims) {
  std::size_t bytes = payload.capacity() + sizeof(JwsHeader) + header.json.capacity();
  bytes += claims.audiences.capacity() * sizeof(std::string);
  for (const std::string& audience : claims.audiences) bytes += audience.capacity();
  for (const std::string& text : claims.unescaped) bytes += sizeof(std::string) + text.capacity();
  return bytes;
}

}  // namespace

Verifier::Verifier(KeySet keys, Policy policy, std::shared_ptr<TokenCache> cache)
    : keys_(std::move(keys)), policy_(std::move(policy)), cache_(std::move(cache)) {
  required_bits_ = internal::kExp;
  if (!policy_.ignore_issuer) required_bits_ |= internal::kIss;
  if (!policy_.ignore_audience) required_bits_ |= internal::kAud;
  if (policy_.max_lifetime_seconds > 0) required_bits_ |= internal::kIat;
  for (const std::string& name : policy_.required_claims) {
    const std::uint32_t bit = internal::claim_bit(name);
    required_bits_ |= bit;
    if (bit == 0) required_others_.push_back(name);
  }
}

Result<void> Verifier::check_claims(const VerifiedToken& token, std::int64_t now_seconds) const {
  const TokenClaims& claims = token.data_->claims;
  if ((claims.present & required_bits_) != required_bits_) return Error::claim_missing;
  if (!required_others_.empty() && !internal::has_members(token.payload(), required_others_)) {
    return Error::claim_missing;
  }
  if (claims.has_invalid) return Error::claim_invalid;
  if (!is_issuer_right(claims, policy_)) return Error::issuer_mismatch;
  if (!is_audience_right(claims, policy_)) return Error::audience_mismatch;
  return check_times(claims, policy_, now_seconds);
}

Result<VerifiedToken> Verifier::judge(VerifiedToken token, std::int64_t now_seconds) const {
  if (const Result<void> checked = check_claims(token, now_seconds); !checked) return checked.error();
  return token;
}

Result<VerifiedToken> Verifier::verify_signed(std::string_view token, const KeySnapshot& keys) const {
  Result<CompactJws> jws = internal::read_compact(token);
  if (!jws) return jws.error();
  if (const Result<void> typed = check_type(*jws->header, policy_); !typed) return typed.error();
  if (!jws->header->key_id) return Error::key_id_missing;
  const PublicKey* const key = keys.find(*jws->header->key_id);
  if (key == nullptr) return Error::key_unknown;
  const Result<void> verified = internal::rs256_verify(key->material(), jws->signing_input, jws->signature);
  if (!verified) return verified.error();

  auto data = std::make_shared<VerifiedToken::Data>();
  data->header = std::move(jws->header);
  data->payload = std::move(jws->payload);
  data->key_number = key->number();
  const Result<void> read = internal::read_token_claims(data->payload, data->claims);
  if (!read) return read.error();
  data->footprint = sizeof(VerifiedToken::Data) + footprint_of(data->payload, *data->header, data->claims);
  return VerifiedToken(std::move(data));
}

Result<VerifiedToken> Verifier::verify(std::string_view token, std::int64_t now_seconds) const {
  if (token.size() > policy_.max_token_bytes) return Error::token_too_large;
  const KeySnapshot& keys = keys_.current();
  if (cache_) {
    if (std::optional<VerifiedToken> hit = cache_->find(token)) {
      if (keys.holds(hit->key_number())) {
        if (const Result<void> typed = check_type(*hit->data_->header, policy_); !typed) return typed.error();
        return judge(std::move(*hit), now_seconds);
      }
      cache_->erase(token);
    }
  }
  Result<VerifiedToken> fresh = verify_signed(token, keys);
  if (!fresh) return fresh;
  Result<VerifiedToken> judged = judge(std::move(*fresh), now_seconds);
  if (judged && cache_) cache_->insert(token, *judged);
  return judged;
}

std::vector<Result<VerifiedToken>> Verifier::verify_many(std::span<const std::string_view> tokens,
                                                         std::int64_t now_seconds) const {
  std::vector<Result<VerifiedToken>> results;
  results.reserve(tokens.size());
  for (const std::string_view token : tokens) results.push_back(verify(token, now_seconds));
  return results;
}

Result<SignedPayload> Verifier::verify_jws(std::string_view token, const PublicKey& key, std::size_t max_bytes) {
  if (token.size() > max_bytes) return Error::token_too_large;
  Result<CompactJws> jws = internal::read_compact(token);
  if (!jws) return jws.error();
  if (jws->header->type_is_invalid) return Error::type_not_allowed;
  if (jws->header->key_id_is_invalid) return Error::key_id_missing;
  const Result<void> verified = internal::rs256_verify(key.material(), jws->signing_input, jws->signature);
  if (!verified) return verified.error();
  return SignedPayload{jws->header->json, std::move(jws->payload)};
}

}  // namespace tessera
