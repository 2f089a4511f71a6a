// SPDX-License-Identifier: Apache-2.0
#include "session_shard.h"

#include <utility>

namespace tessera::internal {

void SessionShard::put(std::uint64_t id_hash, std::uint64_t subject_hash, Snapshot snapshot, std::size_t max_entries,
                       Dropped& dropped) {
  if (max_entries == 0) return;
  const HashedId key{id_hash, snapshot->id};
  drop(key, dropped);
  while (entries_.size() >= max_entries) remove(*oldest_, dropped);
  Entry& entry = entries_[key];
  entry.snapshot = std::move(snapshot);
  entry.id_hash = id_hash;
  entry.subject_hash = subject_hash;
  try {
    link_subject(entry);
  } catch (...) {  // no memory: an entry that drop_subject cannot reach must not stay
    entries_.erase(key);
    throw;
  }
  link_newest(entry);
}

SessionShard::Snapshot SessionShard::find(const HashedId& id, std::int64_t now_seconds) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || now_seconds >= found->second.snapshot->expires_at) return nullptr;
  Entry& entry = found->second;
  if (&entry != newest_) {
    unlink_age(entry);
    link_newest(entry);
  }
  return entry.snapshot;
}

void SessionShard::drop(const HashedId& id, Dropped& dropped) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) remove(found->second, dropped);
}

void SessionShard::drop_subject(std::uint64_t subject_hash, Dropped& dropped) {
  for (auto found = subjects_.find(subject_hash); found != subjects_.end(); found = subjects_.find(subject_hash)) {
    remove(*found->second, dropped);
  }
}

void SessionShard::clear(Dropped& dropped) {
  dropped.reserve(dropped.size() + entries_.size());
  for (auto& [key, entry] : entries_) dropped.push_back(std::move(entry.snapshot));
  entries_.clear();
  subjects_.clear();
  newest_ = oldest_ = nullptr;
}

void SessionShard::link_newest(Entry& entry) noexcept {
  entry.newer = nullptr;
  entry.older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = &entry;
  newest_ = &entry;
}

void SessionShard::unlink_age(Entry& entry) noexcept {
  (entry.newer != nullptr ? entry.newer->older : newest_) = entry.older;
  (entry.older != nullptr ? entry.older->newer : oldest_) = entry.newer;
}

void SessionShard::link_subject(Entry& entry) {
  Entry*& first = subjects_[entry.subject_hash];  // all that can throw; it inserts nothing then
  entry.next_of_subject = first;
  if (first != nullptr) first->previous_of_subject = &entry;
  first = &entry;
}

void SessionShard::unlink_subject(Entry& entry) {
  if (entry.next_of_subject != nullptr) entry.next_of_subject->previous_of_subject = entry.previous_of_subject;
  if (entry.previous_of_subject != nullptr) {
    entry.previous_of_subject->next_of_subject = entry.next_of_subject;
  } else if (entry.next_of_subject != nullptr) {
    subjects_[entry.subject_hash] = entry.next_of_subject;
  } else {
    subjects_.erase(entry.subject_hash);
  }
}

void SessionShard::remove(Entry& entry, Dropped& dropped) {
  dropped.push_back(entry.snapshot);  // first, as it may throw; a copy, as the key below views into it
  unlink_age(entry);
  unlink_subject(entry);
  entries_.erase(HashedId{entry.id_hash, dropped.back()->id});
}

}  // namespace tessera::internal
