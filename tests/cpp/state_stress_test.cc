// SPDX-License-Identifier: Apache-2.0
// Many threads on one object: what a call has promised when it returns holds for every call that starts after it. Made
// for ThreadSanitizer as much as for its own assertions. Progress is counted in operations, never in time.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "state_fixture.h"
#include "tessera/checker.h"
#include "tessera/revocation_set.h"
#include "tessera/session_table.h"
#include "tessera/token_cache.h"

namespace tessera {
namespace {

using testing::kNow;

/// Numbers that differ from thread to thread and are the same in every run.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15U + 1) {}
  std::uint64_t below(std::uint64_t bound) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % bound;
  }

 private:
  std::uint64_t state_;
};

void run_together(std::size_t threads, const std::function<void(std::size_t)>& work) {
  std::vector<std::thread> running;
  for (std::size_t i = 0; i < threads; ++i) running.emplace_back([&work, i] { work(i); });
  for (auto& thread : running) thread.join();
}

TEST(StateStressTest, NoReaderSeesARevokedIdAliveWhileTheSetGrowsAndIsPurged) {
  constexpr std::uint64_t kIds = 100'000;
  constexpr std::uint64_t kReads = 200'000;
  RevocationSet set;
  std::atomic<std::uint64_t> revoked{0};
  std::atomic<std::uint64_t> seen_alive{0};
  std::atomic<bool> written{false};
  run_together(8, [&](std::size_t thread) {
    if (thread == 0) {
      for (std::uint64_t i = 0; i < kIds; ++i) {
        set.revoke_jti(std::to_string(i), kNow + 1'000'000);
        revoked.store(i + 1, std::memory_order_release);
        set.revoke_session(std::to_string(i), static_cast<std::int64_t>(i));  // soon purged
      }
      written.store(true);
    } else if (thread == 1) {
      while (!written.load()) set.purge(static_cast<std::int64_t>(revoked.load()));
    } else {
      Dice dice(thread);
      for (std::uint64_t i = 0; i < kReads; ++i) {
        const std::uint64_t known = revoked.load(std::memory_order_acquire);
        if (known != 0 && !set.is_jti_revoked(std::to_string(dice.below(known)))) ++seen_alive;
      }
    }
  });
  EXPECT_EQ(0U, seen_alive.load());
  set.purge(kNow);
  EXPECT_EQ(kIds, set.size());
}

TEST(StateStressTest, NoReaderSeesACutOffFallBack) {
  constexpr std::uint64_t kSubjects = 50;
  constexpr std::int64_t kRaises = 2'000;
  RevocationSet set;
  std::array<std::atomic<std::int64_t>, kSubjects> raised_to{};
  std::atomic<std::uint64_t> fallen{0};
  std::atomic<bool> written{false};
  run_together(8, [&](std::size_t thread) {
    Dice dice(thread);
    if (thread == 0) {
      for (std::int64_t cutoff = 1; cutoff <= kRaises; ++cutoff) {
        for (std::uint64_t subject = 0; subject < kSubjects; ++subject) {
          set.cut_off("tenant-a", std::to_string(subject), cutoff, kNow);
          raised_to[subject].store(cutoff, std::memory_order_release);
        }
        set.cut_off("tenant-b", std::to_string(cutoff), cutoff, cutoff);  // makes the tables grow and shrink
        if (cutoff % 64 == 0) set.purge(cutoff);
      }
      written.store(true);
    }
    while (!written.load()) {
      const std::uint64_t subject = dice.below(kSubjects);
      const std::int64_t known = raised_to[subject].load(std::memory_order_acquire);
      if (known != 0 && !set.is_cut_off("tenant-a", std::to_string(subject), known)) ++fallen;
      if (set.is_cut_off("tenant-a", std::to_string(subject), kRaises + 1)) ++fallen;  // a torn or foreign value
    }
  });
  EXPECT_EQ(0U, fallen.load());
}

TEST(StateStressTest, LoadsAndSavesDisturbNoReader) {
  const testing::TemporaryDirectory directory;
  RevocationSet set;
  set.revoke_jti("always", kNow);
  set.cut_off("tenant-a", "alice", 1, kNow);
  ASSERT_TRUE(set.save(directory.file("revocations")).ok());
  std::atomic<std::uint64_t> seen_alive{0};
  std::atomic<int> failed{0};
  std::atomic<bool> done{false};
  run_together(8, [&](std::size_t thread) {
    if (thread == 0) {
      for (int i = 0; i < 50; ++i) failed += set.load(directory.file("revocations")).ok() ? 0 : 1;
      done.store(true);
    } else if (thread == 1) {
      while (!done.load()) failed += set.save(directory.file("other")).ok() ? 0 : 1;
    } else if (thread == 2) {
      for (int i = 0; !done.load(); ++i) set.revoke_session(std::to_string(i), kNow);
    }
    while (!done.load()) {
      if (!set.is_jti_revoked("always") || !set.is_cut_off("tenant-a", "alice", 1)) ++seen_alive;
    }
  });
  EXPECT_EQ(0U, seen_alive.load());
  EXPECT_EQ(0, failed.load());
}

