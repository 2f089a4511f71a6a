// SPDX-License-Identifier: Apache-2.0
#include "session_shard.h"

#include <algorithm>
#include <utility>

namespace tessera::internal {

namespace {

constexpr std::size_t kFirstBuckets = 16;
constexpr std::size_t kMaxEntries = UINT32_MAX - 1;  // what a Number can name

}  // namespace

void SessionShard::put(std::uint64_t id_hash, std::uint64_t subject_hash, SessionSnapshot snapshot,
                       std::size_t max_entries, Dropped& dropped) {
  if (max_entries == 0) return;
  drop({id_hash, snapshot.id()}, dropped);
  while (size_ >= std::min(max_entries, kMaxEntries)) remove(oldest_, dropped);
  const Number number = make_room();
  Entry& entry = entries_[number];
  free_ = entry.next_of_id;
  entry.snapshot = std::move(snapshot);
  entry.id_hash = static_cast<std::uint32_t>(id_hash);
  entry.subject_hash = static_cast<std::uint32_t>(subject_hash);
  link_id(number);
  link_subject(number);
  link_newest(number);
  ++size_;
}

std::optional<SessionSnapshot> SessionShard::find(const HashedId& id, std::int64_t now_seconds) {
  const Number number = number_of(id);
  if (number == kNone || now_seconds >= entries_[number].snapshot.expires_at()) return std::nullopt;
  if (number != newest_) {
    unlink_age(number);
    link_newest(number);
  }
  return entries_[number].snapshot;
}

void SessionShard::drop(const HashedId& id, Dropped& dropped) {
  const Number number = number_of(id);
  if (number != kNone) remove(number, dropped);
}

void SessionShard::drop_subject(std::uint64_t subject_hash, Dropped& dropped) {
  const auto wanted = static_cast<std::uint32_t>(subject_hash);
  for (Number number = by_subject_.empty() ? kNone : subject_bucket(wanted); number != kNone;) {
    const Number next = entries_[number].next_of_subject;
    if (entries_[number].subject_hash == wanted) remove(number, dropped);
    number = next;
  }
}

void SessionShard::clear(Dropped& dropped) {
  dropped.reserve(dropped.size() + size_);
  for (Entry& entry : entries_) {
    if (!entry.snapshot.is_empty()) dropped.push_back(std::move(entry.snapshot));
  }
  entries_.clear();
  by_id_.clear();
  by_subject_.clear();
  size_ = 0;
  free_ = newest_ = oldest_ = kNone;
}

SessionShard::Number SessionShard::number_of(const HashedId& id) noexcept {
  const auto hash = static_cast<std::uint32_t>(id.hash);
  Number number = by_id_.empty() ? kNone : id_bucket(hash);
  while (number != kNone && (entries_[number].id_hash != hash || entries_[number].snapshot.id() != id.id)) {
    number = entries_[number].next_of_id;
  }
  return number;
}

SessionShard::Number SessionShard::make_room() {
  if (size_ >= by_id_.size()) double_buckets();
  if (free_ == kNone) {
    entries_.emplace_back();
    free_ = static_cast<Number>(entries_.size() - 1);
  }
  return free_;
}

void SessionShard::double_buckets() {
  const std::size_t buckets = std::max(kFirstBuckets, by_id_.size() * 2);
  std::vector<Number> by_id(buckets, kNone);
  std::vector<Number> by_subject(buckets, kNone);
  by_id_.swap(by_id);
  by_subject_.swap(by_subject);
  for (Number number = newest_; number != kNone; number = entries_[number].older) {
    link_id(number);
    link_subject(number);
  }
}

void SessionShard::link_id(Number number) noexcept {
  Number& first = id_bucket(entries_[number].id_hash);
  entries_[number].next_of_id = first;
  first = number;
}

void SessionShard::unlink_id(Number number) noexcept {
  Number* link = &id_bucket(entries_[number].id_hash);  // buckets hold one entry or so
  while (*link != number) link = &entries_[*link].next_of_id;
  *link = entries_[number].next_of_id;
}

void SessionShard::link_subject(Number number) noexcept {
  Entry& entry = entries_[number];
  Number& first = subject_bucket(entry.subject_hash);
  entry.next_of_subject = first;
  entry.previous_of_subject = kNone;
  if (first != kNone) entries_[first].previous_of_subject = number;
  first = number;
}

void SessionShard::unlink_subject(Number number) noexcept {
  const Entry& entry = entries_[number];
  if (entry.next_of_subject != kNone) entries_[entry.next_of_subject].previous_of_subject = entry.previous_of_subject;
  Number& before = entry.previous_of_subject == kNone ? subject_bucket(entry.subject_hash)
                                                      : entries_[entry.previous_of_subject].next_of_subject;
  before = entry.next_of_subject;
}

void SessionShard::link_newest(Number number) noexcept {
  entries_[number].newer = kNone;
  entries_[number].older = newest_;
  (newest_ != kNone ? entries_[newest_].newer : oldest_) = number;
  newest_ = number;
}

void SessionShard::unlink_age(Number number) noexcept {
  const Entry& entry = entries_[number];
  (entry.newer != kNone ? entries_[entry.newer].older : newest_) = entry.older;
  (entry.older != kNone ? entries_[entry.older].newer : oldest_) = entry.newer;
}

void SessionShard::remove(Number number, Dropped& dropped) {
  Entry& entry = entries_[number];
  dropped.push_back(std::move(entry.snapshot));  // first, as it may throw, and then has moved nothing
  unlink_age(number);
  unlink_subject(number);
  unlink_id(number);
  entry.next_of_id = free_;
  free_ = number;
  --size_;
}

}  // namespace tessera::internal
