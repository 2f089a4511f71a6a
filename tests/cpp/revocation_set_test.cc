// SPDX-License-Identifier: Apache-2.0
#include "tessera/revocation_set.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <unordered_map>

namespace tessera {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

TEST(RevocationSetTest, AnEmptySetRevokesNothing) {
  const RevocationSet set;
  EXPECT_FALSE(set.is_jti_revoked("a"));
  EXPECT_FALSE(set.is_jti_revoked(""));
  EXPECT_FALSE(set.is_session_revoked("a"));
  EXPECT_FALSE(set.is_cut_off("tenant-a", "alice", std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(0U, set.size());
}

TEST(RevocationSetTest, ARevokedIdIsRevokedAndNoOther) {
  RevocationSet set;
  set.revoke_jti("one", kNow);
  EXPECT_TRUE(set.is_jti_revoked("one"));
  for (const char* id : {"", "on", "one ", "One", "two"}) EXPECT_FALSE(set.is_jti_revoked(id)) << id;
  EXPECT_EQ(1U, set.size());
}

TEST(RevocationSetTest, KindsAreApart) {
  RevocationSet set;
  set.revoke_jti("jti", kNow);
  set.revoke_session("session", kNow);
  EXPECT_TRUE(set.is_session_revoked("session"));
  EXPECT_FALSE(set.is_session_revoked("jti"));
  EXPECT_FALSE(set.is_jti_revoked("session"));
  EXPECT_FALSE(set.is_cut_off("", "jti", 0));
  set.revoke_session("jti", kNow);
  EXPECT_EQ(3U, set.size());
}

TEST(RevocationSetTest, TheEmptyIdAndIdsWithZerosAreIdsLikeOthers) {
  RevocationSet set;
  set.revoke_jti("", kNow);
  EXPECT_TRUE(set.is_jti_revoked(""));
  const std::string zeros("\0\0", 2);
  EXPECT_FALSE(set.is_jti_revoked(zeros));
  set.revoke_jti(zeros, kNow);
  EXPECT_TRUE(set.is_jti_revoked(zeros));
  EXPECT_FALSE(set.is_jti_revoked(zeros.substr(1)));
}

TEST(RevocationSetTest, PurgeDropsAtTheExpiryAndNotBefore) {
  RevocationSet set;
  set.revoke_jti("jti", kNow);
  set.revoke_session("session", kNow + 1);
  set.cut_off("tenant-a", "alice", 1000, kNow + 2);
  EXPECT_EQ(0U, set.purge(kNow - 1));
  EXPECT_EQ(1U, set.purge(kNow));
  EXPECT_FALSE(set.is_jti_revoked("jti"));
  EXPECT_TRUE(set.is_session_revoked("session"));
  EXPECT_EQ(1U, set.purge(kNow + 1));
  EXPECT_TRUE(set.is_cut_off("tenant-a", "alice", 1000));
  EXPECT_EQ(1U, set.purge(kNow + 2));
  EXPECT_FALSE(set.is_cut_off("tenant-a", "alice", 1000));
  EXPECT_EQ(0U, set.size());
  EXPECT_EQ(0U, set.purge(kNow + 3));
}

TEST(RevocationSetTest, AddingAgainKeepsTheLaterExpiry) {
  RevocationSet set;
  set.revoke_jti("raised", kNow);
  set.revoke_jti("raised", kNow + 10);
  set.revoke_jti("kept", kNow + 10);
  set.revoke_jti("kept", kNow);
  EXPECT_EQ(2U, set.size());
  EXPECT_EQ(0U, set.purge(kNow + 9));
  EXPECT_TRUE(set.is_jti_revoked("raised"));
  EXPECT_TRUE(set.is_jti_revoked("kept"));
  EXPECT_EQ(2U, set.purge(kNow + 10));
}

TEST(RevocationSetTest, ACutOffKillsWhatWasCreatedAtOrBeforeIt) {
  RevocationSet set;
  set.cut_off("tenant-a", "alice", 5000, kNow);
  EXPECT_TRUE(set.is_cut_off("tenant-a", "alice", 4999));
  EXPECT_TRUE(set.is_cut_off("tenant-a", "alice", 5000));
  EXPECT_FALSE(set.is_cut_off("tenant-a", "alice", 5001));
}

TEST(RevocationSetTest, ACutOffOnlyMovesOn) {
  RevocationSet set;
  set.cut_off("tenant-a", "alice", 5000, kNow);
  set.cut_off("tenant-a", "alice", 4000, kNow + 10);
  EXPECT_TRUE(set.is_cut_off("tenant-a", "alice", 5000));
  set.cut_off("tenant-a", "alice", 6000, kNow - 10);
  EXPECT_TRUE(set.is_cut_off("tenant-a", "alice", 6000));
  EXPECT_EQ(1U, set.size());
  EXPECT_EQ(0U, set.purge(kNow + 9)) << "the later expiry counts, whichever call brought it";
  EXPECT_EQ(1U, set.purge(kNow + 10));
}

TEST(RevocationSetTest, ACutOffTakesAnyMillisecond) {
  RevocationSet set;
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  set.cut_off("t", "earliest", kMin, kNow);
  EXPECT_TRUE(set.is_cut_off("t", "earliest", kMin));
  EXPECT_FALSE(set.is_cut_off("t", "earliest", kMin + 1));
  set.cut_off("t", "latest", kMax, kNow);
  EXPECT_TRUE(set.is_cut_off("t", "latest", kMax));
  set.cut_off("t", "negative", -5, kNow);
  EXPECT_TRUE(set.is_cut_off("t", "negative", -5));
  EXPECT_FALSE(set.is_cut_off("t", "negative", -4));
}

TEST(RevocationSetTest, TheBorderOfTenantAndSubjectCannotMove) {
  RevocationSet set;
  set.cut_off("ab", "c", 1, kNow);
  EXPECT_FALSE(set.is_cut_off("a", "bc", 1));
  EXPECT_FALSE(set.is_cut_off("abc", "", 1));
  set.cut_off(std::string("a\0b", 3), "c", 1, kNow);
  EXPECT_FALSE(set.is_cut_off("a", std::string("b\0c", 3), 1));
}

TEST(RevocationSetTest, ExpiriesBeyondTheClockAreClampedToTheSafeSide) {
  RevocationSet set;
  set.revoke_jti("min", std::numeric_limits<std::int64_t>::min());
  set.revoke_jti("minus one", -1);
  set.revoke_jti("last second", 4'294'967'294);
  set.revoke_jti("2106", 4'294'967'295);
  set.revoke_jti("max", std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(0U, set.purge(-1));
  EXPECT_TRUE(set.is_jti_revoked("min"));
  EXPECT_EQ(2U, set.purge(0));
  EXPECT_EQ(0U, set.purge(4'294'967'293));
  EXPECT_EQ(1U, set.purge(4'294'967'294));
  EXPECT_EQ(0U, set.purge(std::numeric_limits<std::int64_t>::max()));
  EXPECT_TRUE(set.is_jti_revoked("2106"));
  EXPECT_TRUE(set.is_jti_revoked("max"));
}

TEST(RevocationSetTest, KeepsEveryOneOfManyWhileItGrows) {
  RevocationSet set;
  constexpr int kMany = 200'000;
  for (int i = 0; i < kMany; ++i) {
    set.revoke_jti("jti-" + std::to_string(i), kNow + i % 100);
    ASSERT_TRUE(set.is_jti_revoked("jti-" + std::to_string(i / 2)));
  }
  for (int i = 0; i < 5'000; ++i) set.cut_off("tenant-a", std::to_string(i), i, kNow + 100);
  EXPECT_EQ(static_cast<std::size_t>(kMany + 5'000), set.size());
  for (int i = 0; i < kMany; ++i) {
    ASSERT_TRUE(set.is_jti_revoked("jti-" + std::to_string(i)));
    ASSERT_FALSE(set.is_jti_revoked("other-" + std::to_string(i)));
  }
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_TRUE(set.is_cut_off("tenant-a", std::to_string(i), i));
    ASSERT_FALSE(set.is_cut_off("tenant-a", std::to_string(i), i + 1));
  }
  EXPECT_EQ(static_cast<std::size_t>(kMany / 2), set.purge(kNow + 49));
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(i % 100 > 49, set.is_jti_revoked("jti-" + std::to_string(i))) << i;
}

TEST(RevocationSetTest, AgreesWithAMapOverRandomSteps) {
  RevocationSet set;
  std::unordered_map<std::string, std::int64_t> expected;
  std::mt19937 random(11);
  std::int64_t now = 0;
  for (int step = 0; step < 100'000; ++step) {
    const std::string id = std::to_string(random() % 2'000);
    if (step % 1'000 == 999) {
      now += 40;
      EXPECT_EQ(std::erase_if(expected, [&](const auto& item) { return item.second <= now; }), set.purge(now));
    } else if (random() % 2 == 0) {
      const std::int64_t expiry = now + 1 + static_cast<std::int64_t>(random() % 200);
      set.revoke_session(id, expiry);
      expected[id] = std::max(expected[id], expiry);
    }
    ASSERT_EQ(expected.contains(id), set.is_session_revoked(id));
    ASSERT_EQ(expected.size(), set.size());
  }
}

TEST(RevocationSetTest, CountsItsMemoryAndGivesItBack) {
  RevocationSet set;
  const std::size_t empty = set.bytes();
  for (int i = 0; i < 100'000; ++i) set.revoke_jti(std::to_string(i), kNow);
  EXPECT_GT(set.bytes(), empty + 100'000 * 16);
  EXPECT_LT(set.bytes(), empty + 100'000 * 32);
  EXPECT_EQ(100'000U, set.purge(kNow));
  EXPECT_EQ(empty, set.bytes());
}

}  // namespace
}  // namespace tessera
