// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "tessera/session_table.h"

namespace tessera::internal {

/// An id with its keyed hash, which serves as shard number, bucket number and drop stamp alike.
struct HashedId {
  std::uint64_t hash = 0;
  std::string_view id;
};

/// The sessions whose ids fall here: buckets by id and by subject, and a list by age. Entries name each other by 32-bit
/// numbers, for a million of them have to be small. Not synchronised: the holder of `mutex` may call.
class SessionShard {
 public:
  /// What left the shard; to be destroyed after the lock is released.
  using Dropped = std::vector<SessionSnapshot>;

  std::mutex mutex;

  void put(std::uint64_t id_hash, std::uint64_t subject_hash, SessionSnapshot snapshot, std::size_t max_entries,
           Dropped& dropped);
  /// Nothing when unknown or expired; a hit becomes the most recently used.
  std::optional<SessionSnapshot> find(const HashedId& id, std::int64_t now_seconds);
  void drop(const HashedId& id, Dropped& dropped);
  /// `subject_hash` stands for the subject: a collision only costs another subject a read of the store.
  void drop_subject(std::uint64_t subject_hash, Dropped& dropped);
  void clear(Dropped& dropped);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  using Number = std::uint32_t;
  static constexpr Number kNone = UINT32_MAX;

  struct Entry {
    SessionSnapshot snapshot;  // moved from: free
    std::uint32_t id_hash = 0;
    std::uint32_t subject_hash = 0;
    Number next_of_id = kNone;  // of a free entry: the next free one
    Number next_of_subject = kNone;
    Number previous_of_subject = kNone;  // kNone: the first of its bucket
    Number newer = kNone;
    Number older = kNone;
  };

  [[nodiscard]] Number& id_bucket(std::uint32_t hash) noexcept { return by_id_[hash & (by_id_.size() - 1)]; }
  [[nodiscard]] Number& subject_bucket(std::uint32_t hash) noexcept {
    return by_subject_[hash & (by_subject_.size() - 1)];
  }
  [[nodiscard]] Number number_of(const HashedId& id) noexcept;
  /// A free entry, with buckets enough for it: all that can throw.
  Number make_room();
  void double_buckets();
  void link_id(Number number) noexcept;
  void unlink_id(Number number) noexcept;
  void link_subject(Number number) noexcept;
  void unlink_subject(Number number) noexcept;
  void link_newest(Number number) noexcept;
  void unlink_age(Number number) noexcept;
  void remove(Number number, Dropped& dropped);

  std::deque<Entry> entries_;  // grows without copying and without room to spare
  std::vector<Number> by_id_;  // both of the same size, a power of two
  std::vector<Number> by_subject_;
  std::size_t size_ = 0;
  Number free_ = kNone;
  Number newest_ = kNone;
  Number oldest_ = kNone;
};

}  // namespace tessera::internal
