// SPDX-License-Identifier: Apache-2.0
#include "fair_mutex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace tessera::internal {
namespace {

TEST(FairMutexTest, LetsOneThreadInAtATime) {
  FairMutex mutex;
  int counter = 0;  // not atomic: a second thread inside would be a race
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        const std::lock_guard lock(mutex);
        ++counter;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(4000, counter);
}

// Had the greedy threads no end, a std::mutex might keep the patient one out for ever.
TEST(FairMutexTest, LetsAPatientThreadInBesideGreedyOnes) {
  FairMutex mutex;
  std::atomic<bool> patient_is_done{false};
  std::vector<std::thread> greedy;
  for (int thread = 0; thread < 4; ++thread) {
    greedy.emplace_back([&] {
      while (!patient_is_done.load()) const std::lock_guard lock(mutex);
    });
  }
  for (int turns = 0; turns < 1000; ++turns) const std::lock_guard lock(mutex);
  patient_is_done.store(true);
  for (std::thread& thread : greedy) thread.join();
}

}  // namespace
}  // namespace tessera::internal
