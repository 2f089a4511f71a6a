// SPDX-License-Identifier: Apache-2.0
#include "tessera/session_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>

namespace tessera {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

SessionSnapshot snapshot(std::string_view id, std::string_view subject = "alice",
                         std::string_view tenant_id = "tenant-a", std::string_view bytes = "{\"status\":\"active\"}",
                         std::int64_t expires_at = kNow + 60) {
  return SessionSnapshot({.id = id,
                          .tenant_id = tenant_id,
                          .subject = subject,
                          .created_ms = (kNow - 60) * 1000,
                          .expires_at = expires_at,
                          .bytes = bytes});
}
SessionSnapshot with_bytes(std::string_view id, std::string_view bytes) {
  return snapshot(id, "alice", "tenant-a", bytes);
}
bool fill(SessionTable& table, const SessionSnapshot& session) { return table.put(table.ticket(), session); }
bool has(const SessionTable& table, const std::string& id) { return table.find(id, kNow).has_value(); }

TEST(SessionTableTest, GivesBackWhatWasPut) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one")));
  const auto found = table.find("one", kNow);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ("one", found->id());
  EXPECT_EQ("tenant-a", found->tenant_id());
  EXPECT_EQ("alice", found->subject());
  EXPECT_EQ((kNow - 60) * 1000, found->created_ms());
  EXPECT_EQ(kNow + 60, found->expires_at());
  EXPECT_EQ("{\"status\":\"active\"}", found->bytes());
  EXPECT_EQ(1U, table.size());
}

TEST(SessionTableTest, KnowsNothingElse) {
  SessionTable table;
  EXPECT_FALSE(table.find("one", kNow));
  ASSERT_TRUE(fill(table, snapshot("one")));
  for (const char* id : {"", "on", "one ", "One", "two"}) EXPECT_FALSE(table.find(id, kNow)) << id;
}

TEST(SessionTableTest, ExpiryIsExclusive) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one")));
  EXPECT_TRUE(table.find("one", kNow + 59));
  EXPECT_FALSE(table.find("one", kNow + 60));
  EXPECT_FALSE(table.find("one", kNow + 61));
}

TEST(SessionTableTest, ALaterPutReplacesTheSnapshot) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one")));
  const auto former = table.find("one", kNow);
  ASSERT_TRUE(fill(table, with_bytes("one", "slid")));
  EXPECT_EQ("slid", table.find("one", kNow)->bytes());
  EXPECT_EQ("{\"status\":\"active\"}", former->bytes());
  EXPECT_EQ(1U, table.size());
}

TEST(SessionTableTest, AReplacedSnapshotLeavesItsFormerSubject) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one", "alice")));
  ASSERT_TRUE(fill(table, snapshot("one", "bob")));
  table.drop_subject("tenant-a", "alice");
  EXPECT_TRUE(has(table, "one"));
  table.drop_subject("tenant-a", "bob");
  EXPECT_FALSE(has(table, "one"));
}

TEST(SessionTableTest, DropTakesOneSession) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one")));
  ASSERT_TRUE(fill(table, snapshot("two")));
  table.drop("one");
  EXPECT_FALSE(has(table, "one"));
  EXPECT_TRUE(has(table, "two"));
  table.drop("one");
  table.drop("never there");
  EXPECT_EQ(1U, table.size());
}

TEST(SessionTableTest, DropSubjectTakesAllSessionsOfThatSubjectInThatTenant) {
  SessionTable table;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(fill(table, snapshot("alice-" + std::to_string(i))));
  ASSERT_TRUE(fill(table, snapshot("bob-1", "bob")));
  ASSERT_TRUE(fill(table, snapshot("elsewhere", "alice", "tenant-b")));
  ASSERT_TRUE(fill(table, snapshot("shifted", "aalice", "tenant-")));
  table.drop_subject("tenant-a", "alice");
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(has(table, "alice-" + std::to_string(i)));
  EXPECT_TRUE(has(table, "bob-1"));
  EXPECT_TRUE(has(table, "elsewhere"));
  EXPECT_TRUE(has(table, "shifted"));
  EXPECT_EQ(3U, table.size());
}

TEST(SessionTableTest, SessionsOfOneSubjectGoInAnyOrder) {
  SessionTable table;
  for (const char* id : {"a", "b", "c", "d"}) ASSERT_TRUE(fill(table, snapshot(id)));
  table.drop("b");
  table.drop("d");
  table.drop("a");
  EXPECT_TRUE(has(table, "c"));
  table.drop_subject("tenant-a", "alice");
  EXPECT_EQ(0U, table.size());
  ASSERT_TRUE(fill(table, snapshot("e")));
  EXPECT_TRUE(has(table, "e"));
}

TEST(SessionTableTest, ClearTakesEverything) {
  SessionTable table;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(fill(table, snapshot(std::to_string(i), std::to_string(i % 7))));
  table.clear();
  EXPECT_EQ(0U, table.size());
  EXPECT_FALSE(has(table, "3"));
  ASSERT_TRUE(fill(table, snapshot("3")));
  EXPECT_TRUE(has(table, "3"));
}

TEST(SessionTableTest, AFillLosesAgainstADropOfItsIdSinceItsTicket) {
  SessionTable table;
  const auto ticket = table.ticket();
  table.drop("one");
  EXPECT_FALSE(table.put(ticket, snapshot("one")));
  EXPECT_FALSE(has(table, "one"));
  EXPECT_TRUE(table.put(table.ticket(), snapshot("one")));
  EXPECT_TRUE(has(table, "one"));
}

