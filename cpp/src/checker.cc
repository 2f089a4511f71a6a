// SPDX-License-Identifier: Apache-2.0
#include "tessera/checker.h"

#include <time.h>

#include <utility>

namespace tessera {

namespace {

Verdict dead(Error cause, std::optional<VerifiedToken> token = std::nullopt) {
  Verdict verdict;
  verdict.cause = cause;
  verdict.token = std::move(token);
  return verdict;
}

std::string_view record_id(const VerifiedToken& token) noexcept {
  return token.session_id().empty() ? token.jti() : token.session_id();
}

}  // namespace

Checker::Checker(std::shared_ptr<const Verifier> verifier, std::shared_ptr<const RevocationSet> revocations,
                 std::shared_ptr<const SessionTable> sessions)
    : verifier_(std::move(verifier)), revocations_(std::move(revocations)), sessions_(std::move(sessions)) {}

Verdict Checker::check(std::string_view token, std::int64_t now_seconds) const {
  // Asked before anything is read and used after: a mirror that was stale while it was read and caught up since must
  // not vouch for what was read.
  const bool fresh = is_fresh();

  Result<VerifiedToken> verified = verifier_->verify(token, now_seconds);
  if (!verified) return dead(verified.error());
  VerifiedToken& claims = *verified;
  const std::string_view jti = claims.jti();
  const std::string_view session_id = claims.session_id();
  if (!jti.empty() && revocations_->is_jti_revoked(jti)) return dead(Error::token_revoked, std::move(claims));
  if (!session_id.empty() && revocations_->is_session_revoked(session_id)) {
    return dead(Error::session_revoked, std::move(claims));
  }
  return check_record(std::move(claims), now_seconds, fresh);
}

// Nothing is ever un-revoked, and tenant, subject and time of creation of a record never change: what kills here is
// true even on a stale mirror. Only "alive" and "no record" need a fresh one.
Verdict Checker::check_record(VerifiedToken token, std::int64_t now_seconds, bool fresh) const {
  const std::string_view id = record_id(token);
  if (id.empty()) return dead(Error::claim_missing, std::move(token));  // no record can vouch for it

  std::optional<SessionSnapshot> session = sessions_->find(id, now_seconds);
  if (session) {
    if (session->tenant_id() != token.tenant_id() || session->subject() != token.subject()) {
      return dead(Error::claim_invalid, std::move(token));
    }
    if (revocations_->is_cut_off(session->tenant_id(), session->subject(), session->created_ms())) {
      return dead(Error::subject_cut_off, std::move(token));
    }
  }
  Verdict verdict;
  verdict.status = !fresh ? Verdict::Status::ask_store : !session ? Verdict::Status::no_record : Verdict::Status::alive;
  verdict.token = std::move(token);
  if (verdict.status == Verdict::Status::alive) verdict.session = std::move(session);
  return verdict;
}

void Checker::keep_fresh_until(std::int64_t boottime_ns) noexcept {
  std::int64_t seen = fresh_until_ns_.load(std::memory_order_relaxed);
  while (seen < boottime_ns && !fresh_until_ns_.compare_exchange_weak(seen, boottime_ns)) {
  }
}

void Checker::close() noexcept { fresh_until_ns_.store(0); }

bool Checker::is_fresh() const noexcept { return boottime_ns() < fresh_until_ns_.load(); }

std::int64_t Checker::boottime_ns() noexcept {
  timespec now{};
  if (clock_gettime(CLOCK_BOOTTIME, &now) != 0) return INT64_MAX;  // no clock: never fresh
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace tessera
