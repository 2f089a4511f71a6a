// SPDX-License-Identifier: Apache-2.0
// Keys are swapped while eight threads verify and sign: nobody waits, nobody sees half a set. Run under TSan, too.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tessera/signer.h"
#include "tessera/token_cache.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using namespace token_tests;

constexpr int kThreads = 8;
constexpr int kSwaps = 10'000;
constexpr std::int64_t kOperationsPerThread = 130'000;  // together more than a million

struct Load {
  KeySet keys;
  std::shared_ptr<TokenCache> cache = std::make_shared<TokenCache>();
  Verifier cached{keys, good_policy(), cache};
  Verifier uncached{keys, good_policy()};
  Signer signer{keys};
  std::string stable_token =
      forge(R"({"alg":"RS256","typ":"at+jwt","kid":"key-2"})", to_json(good_claims()), other_key());
  std::string coming_and_going_token = good_token();
  std::atomic<std::int64_t> operations{0};
  std::atomic<bool> swapping{true};
  std::atomic<int> wrong{0};
};

// key-2 is always there, key-1 every other time; the signing key changes with it.
void swap_keys(Load& load) {
  const std::vector<PublicKey> both = {test_key().public_key(), other_key().public_key()};
  const std::vector<PublicKey> one = {other_key().public_key()};
  for (int i = 0; i < kSwaps; ++i) {
    while (load.operations.load(std::memory_order_relaxed) < i * 100) std::this_thread::yield();
    const bool with_both = i % 2 == 0;
    if (!load.keys.replace(with_both ? both : one, with_both ? test_key() : other_key())) ++load.wrong;
  }
  load.swapping = false;
}

bool is_snapshot_whole(const KeySnapshot& snapshot) {
  const bool with_both = snapshot.generation() % 2 == 1;
  return snapshot.keys().size() == (with_both ? 2U : 1U) && (snapshot.find("key-1") != nullptr) == with_both &&
         snapshot.holds(other_key().public_key().number()) &&
         snapshot.signing_key()->key_id() == (with_both ? "key-1" : "key-2");
}

bool works(Load& load, std::int64_t turn) {
  if (turn % 16384 == 1) return load.signer.sign("{}").ok();
  if (turn % 256 == 2) {
    const std::string cause = cause_of(load.uncached.verify(load.coming_and_going_token, kNow));
    return cause == "ok" || cause == "key_unknown";
  }
  if (turn % 256 == 3) return load.uncached.verify(load.stable_token, kNow).ok();
  if (turn % 4 == 0) return load.cached.verify(load.stable_token, kNow).ok();
  if (turn % 4 == 1) return is_snapshot_whole(*load.keys.snapshot());
  return is_snapshot_whole(load.keys.current());
}

void verify_and_sign(Load& load) {
  for (std::int64_t turn = 0; turn < kOperationsPerThread || load.swapping; ++turn) {
    if (!works(load, turn)) ++load.wrong;
    load.operations.fetch_add(1, std::memory_order_relaxed);
  }
}

TEST(KeySetUnderLoad, is_swapped_10_000_times_while_eight_threads_do_a_million_operations) {
  Load load;
  ASSERT_TRUE(load.keys.replace({test_key().public_key(), other_key().public_key()}, test_key()));
  ASSERT_TRUE(load.keys.replace({other_key().public_key()}, other_key()));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&load] { verify_and_sign(load); });
  swap_keys(load);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(load.wrong, 0);
  EXPECT_GE(load.operations, 1'000'000);
  EXPECT_EQ(load.keys.generation(), static_cast<std::uint64_t>(kSwaps + 2));
}

}  // namespace
}  // namespace tessera
