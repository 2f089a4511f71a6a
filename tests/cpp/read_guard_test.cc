// SPDX-License-Identifier: Apache-2.0
#include "read_guard.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace tessera::internal {
namespace {

/// Counts how many of its kind live.
struct Counted {
  explicit Counted(std::atomic<int>& count) : alive(&count) { ++*alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive; }
  std::atomic<int>* alive;
};

class ReadGuardTest : public ::testing::Test {
 protected:
  void retire_one() {
    retired.reserve_one();
    retired.add(std::make_unique<Counted>(alive), 100);
  }
  std::atomic<int> alive{0};
  Retired retired;
};

TEST_F(ReadGuardTest, WithoutReadersAllIsFreed) {
  retire_one();
  retire_one();
  EXPECT_EQ(2, alive.load());
  EXPECT_EQ(200U, retired.bytes());
  EXPECT_EQ(0U, retired.collect());
  EXPECT_EQ(0, alive.load());
  EXPECT_EQ(0U, retired.bytes());
}

TEST_F(ReadGuardTest, WhatWasRetiredWhileSomebodyReadsIsKept) {
  std::optional<ReadGuard> guard(std::in_place);
  retire_one();
  EXPECT_EQ(1U, retired.collect());
  EXPECT_EQ(1, alive.load());
  guard.reset();
  EXPECT_EQ(0U, retired.collect());
  EXPECT_EQ(0, alive.load());
}

TEST_F(ReadGuardTest, AReaderThatCameLaterHoldsNothingBack) {
  retire_one();
  const ReadGuard guard;
  EXPECT_EQ(0U, retired.collect());
  EXPECT_EQ(0, alive.load());
}

TEST_F(ReadGuardTest, TheLastOwnerFreesWhatIsLeft) {
  {
    Retired gone;
    const ReadGuard guard;
    gone.reserve_one();
    gone.add(std::make_unique<Counted>(alive), 1);
    EXPECT_EQ(1U, gone.collect());
  }
  EXPECT_EQ(0, alive.load());
}

TEST_F(ReadGuardTest, AReaderThatFoundNoSlotHoldsBackToo) {
  constexpr int kIdle = 600;  // more than there are slots
  std::atomic<int> idle{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kIdle; ++i) {
    threads.emplace_back([&] {
      { const ReadGuard takes_a_slot_for_the_life_of_the_thread; }
      idle.fetch_add(1);
      stop.wait(false);
    });
  }
  while (idle.load() != kIdle) std::this_thread::yield();
  std::thread([&] {
    std::optional<ReadGuard> guest(std::in_place);
    retire_one();
    EXPECT_EQ(1U, retired.collect());
    guest.reset();
    EXPECT_EQ(0U, retired.collect());
  }).join();
  stop.store(true);
  stop.notify_all();
  for (auto& thread : threads) thread.join();
}

TEST_F(ReadGuardTest, SlotsOfThreadsThatEndedServeAgain) {
  for (int i = 0; i < 2'000; ++i) {
    std::thread([] { const ReadGuard guard; }).join();
  }
  retire_one();
  const ReadGuard guard;
  EXPECT_EQ(0U, retired.collect()) << "nobody is left as a guest, who would hold everything back";
}

struct ReadsAtItsEnd {
  ~ReadsAtItsEnd() { const ReadGuard guard; }
};

TEST_F(ReadGuardTest, AThreadMayReadInItsLastMoments) {
  std::thread([] {
    thread_local ReadsAtItsEnd last;  // made before the thread's slot, so it ends after it
    (void)last;
    const ReadGuard guard;
  }).join();
  retire_one();
  EXPECT_EQ(0U, retired.collect());
}

}  // namespace
}  // namespace tessera::internal