TEST(SessionTableTest, AFillLosesAgainstADropOfItsSubjectSinceItsTicket) {
  SessionTable table;
  const auto ticket = table.ticket();
  table.drop_subject("tenant-a", "alice");
  EXPECT_FALSE(table.put(ticket, snapshot("one")));
  EXPECT_TRUE(table.put(table.ticket(), snapshot("one")));
}

TEST(SessionTableTest, AFillLosesAgainstAClearSinceItsTicket) {
  SessionTable table;
  const auto ticket = table.ticket();
  table.clear();
  EXPECT_FALSE(table.put(ticket, snapshot("one")));
  EXPECT_EQ(0U, table.size());
  EXPECT_TRUE(table.put(table.ticket(), snapshot("one")));
}

// Stamps are shared by hash among 4096, so that one unlucky neighbour is possible, a hundred are not.
TEST(SessionTableTest, DropsOfOthersHardlyEverStopAFill) {
  SessionTable table;
  const auto ticket = table.ticket();
  table.drop("somebody's");
  table.drop_subject("tenant-a", "bob");
  int put = 0;
  for (int i = 0; i < 100; ++i) put += table.put(ticket, snapshot(std::to_string(i), std::to_string(i))) ? 1 : 0;
  EXPECT_GT(put, 90);
}

TEST(SessionTableTest, ARefusedFillLeavesTheNewerSnapshot) {
  SessionTable table;
  const auto old_ticket = table.ticket();
  table.drop("one");
  ASSERT_TRUE(fill(table, with_bytes("one", "newer")));
  EXPECT_FALSE(table.put(old_ticket, snapshot("one")));
  EXPECT_EQ("newer", table.find("one", kNow)->bytes());
}

TEST(SessionTableTest, TheLeastRecentlyUsedGoesFirst) {
  SessionTable table(3);
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(fill(table, snapshot(id)));
  EXPECT_TRUE(has(table, "a"));
  ASSERT_TRUE(fill(table, snapshot("d")));
  EXPECT_EQ(3U, table.size());
  EXPECT_FALSE(has(table, "b"));
  for (const char* id : {"a", "c", "d"}) EXPECT_TRUE(has(table, id)) << id;
  ASSERT_TRUE(fill(table, snapshot("e")));
  EXPECT_FALSE(has(table, "a"));
}

TEST(SessionTableTest, AnExpiredSnapshotIsNotUsed) {
  SessionTable table(2);
  ASSERT_TRUE(fill(table, snapshot("expired", "alice", "tenant-a", "", kNow)));
  ASSERT_TRUE(fill(table, snapshot("a")));
  EXPECT_FALSE(has(table, "expired"));
  ASSERT_TRUE(fill(table, snapshot("b")));
  EXPECT_TRUE(has(table, "a"));
}

TEST(SessionTableTest, AnEvictedSnapshotLivesOnInTheHandsThatHoldIt) {
  SessionTable table(1);
  ASSERT_TRUE(fill(table, snapshot("a")));
  const auto held = table.find("a", kNow);
  ASSERT_TRUE(fill(table, snapshot("b")));
  EXPECT_FALSE(has(table, "a"));
  EXPECT_EQ("a", held->id());
  table.drop_subject("tenant-a", "alice");
  EXPECT_EQ(0U, table.size());
}

TEST(SessionTableTest, StaysInItsBound) {
  SessionTable table(10'000);
  for (int i = 0; i < 30'000; ++i) ASSERT_TRUE(fill(table, snapshot(std::to_string(i), std::to_string(i % 100))));
  EXPECT_LE(table.size(), 10'000U);
  EXPECT_GT(table.size(), 9'000U);
  for (int subject = 0; subject < 100; ++subject) table.drop_subject("tenant-a", std::to_string(subject));
  EXPECT_EQ(0U, table.size());
}

// Against a plain map, with few ids and subjects, so that buckets, chains and free entries are reused all the time.
TEST(SessionTableTest, SaysWhatAPlainMapSays) {
  SessionTable table(1'000);  // more than there are ids: nothing is evicted
  std::map<std::string, std::string> subject_of;
  std::mt19937 dice(7);
  for (int step = 0; step < 20'000; ++step) {
    const std::string id = std::to_string(dice() % 150);
    const std::string subject = std::to_string(dice() % 20);
    const unsigned int kind = dice() % 16;
    if (kind < 12) {
      ASSERT_TRUE(fill(table, snapshot(id, subject, "tenant-a", subject)));
      subject_of[id] = subject;
    } else if (kind < 15) {
      table.drop(id);
      subject_of.erase(id);
    } else if (step % 512 == 0) {
      table.clear();
      subject_of.clear();
    } else {
      table.drop_subject("tenant-a", subject);
      std::erase_if(subject_of, [&](const auto& entry) { return entry.second == subject; });
    }
    ASSERT_EQ(subject_of.size(), table.size());
    const auto known = subject_of.find(id);
    const auto found = table.find(id, kNow);
    ASSERT_EQ(known != subject_of.end(), found.has_value());
    if (found) {
      ASSERT_EQ(known->second, found->bytes());
    }
  }
}

TEST(SessionTableTest, OfNoEntriesKeepsNothing) {
  SessionTable table(0);
  EXPECT_TRUE(fill(table, snapshot("one")));
  EXPECT_FALSE(has(table, "one"));
  EXPECT_EQ(0U, table.size());
}

}  // namespace
}  // namespace tessera
