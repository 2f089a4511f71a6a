// SPDX-License-Identifier: Apache-2.0
#include "tessera/revocation_set.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>

#include "fair_mutex.h"
#include "random.h"
#include "read_guard.h"
#include "revocation_file.h"
#include "revocation_state.h"

namespace tessera {

using internal::ReadGuard;
using internal::RevocationState;

// Readers follow `state` under a ReadGuard and take no lock. Writers hold `turn`. What takes long (purge, save, load)
// holds `long_turn` and, inside it, `turn` for one shard at a time. Both are fair: a writer that waits gets in after
// one step of something long, and something long gets on beside any number of writers.
struct RevocationSet::Impl {
  Impl() : state(new RevocationState(internal::random_secret<RevocationState::kSecretBytes>())) {}
  ~Impl() { delete state.load(std::memory_order_relaxed); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// For the holder of a turn.
  [[nodiscard]] RevocationState& content() const noexcept { return *state.load(std::memory_order_relaxed); }
  template <typename Put>
  void write(Put put) {
    const std::lock_guard lock(turn);
    if (put(content())) entries.fetch_add(1, std::memory_order_relaxed);
    retired.collect();
  }
  template <typename Ask>
  bool read(Ask ask) const noexcept {
    const ReadGuard guard;
    return ask(std::as_const(*state.load()));
  }
  template <typename Shards>
  std::size_t purge(Shards RevocationState::*shards, std::int64_t now_seconds) {
    std::size_t purged = 0;
    for (std::size_t shard = 0; shard < Shards::kCount; ++shard) {
      const std::lock_guard lock(turn);
      const std::size_t gone = (content().*shards).purge(shard, now_seconds, retired);
      entries.fetch_sub(gone, std::memory_order_relaxed);
      purged += gone;
      retired.collect();
    }
    return purged;
  }

  mutable internal::FairMutex long_turn;
  mutable internal::FairMutex turn;
  std::atomic<RevocationState*> state;
  internal::Retired retired;
  std::atomic<std::size_t> entries{0};
};

RevocationSet::RevocationSet() : impl_(std::make_unique<Impl>()) {}
RevocationSet::~RevocationSet() = default;

void RevocationSet::revoke_jti(std::string_view jti, std::int64_t expires_at) {
  impl_->write([&](RevocationState& state) {
    return state.ids.put({state.of_jti(jti), RevocationState::clamp_expiry(expires_at)}, impl_->retired);
  });
}

void RevocationSet::revoke_session(std::string_view session_id, std::int64_t expires_at) {
  impl_->write([&](RevocationState& state) {
    return state.ids.put({state.of_session(session_id), RevocationState::clamp_expiry(expires_at)}, impl_->retired);
  });
}

void RevocationSet::cut_off(std::string_view tenant_id, std::string_view subject, std::int64_t cutoff_ms,
                            std::int64_t expires_at) {
  impl_->write([&](RevocationState& state) {
    const std::uint32_t expiry = RevocationState::clamp_expiry(expires_at);
    return state.cutoffs.put({state.of_subject(tenant_id, subject), expiry, cutoff_ms}, impl_->retired);
  });
}

bool RevocationSet::is_jti_revoked(std::string_view jti) const noexcept {
  return impl_->read([&](const RevocationState& state) { return state.ids.find(state.of_jti(jti)) != nullptr; });
}

bool RevocationSet::is_session_revoked(std::string_view session_id) const noexcept {
  return impl_->read(
      [&](const RevocationState& state) { return state.ids.find(state.of_session(session_id)) != nullptr; });
}

bool RevocationSet::is_cut_off(std::string_view tenant_id, std::string_view subject,
                               std::int64_t created_ms) const noexcept {
  return impl_->read([&](const RevocationState& state) {
    const auto* const words = state.cutoffs.find(state.of_subject(tenant_id, subject));
    return words != nullptr && created_ms <= internal::RevocationTable<3>::cutoff_of(words);
  });
}

std::size_t RevocationSet::purge(std::int64_t now_seconds) {
  const std::lock_guard alone(impl_->long_turn);
  return impl_->purge(&RevocationState::ids, now_seconds) + impl_->purge(&RevocationState::cutoffs, now_seconds);
}

std::size_t RevocationSet::size() const noexcept { return impl_->entries.load(std::memory_order_relaxed); }

std::size_t RevocationSet::bytes() const noexcept {
  const std::lock_guard lock(impl_->turn);
  return sizeof(Impl) + impl_->content().bytes() + impl_->retired.bytes();
}

Result<void> RevocationSet::save(const std::string& path) const {
  const std::lock_guard alone(impl_->long_turn);
  // Only load() publishes another state, and it waits for `long_turn`.
  const auto quietly = [&](const std::function<void()>& step) {
    const std::lock_guard lock(impl_->turn);
    step();
  };
  return internal::save_revocations(path, impl_->content(), quietly);
}

Result<void> RevocationSet::load(const std::string& path) {
  const std::lock_guard alone(impl_->long_turn);
  auto loaded = internal::load_revocations(path);
  if (!loaded) return loaded.error();
  const std::lock_guard lock(impl_->turn);
  impl_->retired.reserve_one();
  std::unique_ptr<RevocationState> old(impl_->state.load(std::memory_order_relaxed));
  impl_->state.store(loaded.value().state.release());
  impl_->entries.store(loaded.value().entries, std::memory_order_relaxed);
  const std::size_t bytes = old->bytes();
  impl_->retired.add(std::move(old), bytes);
  impl_->retired.collect();
  return {};
}

}  // namespace tessera
