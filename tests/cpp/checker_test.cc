// SPDX-License-Identifier: Apache-2.0
#include "tessera/checker.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "state_fixture.h"
#include "tessera/token_cache.h"

namespace tessera {
namespace {

using Status = Verdict::Status;
using testing::kNow;
using testing::TokenFacts;

constexpr std::int64_t kCreatedMs = (kNow - 60) * 1000;
constexpr std::int64_t kHour = 3'600'000'000'000;

class CheckerTest : public ::testing::Test {
 protected:
  CheckerTest() { checker.keep_fresh_until(Checker::boottime_ns() + kHour); }

  static SessionSnapshot record(std::string_view id = "session-1", std::int64_t expires_at = kNow + 600) {
    return SessionSnapshot({.id = id,
                            .tenant_id = "tenant-a",
                            .subject = "alice",
                            .created_ms = kCreatedMs,
                            .expires_at = expires_at,
                            .bytes = "record"});
  }
  void fill(const SessionSnapshot& session) { ASSERT_TRUE(sessions->put(sessions->ticket(), session)); }
  [[nodiscard]] Verdict check(const TokenFacts& facts = {}) const { return checker.check(testing::sign(facts), kNow); }
  [[nodiscard]] Error cause_of_death(const TokenFacts& facts = {}) const {
    const Verdict verdict = check(facts);
    EXPECT_EQ(Status::dead, verdict.status);
    EXPECT_FALSE(verdict.session);
    return verdict.cause;
  }

