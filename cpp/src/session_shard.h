// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tessera/session_table.h"

namespace tessera::internal {

/// An id with its keyed hash, which serves as shard number, bucket number and drop stamp alike.
struct HashedId {
  std::uint64_t hash = 0;
  std::string_view id;
  bool operator==(const HashedId& other) const noexcept { return id == other.id; }
};

/// The sessions whose ids fall here: least recently used list, and chains by subject. Not synchronised: the holder
/// of `mutex` may call.
class SessionShard {
 public:
  using Snapshot = std::shared_ptr<const SessionSnapshot>;
  /// What left the shard; to be destroyed after the lock is released.
  using Dropped = std::vector<Snapshot>;

  std::mutex mutex;

  void put(std::uint64_t id_hash, std::uint64_t subject_hash, Snapshot snapshot, std::size_t max_entries,
           Dropped& dropped);
  /// Null when unknown or expired; a hit becomes the most recently used.
  Snapshot find(const HashedId& id, std::int64_t now_seconds);
  void drop(const HashedId& id, Dropped& dropped);
  /// `subject_hash` stands for the subject: a collision only costs another subject a read of the store.
  void drop_subject(std::uint64_t subject_hash, Dropped& dropped);
  void clear(Dropped& dropped);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    Snapshot snapshot;
    std::uint64_t id_hash = 0;
    std::uint64_t subject_hash = 0;
    Entry* newer = nullptr;
    Entry* older = nullptr;
    Entry* next_of_subject = nullptr;
    Entry* previous_of_subject = nullptr;
  };
  struct Hash {
    std::size_t operator()(const HashedId& key) const noexcept { return static_cast<std::size_t>(key.hash); }
  };

  void link_newest(Entry& entry) noexcept;
  void unlink_age(Entry& entry) noexcept;
  void link_subject(Entry& entry);
  void unlink_subject(Entry& entry);
  void remove(Entry& entry, Dropped& dropped);

  std::unordered_map<HashedId, Entry, Hash> entries_;  // keys view into the snapshots of their entries
  std::unordered_map<std::uint64_t, Entry*> subjects_;
  Entry* newest_ = nullptr;
  Entry* oldest_ = nullptr;
};

}  // namespace tessera::internal
