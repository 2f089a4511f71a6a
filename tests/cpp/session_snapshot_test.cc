// SPDX-License-Identifier: Apache-2.0
#include "tessera/session_snapshot.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tessera {
namespace {

SessionSnapshot snapshot(std::string_view id, std::string_view subject = "alice",
                         std::string_view tenant_id = "tenant-a", std::string_view bytes = "bytes") {
  return SessionSnapshot({.id = id,
                          .tenant_id = tenant_id,
                          .subject = subject,
                          .created_ms = 1'800'000'000'123,
                          .expires_at = 1'800'000'600,
                          .bytes = bytes});
}

TEST(SessionSnapshotTest, SaysWhatItWasTold) {
  const SessionSnapshot session = snapshot("one");
  EXPECT_EQ("one", session.id());
  EXPECT_EQ("tenant-a", session.tenant_id());
  EXPECT_EQ("alice", session.subject());
  EXPECT_EQ(1'800'000'000'123, session.created_ms());
  EXPECT_EQ(1'800'000'600, session.expires_at());
  EXPECT_EQ("bytes", session.bytes());
}

TEST(SessionSnapshotTest, IsEmptyUntilItIsAssignedAndOnceItIsMovedFrom) {
  SessionSnapshot session;
  EXPECT_TRUE(session.is_empty());
  EXPECT_TRUE(SessionSnapshot(session).is_empty());
  session = snapshot("one");
  EXPECT_FALSE(session.is_empty());
  const SessionSnapshot moved = std::move(session);
  EXPECT_TRUE(session.is_empty());  // NOLINT(bugprone-use-after-move): that is what is asked
  EXPECT_EQ("one", moved.id());
}

TEST(SessionSnapshotTest, ACopyIsItsOwn) {
  SessionSnapshot copy = snapshot("one");
  {
    const SessionSnapshot original = snapshot("two", "alice", "tenant-a", "bytes");
    copy = original;
  }
  const SessionSnapshot again(copy);
  copy = snapshot("three");
  EXPECT_EQ("two", again.id());
  EXPECT_EQ("tenant-a", again.tenant_id());
  EXPECT_EQ("alice", again.subject());
  EXPECT_EQ("bytes", again.bytes());
  EXPECT_EQ("three", copy.id());
}

TEST(SessionSnapshotTest, TextsMayBeEmptyOrHoldAnything) {
  const std::string anything("\0\n", 2);
  const SessionSnapshot empty{SessionSnapshot::Fields{}};
  EXPECT_EQ("", empty.id());
  EXPECT_EQ("", empty.bytes());
  const SessionSnapshot session = snapshot(anything, "", anything, anything);
  EXPECT_EQ(anything, session.id());
  EXPECT_EQ("", session.subject());
  EXPECT_EQ(anything, session.tenant_id());
  EXPECT_EQ(anything, session.bytes());
}

TEST(SessionSnapshotTest, TextsAreAsLongAsTheirLengthsCanSay) {
  const std::string longest(65'535, 'x');
  const SessionSnapshot session = snapshot(longest, longest, longest, longest + longest);
  EXPECT_EQ(longest, session.id());
  EXPECT_EQ(longest, session.tenant_id());
  EXPECT_EQ(longest, session.subject());
  EXPECT_EQ(longest + longest, session.bytes());
  EXPECT_THROW(snapshot(longest + "x"), std::length_error);
  EXPECT_THROW(snapshot("one", longest + "x"), std::length_error);
  EXPECT_THROW(snapshot("one", "alice", longest + "x"), std::length_error);
}

}  // namespace
}  // namespace tessera