// The other side runs flat out meanwhile; if it starved this one, it would reach its own bound first.
TEST(StateStressTest, AWriterProgressesWhileSevenReadersRunFlatOut) {
  constexpr std::uint64_t kWrites = 20'000;
  constexpr std::uint64_t kMostReads = 20'000'000;
  RevocationSet set;
  std::atomic<std::uint64_t> writes{0};
  run_together(8, [&](std::size_t thread) {
    if (thread == 0) {
      for (; writes.load() < kWrites; ++writes) set.revoke_jti(std::to_string(writes.load()), kNow);
      return;
    }
    for (std::uint64_t reads = 0; reads < kMostReads && writes.load() < kWrites; ++reads) {
      (void)set.is_jti_revoked("somebody");
    }
    EXPECT_EQ(kWrites, writes.load());
  });
}

TEST(StateStressTest, ReadersProgressWhileAWriterRunsFlatOut) {
  constexpr std::uint64_t kReads = 50'000;
  constexpr std::uint64_t kMostWrites = 5'000'000;
  RevocationSet set;
  std::atomic<int> readers{7};
  run_together(8, [&](std::size_t thread) {
    if (thread != 0) {
      for (std::uint64_t reads = 0; reads < kReads; ++reads) (void)set.is_jti_revoked("somebody");
      --readers;
      return;
    }
    for (std::uint64_t writes = 0; writes < kMostWrites && readers.load() != 0; ++writes) {
      set.revoke_jti(std::to_string(writes), static_cast<std::int64_t>(writes));
      if (writes % 4'096 == 0) set.purge(static_cast<std::int64_t>(writes));
    }
    EXPECT_EQ(0, readers.load());
  });
}

/// A store of session versions, and what the table may show of them: once a drop has returned, nothing older than the
/// version that the store held before the drop.
struct VersionedStore {
  static constexpr std::size_t kSessions = 256;
  static constexpr std::size_t kSubjects = 16;
  std::array<std::atomic<std::int64_t>, kSessions> stored{};
  std::array<std::atomic<std::int64_t>, kSessions> oldest_allowed{};

  static SessionSnapshot snapshot(std::size_t session, std::int64_t version) {
    return SessionSnapshot({.id = "session-" + std::to_string(session),
                            .tenant_id = "tenant-a",
                            .subject = std::to_string(session % kSubjects),
                            .created_ms = version,
                            .expires_at = kNow + 1,
                            .bytes = {}});
  }
  /// Changes every session of `changed`, drops them by `drop`, and only then demands that the change be seen.
  void change(const std::vector<std::size_t>& changed, const std::function<void()>& drop) {
    std::vector<std::int64_t> versions;
    for (const std::size_t session : changed) versions.push_back(stored[session].fetch_add(1) + 1);
    drop();
    for (std::size_t i = 0; i < changed.size(); ++i) raise(oldest_allowed[changed[i]], versions[i]);
  }
  static void raise(std::atomic<std::int64_t>& value, std::int64_t to) {
    std::int64_t seen = value.load();
    while (seen < to && !value.compare_exchange_weak(seen, to)) {
    }
  }
};

TEST(StateStressTest, NoFillOutlivesADropThatCameAfterItsTicket) {
  VersionedStore store;
  SessionTable table(200);  // less than there are sessions, so that eviction takes part
  std::atomic<std::uint64_t> outdated{0};
  std::atomic<std::uint64_t> hits{0};
  run_together(8, [&](std::size_t thread) {
    Dice dice(thread);
    for (int i = 0; i < 150'000; ++i) {
      const std::size_t session = dice.below(VersionedStore::kSessions);
      const std::size_t subject = session % VersionedStore::kSubjects;
      const std::string id = "session-" + std::to_string(session);
      if (thread < 4 && i % 4 != 0) {
        const auto ticket = table.ticket();
        const SessionSnapshot read = VersionedStore::snapshot(session, store.stored[session].load());
        if (i % 16 == 1) std::this_thread::yield();  // stores are slow: time for a drop in between
        table.put(ticket, read);
      } else if (thread == 7 && i % 64 == 0) {
        std::vector<std::size_t> all_of_subject;
        for (std::size_t s = subject; s < VersionedStore::kSessions; s += VersionedStore::kSubjects) {
          all_of_subject.push_back(s);
        }
        store.change(all_of_subject, [&] { table.drop_subject("tenant-a", std::to_string(subject)); });
      } else if (thread == 6 && i % 8 == 0) {
        store.change({session}, [&] { i % 1024 == 0 ? table.clear() : table.drop(id); });
      } else {
        const std::int64_t oldest = store.oldest_allowed[session].load();
        if (const auto found = table.find(id, kNow)) {
          ++hits;
          if (found->created_ms() < oldest) ++outdated;
        }
      }
    }
  });
  EXPECT_EQ(0U, outdated.load());
  EXPECT_GT(hits.load(), 1'000U);
  EXPECT_LE(table.size(), 200U);
}

TEST(StateStressTest, ACacheUnderPressureNeverGivesAnotherToken) {
  constexpr std::size_t kTokens = 64;
  std::vector<std::string> tokens;
  std::vector<VerifiedToken> verified;
  for (std::size_t i = 0; i < kTokens; ++i) {
    testing::TokenFacts facts;
    facts.jti = std::to_string(i);
    tokens.push_back(testing::sign(facts, i % 2 == 0 ? testing::signing_key() : testing::other_key()));
    verified.push_back(testing::verify(tokens.back()));
  }
  TokenCache cache(kTokens * 1'500);
  std::atomic<std::uint64_t> wrong{0};
  std::atomic<std::uint64_t> hits{0};
  run_together(8, [&](std::size_t thread) {
    Dice dice(thread);
    for (int i = 0; i < 130'000; ++i) {
      const std::size_t token = dice.below(kTokens);
      const std::uint64_t move = dice.below(1'000);
      if (move == 0) {
        cache.drop_key(verified[token].key_number());
      } else if (move == 1) {
        cache.clear();
      } else if (move < 50) {
        cache.erase(tokens[token]);
      } else if (move < 300) {
        cache.insert(tokens[token], verified[token]);
      } else if (const auto hit = cache.find(tokens[token])) {
        ++hits;
        if (hit->jti() != std::to_string(token)) ++wrong;
      }
    }
  });
  EXPECT_EQ(0U, wrong.load());
  EXPECT_GT(hits.load(), 1'000U);
  EXPECT_LE(cache.bytes(), kTokens * 1'500);
}

TEST(StateStressTest, NoCheckFindsARevokedSessionAlive) {
  constexpr std::size_t kSessions = 200;
  constexpr std::uint64_t kChecks = 145'000;
  std::vector<std::string> tokens;
  const auto revocations = std::make_shared<RevocationSet>();
  const auto sessions = std::make_shared<SessionTable>();
  for (std::size_t i = 0; i < kSessions; ++i) {
    testing::TokenFacts facts;
    facts.jti = "jti-" + std::to_string(i);
    facts.session_id = "session-" + std::to_string(i);
    facts.subject = std::to_string(i % VersionedStore::kSubjects);
    tokens.push_back(testing::sign(facts));
    ASSERT_TRUE(sessions->put(sessions->ticket(), VersionedStore::snapshot(i, 0)));
  }
  Checker checker(
      std::make_shared<const Verifier>(testing::both_keys(), testing::lenient_policy(), std::make_shared<TokenCache>()),
      revocations, sessions);
  checker.keep_fresh_until(Checker::boottime_ns() + 3'600'000'000'000);
  std::atomic<std::size_t> revoked{0};
  std::atomic<std::uint64_t> checks{0};
  std::atomic<std::uint64_t> seen_alive{0};
  std::atomic<std::uint64_t> seen_dead{0};
  run_together(8, [&](std::size_t thread) {
    Dice dice(thread);
    if (thread == 0) {
      for (std::size_t i = 0; i < kSessions; ++i) {
        while (checks.load() < i * 7 * kChecks / kSessions) std::this_thread::yield();
        if (i % 2 == 0) revocations->revoke_session("session-" + std::to_string(i), kNow + 900);
        if (i % 2 == 1) revocations->revoke_jti("jti-" + std::to_string(i), kNow + 900);
        revoked.store(i + 1);
        if (i % 50 == 49) checker.close();
        if (i % 50 == 49) checker.keep_fresh_until(Checker::boottime_ns() + 3'600'000'000'000);
      }
      return;
    }
    for (std::uint64_t i = 0; i < kChecks; ++i, ++checks) {
      const std::size_t session = dice.below(kSessions);
      const bool known = session < revoked.load();
      const Verdict verdict = checker.check(tokens[session], kNow);
      if (known && verdict.status != Verdict::Status::dead) ++seen_alive;
      if (!known && verdict.status == Verdict::Status::no_record) ++seen_alive;
      if (verdict.status == Verdict::Status::dead) ++seen_dead;
    }
  });
  EXPECT_EQ(0U, seen_alive.load());
  EXPECT_GT(seen_dead.load(), 1'000U);
}

}  // namespace
}  // namespace tessera
