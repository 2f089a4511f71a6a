// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "read_guard.h"
#include "revocation_table.h"

namespace tessera::internal {

/// Many small tables, chosen by the top bits of the fingerprint and published by atomic pointers. What a writer has to
/// rebuild at once, to grow or to purge, is one of them; readers go on in the old one meanwhile.
template <std::size_t kWords, std::size_t kShards>
class RevocationShards {
 public:
  using Table = RevocationTable<kWords>;
  using Word = typename Table::Word;
  static constexpr std::size_t kCount = kShards;
  static_assert(std::has_single_bit(kShards) && kShards <= 1U << 16);

  RevocationShards() = default;
  RevocationShards(const RevocationShards&) = delete;
  RevocationShards& operator=(const RevocationShards&) = delete;
  ~RevocationShards() {
    for (auto& table : tables_) delete table.load(std::memory_order_relaxed);
  }

  /// The words of that entry, or null; valid while the caller's ReadGuard lives.
  [[nodiscard]] const Word* find(const Fingerprint& id) const noexcept {
    const Table* const table = tables_[shard_of(id)].load();
    return table == nullptr ? nullptr : table->find(id);
  }

  // For the writer whose turn it is.

  /// Adds an entry or raises what is there; true if it is new.
  bool put(const RevocationEntry& entry, Retired& retired) {
    std::atomic<Table*>& published = tables_[shard_of(entry.id)];
    Table* table = published.load(std::memory_order_relaxed);
    if (table != nullptr && table->raise(entry)) return false;
    if (table == nullptr || !table->has_room()) {
      const std::size_t used = table == nullptr ? 0 : table->used();
      table = rebuild(published, used + used / 4 + 1, kBeforeAll, retired);
    }
    table->add(entry);
    return true;
  }
  /// Rebuilds one shard without what has expired; returns how many entries went.
  std::size_t purge(std::size_t shard, std::int64_t now_seconds, Retired& retired) {
    Table* const table = tables_[shard].load(std::memory_order_relaxed);
    if (table == nullptr || !is_expired(table->earliest_expiry(), now_seconds)) return 0;
    std::size_t alive = 0;
    std::uint32_t earliest = kNeverExpires;
    table->for_each([&](const RevocationEntry& entry) {
      if (is_expired(entry.expires_at, now_seconds)) return;
      earliest = std::min(earliest, entry.expires_at);
      ++alive;
    });
    const std::size_t expired = table->used() - alive;
    table->set_earliest_expiry(earliest);  // raised expiries had left it too early
    if (expired != 0) rebuild(tables_[shard], alive, now_seconds, retired);
    return expired;
  }
  template <typename Visit>
  void for_each(std::size_t shard, Visit visit) const {
    if (const Table* table = tables_[shard].load(std::memory_order_relaxed)) table->for_each(visit);
  }
  /// Before anybody reads: room for so many entries in the shard where `sample` belongs, if it is empty.
  void reserve(const Fingerprint& sample, std::size_t entries) {
    std::atomic<Table*>& table = tables_[shard_of(sample)];
    if (table.load(std::memory_order_relaxed) == nullptr) table.store(new Table(entries), std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t bytes = sizeof *this;
    for (const auto& table : tables_) {
      if (const Table* const held = table.load(std::memory_order_relaxed)) bytes += held->bytes();
    }
    return bytes;
  }

 private:
  static constexpr std::int64_t kBeforeAll = -1;  // a time at which no entry has expired

  static bool is_expired(std::uint32_t expires_at, std::int64_t now_seconds) noexcept {
    return expires_at != kNeverExpires && std::int64_t{expires_at} <= now_seconds;
  }
  [[nodiscard]] static std::size_t shard_of(const Fingerprint& id) noexcept {
    return static_cast<std::size_t>(id.first >> (64 - std::countr_zero(kShards)));
  }

  /// Publishes a table with room for `entries` (none for 0) that holds what is alive at `now_seconds`.
  static Table* rebuild(std::atomic<Table*>& published, std::size_t entries, std::int64_t now_seconds,
                        Retired& retired) {
    retired.reserve_one();  // from the publication on nothing may fail
    Table* const old = published.load(std::memory_order_relaxed);
    auto next = entries == 0 ? nullptr : std::make_unique<Table>(entries);
    if (old != nullptr && next != nullptr) {
      old->for_each([&](const RevocationEntry& entry) {
        if (!is_expired(entry.expires_at, now_seconds)) next->add(entry);
      });
    }
    published.store(next.get());
    if (old != nullptr) retired.add(std::unique_ptr<Table>(old), old->bytes());
    return next.release();
  }

  std::array<std::atomic<Table*>, kShards> tables_{};
};

}  // namespace tessera::internal
