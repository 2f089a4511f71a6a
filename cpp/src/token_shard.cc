// SPDX-License-Identifier: Apache-2.0
#include "token_shard.h"

namespace tessera::internal {

namespace {

// What the map adds to an entry: its node's link, and its share of the bucket array at the default load of one.
constexpr std::size_t kMapOverhead = 4 * sizeof(void*);

}  // namespace

std::size_t TokenShard::cost(std::string_view token, const VerifiedToken& verified) noexcept {
  return sizeof(Entry) + kMapOverhead + token.size() + verified.footprint();
}

std::optional<VerifiedToken> TokenShard::find(std::uint64_t index, std::string_view token) const {
  const auto found = entries_.find(index);
  if (found == entries_.end() || found->second.token != token) return std::nullopt;
  return found->second.verified;
}

void TokenShard::insert(std::uint64_t index, std::string_view token, const VerifiedToken& verified,
                        std::size_t max_bytes, Dropped& dropped) {
  const std::size_t bytes = cost(token, verified);
  if (bytes > max_bytes) return;
  // One index, one token: the older one goes, be it the same token or another (which only a broken hash brings).
  if (const auto found = entries_.find(index); found != entries_.end()) remove(found->second, dropped);
  while (bytes_ + bytes > max_bytes) remove(*oldest_, dropped);
  Entry& entry = entries_.try_emplace(index, index, token, verified).first->second;
  entry.bytes = bytes;
  entry.older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = &entry;
  newest_ = &entry;
  bytes_ += bytes;
}

void TokenShard::erase(std::uint64_t index, std::string_view token, Dropped& dropped) {
  const auto found = entries_.find(index);
  if (found != entries_.end() && found->second.token == token) remove(found->second, dropped);
}

void TokenShard::drop_key(std::uint64_t key_number, Dropped& dropped) {
  for (Entry* entry = oldest_; entry != nullptr;) {
    Entry* const next = entry->newer;
    if (entry->verified.key_number() == key_number) remove(*entry, dropped);
    entry = next;
  }
}

void TokenShard::clear(Dropped& dropped) {
  while (oldest_ != nullptr) remove(*oldest_, dropped);
}

void TokenShard::remove(Entry& entry, Dropped& dropped) {
  dropped.push_back(entry.verified);  // first, as it may throw
  (entry.newer != nullptr ? entry.newer->older : newest_) = entry.older;
  (entry.older != nullptr ? entry.older->newer : oldest_) = entry.newer;
  bytes_ -= entry.bytes;
  entries_.erase(entry.index);
}

}  // namespace tessera::internal