  std::shared_ptr<RevocationSet> revocations = std::make_shared<RevocationSet>();
  std::shared_ptr<SessionTable> sessions = std::make_shared<SessionTable>();
  Checker checker{
      std::make_shared<const Verifier>(testing::both_keys(), testing::lenient_policy(), std::make_shared<TokenCache>()),
      revocations, sessions};
};

TEST_F(CheckerTest, ATokenWithALiveRecordIsAlive) {
  fill(record());
  const Verdict verdict = check();
  ASSERT_EQ(Status::alive, verdict.status);
  EXPECT_EQ("jti-1", verdict.token.value().jti());
  EXPECT_EQ("record", verdict.session->bytes());
}

TEST_F(CheckerTest, ATokenThatDoesNotVerifyIsDeadWithItsCause) {
  fill(record());
  const Verdict malformed = checker.check("no token", kNow);
  EXPECT_EQ(Status::dead, malformed.status);
  EXPECT_EQ(Error::token_malformed, malformed.cause);
  EXPECT_FALSE(malformed.token.has_value());
  const std::string token = testing::sign({});
  EXPECT_EQ(Status::alive, checker.check(token, kNow + 599).status);
  const Verdict expired = checker.check(token, kNow + 900);
  EXPECT_EQ(Status::dead, expired.status);
  EXPECT_EQ(Error::token_expired, expired.cause);
}

TEST_F(CheckerTest, WithoutARecordHereTheStoreIsToBeRead) {
  const Verdict verdict = check();
  EXPECT_EQ(Status::no_record, verdict.status);
  EXPECT_TRUE(verdict.token.has_value());
  EXPECT_FALSE(verdict.session);
}

TEST_F(CheckerTest, AnExpiredSnapshotIsAMissAndNoVerdict) {
  fill(record("session-1", kNow));
  EXPECT_EQ(Status::no_record, check().status);
  fill(record("session-1", kNow + 1));
  EXPECT_EQ(Status::alive, check().status);
}

TEST_F(CheckerTest, ARevokedJtiIsDead) {
  fill(record());
  revocations->revoke_jti("jti-1", kNow + 900);
  EXPECT_EQ(Error::token_revoked, cause_of_death());
  EXPECT_TRUE(check().token.has_value());
  TokenFacts other;
  other.jti = "jti-2";
  EXPECT_EQ(Status::alive, check(other).status);
}

TEST_F(CheckerTest, ARevokedSessionKillsEveryTokenOfIt) {
  fill(record());
  revocations->revoke_session("session-1", kNow + 900);
  EXPECT_EQ(Error::session_revoked, cause_of_death());
  TokenFacts other;
  other.jti = "jti-2";
  EXPECT_EQ(Error::session_revoked, cause_of_death(other));
}

TEST_F(CheckerTest, AJtiAndASessionOfTheSameNameAreNotMixedUp) {
  fill(record());
  revocations->revoke_session("jti-1", kNow + 900);
  revocations->revoke_jti("session-1", kNow + 900);
  EXPECT_EQ(Status::alive, check().status);
}

TEST_F(CheckerTest, ACutOffAtOrAfterTheCreationKills) {
  fill(record());
  revocations->cut_off("tenant-a", "alice", kCreatedMs - 1, kNow + 900);
  EXPECT_EQ(Status::alive, check().status);
  revocations->cut_off("tenant-a", "alice", kCreatedMs, kNow + 900);
  EXPECT_EQ(Error::subject_cut_off, cause_of_death());
}

TEST_F(CheckerTest, ACutOffOfAnotherSubjectOrTenantDoesNotKill) {
  fill(record());
  revocations->cut_off("tenant-b", "alice", kCreatedMs + 1, kNow + 900);
  revocations->cut_off("tenant-a", "bob", kCreatedMs + 1, kNow + 900);
  EXPECT_EQ(Status::alive, check().status);
}

TEST_F(CheckerTest, ATokenWithoutSidIsLookedUpUnderItsJti) {
  TokenFacts service;
  service.session_id.clear();
  EXPECT_EQ(Status::no_record, check(service).status);
  fill(record("jti-1"));
  EXPECT_EQ(Status::alive, check(service).status);
  EXPECT_EQ(Status::no_record, check().status) << "a record under the jti is not the session's";
}

TEST_F(CheckerTest, ATokenWithNeitherSidNorJtiIsDead) {
  fill(record(""));
  TokenFacts nameless;
  nameless.session_id.clear();
  nameless.jti.clear();
  EXPECT_EQ(Error::claim_missing, cause_of_death(nameless));
}

TEST_F(CheckerTest, ARecordOfAnotherTenantOrSubjectKills) {
  fill(record());
  TokenFacts facts;
  facts.tenant_id = "tenant-b";
  EXPECT_EQ(Error::claim_invalid, cause_of_death(facts));
  facts.tenant_id.clear();
  EXPECT_EQ(Error::claim_invalid, cause_of_death(facts));
  facts = {};
  facts.subject = "bob";
  EXPECT_EQ(Error::claim_invalid, cause_of_death(facts));
  facts.subject.clear();
  EXPECT_EQ(Error::claim_invalid, cause_of_death(facts));
}

TEST_F(CheckerTest, AStaleMirrorSendsToTheStore) {
  checker.close();
  const Verdict unknown = check();
  EXPECT_EQ(Status::ask_store, unknown.status);
  EXPECT_TRUE(unknown.token.has_value());
  fill(record());
  EXPECT_EQ(Status::ask_store, check().status);
  EXPECT_FALSE(check().session);
  checker.keep_fresh_until(Checker::boottime_ns() + kHour);
  EXPECT_EQ(Status::alive, check().status);
}

TEST_F(CheckerTest, KnownDeathIsToldByAStaleMirrorToo) {
  checker.close();
  TokenFacts facts;
  facts.jti = "revoked";
  revocations->revoke_jti("revoked", kNow + 900);
  EXPECT_EQ(Error::token_revoked, cause_of_death(facts));
  fill(record());
  revocations->cut_off("tenant-a", "alice", kCreatedMs, kNow + 900);
  EXPECT_EQ(Error::subject_cut_off, cause_of_death());
  revocations->revoke_session("session-1", kNow + 900);
  EXPECT_EQ(Error::session_revoked, cause_of_death());
}

TEST_F(CheckerTest, StartsClosed) {
  const Checker fresh(std::make_shared<const Verifier>(testing::both_keys(), testing::lenient_policy()), revocations,
                      sessions);
  EXPECT_FALSE(fresh.is_fresh());
}

TEST_F(CheckerTest, AnEarlierDeadlineIsIgnored) {
  checker.close();
  EXPECT_FALSE(checker.is_fresh());
  const std::int64_t now = Checker::boottime_ns();
  checker.keep_fresh_until(now + kHour);
  checker.keep_fresh_until(now - 1);
  EXPECT_TRUE(checker.is_fresh());
  checker.close();
  EXPECT_FALSE(checker.is_fresh());
  checker.keep_fresh_until(now - 1);
  EXPECT_FALSE(checker.is_fresh()) << "a deadline in the past opens nothing";
  checker.keep_fresh_until(Checker::boottime_ns() + kHour);
  EXPECT_TRUE(checker.is_fresh());
}

TEST_F(CheckerTest, TheDeadlinePasses) {
  checker.close();
  const std::int64_t deadline = Checker::boottime_ns() + 2'000'000;
  checker.keep_fresh_until(deadline);
  while (Checker::boottime_ns() < deadline) {
  }
  EXPECT_FALSE(checker.is_fresh());
}

TEST_F(CheckerTest, TheClockNeverGoesBack) {
  std::int64_t last = Checker::boottime_ns();
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t now = Checker::boottime_ns();
    ASSERT_GE(now, last);
    last = now;
  }
}

}  // namespace
}  // namespace tessera
