// SPDX-License-Identifier: Apache-2.0
#include "tessera/session_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <utility>
#include <vector>

#include "random.h"
#include "session_shard.h"
#include "siphash.h"

namespace tessera {

using internal::HashedId;
using internal::SessionShard;

namespace {

constexpr std::size_t kMaxTableShards = 64;
constexpr std::size_t kEntriesWorthAShard = 256;  // fewer entries per shard would make eviction unjust
constexpr std::size_t kStamps = 4096;             // a power of two

using Stamp = std::atomic<SessionTable::Ticket>;

void raise(Stamp& stamp, SessionTable::Ticket ticket) noexcept {
  SessionTable::Ticket seen = stamp.load(std::memory_order_relaxed);
  while (seen < ticket && !stamp.compare_exchange_weak(seen, ticket)) {
  }
}

}  // namespace

// Why a fill that races a drop loses. A drop first raises the stamp of its id or subject to a new ticket, then visits
// the shards where such a snapshot could stand and removes it under each shard's mutex (an id has one shard, a subject
// and clear() visit all, one lock at a time, so there is no lock order). A put compares the stamps and inserts inside
// one critical section of its shard. That section comes either before the drop's visit, which then removes what was
// put, or after it, and then the mutex makes the raised stamp visible and the put refuses any ticket taken before the
// drop. Ids and subjects share stamps by hash: a collision refuses a put too many, never one too few.
struct SessionTable::Impl {
  explicit Impl(std::size_t max_entries)
      : shards(std::bit_floor(std::clamp(max_entries / kEntriesWorthAShard, std::size_t{1}, kMaxTableShards))),
        entries_per_shard(max_entries / shards.size()) {}

  [[nodiscard]] HashedId hashed(std::string_view id) const noexcept { return {internal::siphash64(id_key, id), id}; }
  [[nodiscard]] std::uint64_t subject_hash(std::string_view tenant_id, std::string_view subject) const noexcept {
    return internal::siphash_pair<false>(subject_key, tenant_id, subject);
  }
  SessionShard& shard_of(std::uint64_t id_hash) noexcept { return shards[(id_hash >> 32) & (shards.size() - 1)]; }
  Stamp& stamp_of(std::uint64_t hash) noexcept { return stamps[hash >> 52]; }
  Ticket next_ticket() noexcept { return last_ticket.fetch_add(1) + 1; }

  const internal::SipKey id_key = internal::random_secret<16>();
  const internal::SipKey subject_key = internal::random_secret<16>();
  std::atomic<Ticket> last_ticket{0};
  Stamp cleared{0};
  std::array<Stamp, kStamps> stamps{};
  std::vector<SessionShard> shards;
  const std::size_t entries_per_shard;
};

static_assert(kStamps == std::size_t{1} << (64 - 52), "stamp_of takes the top bits");

SessionTable::SessionTable(std::size_t max_entries) : impl_(std::make_unique<Impl>(max_entries)) {}
SessionTable::~SessionTable() = default;

SessionTable::Ticket SessionTable::ticket() const noexcept { return impl_->last_ticket.load(); }

bool SessionTable::put(Ticket ticket, SessionSnapshot snapshot) {
  const std::uint64_t id = impl_->hashed(snapshot.id()).hash;
  const std::uint64_t subject = impl_->subject_hash(snapshot.tenant_id(), snapshot.subject());
  SessionShard& shard = impl_->shard_of(id);
  SessionShard::Dropped dropped;
  const std::lock_guard lock(shard.mutex);
  const Ticket newest = std::max({impl_->stamp_of(id).load(), impl_->stamp_of(subject).load(), impl_->cleared.load()});
  if (newest > ticket) return false;
  shard.put(id, subject, std::move(snapshot), impl_->entries_per_shard, dropped);
  return true;
}

std::optional<SessionSnapshot> SessionTable::find(std::string_view id, std::int64_t now_seconds) const {
  const HashedId hashed = impl_->hashed(id);
  SessionShard& shard = impl_->shard_of(hashed.hash);
  const std::lock_guard lock(shard.mutex);
  return shard.find(hashed, now_seconds);
}

void SessionTable::drop(std::string_view id) {
  const HashedId hashed = impl_->hashed(id);
  SessionShard& shard = impl_->shard_of(hashed.hash);
  SessionShard::Dropped dropped;
  raise(impl_->stamp_of(hashed.hash), impl_->next_ticket());
  const std::lock_guard lock(shard.mutex);
  shard.drop(hashed, dropped);
}

void SessionTable::drop_subject(std::string_view tenant_id, std::string_view subject) {
  const std::uint64_t hash = impl_->subject_hash(tenant_id, subject);
  SessionShard::Dropped dropped;
  raise(impl_->stamp_of(hash), impl_->next_ticket());
  for (SessionShard& shard : impl_->shards) {
    const std::lock_guard lock(shard.mutex);
    shard.drop_subject(hash, dropped);
  }
}

void SessionTable::clear() {
  raise(impl_->cleared, impl_->next_ticket());
  for (SessionShard& shard : impl_->shards) {
    SessionShard::Dropped dropped;
    const std::lock_guard lock(shard.mutex);
    shard.clear(dropped);
  }
}

std::size_t SessionTable::size() const {
  std::size_t size = 0;
  for (SessionShard& shard : impl_->shards) {
    const std::lock_guard lock(shard.mutex);
    size += shard.size();
  }
  return size;
}

}  // namespace tessera
