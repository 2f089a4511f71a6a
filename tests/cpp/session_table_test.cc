// SPDX-License-Identifier: Apache-2.0
#include "tessera/session_table.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace tessera {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

SessionSnapshot snapshot(std::string id, std::string subject = "alice", std::string tenant_id = "tenant-a") {
  SessionSnapshot session;
  session.id = std::move(id);
  session.tenant_id = std::move(tenant_id);
  session.subject = std::move(subject);
  session.created_ms = (kNow - 60) * 1000;
  session.expires_at = kNow + 60;
  session.bytes = "{\"status\":\"active\"}";
  return session;
}
bool fill(SessionTable& table, const SessionSnapshot& session) { return table.put(table.ticket(), session); }
bool has(const SessionTable& table, const std::string& id) { return table.find(id, kNow) != nullptr; }

TEST(SessionTableTest, GivesBackWhatWasPut) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one")));
  const auto found = table.find("one", kNow);
  ASSERT_NE(nullptr, found);
  EXPECT_EQ("one", found->id);
  EXPECT_EQ("tenant-a", found->tenant_id);
  EXPECT_EQ("alice", found->subject);
  EXPECT_EQ((kNow - 60) * 1000, found->created_ms);
  EXPECT_EQ(kNow + 60, found->expires_at);
  EXPECT_EQ("{\"status\":\"active\"}", found->bytes);
  EXPECT_EQ(1U, table.size());
}

TEST(SessionTableTest, KnowsNothingElse) {
  SessionTable table;
  EXPECT_EQ(nullptr, table.find("one", kNow));
  ASSERT_TRUE(fill(table, snapshot("one")));
  for (const char* id : {"", "on", "one ", "One", "two"}) EXPECT_EQ(nullptr, table.find(id, kNow)) << id;
}

TEST(SessionTableTest, ExpiryIsExclusive) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one")));
  EXPECT_NE(nullptr, table.find("one", kNow + 59));
  EXPECT_EQ(nullptr, table.find("one", kNow + 60));
  EXPECT_EQ(nullptr, table.find("one", kNow + 61));
}

TEST(SessionTableTest, ALaterPutReplacesTheSnapshot) {
  SessionTable table;
  ASSERT_TRUE(fill(table, snapshot("one")));
  const auto former = table.find("one", kNow);
  SessionSnapshot slid = snapshot("one");
  slid.bytes = "slid";
  ASSERT_TRUE(fill(table, slid));
  EXPECT_EQ("slid", table.find("one", kNow)->bytes);
  EXPECT_EQ("{\"status\":\"active\"}", former->bytes);
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
  SessionSnapshot newer = snapshot("one");
  newer.bytes = "newer";
  ASSERT_TRUE(table.put(table.ticket(), newer));
  EXPECT_FALSE(table.put(old_ticket, snapshot("one")));
  EXPECT_EQ("newer", table.find("one", kNow)->bytes);
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
  SessionSnapshot expired = snapshot("expired");
  expired.expires_at = kNow;
  ASSERT_TRUE(fill(table, expired));
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
  EXPECT_EQ("a", held->id);
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

TEST(SessionTableTest, OfNoEntriesKeepsNothing) {
  SessionTable table(0);
  EXPECT_TRUE(fill(table, snapshot("one")));
  EXPECT_FALSE(has(table, "one"));
  EXPECT_EQ(0U, table.size());
}

}  // namespace
}  // namespace tessera
