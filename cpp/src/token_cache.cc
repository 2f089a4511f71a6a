// SPDX-License-Identifier: Apache-2.0
#include "tessera/token_cache.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "random.h"
#include "siphash.h"
#include "token_shard.h"

namespace tessera {

using internal::TokenShard;

namespace {

constexpr std::size_t kMaxShards = 64;
// Less would turn away tokens that a whole cache had room for.
constexpr std::size_t kBytesWorthAShard = 256 * 1024;
// The end of the signature: as good as random in every verified token. What an attacker appends to it costs him a
// valid signature, and a forged token with a copied end only fails the comparison of the whole.
constexpr std::size_t kIndexedCharacters = 64;

}  // namespace

struct TokenCache::Impl {
  explicit Impl(std::size_t max_bytes)
      : shards(std::bit_floor(std::clamp(max_bytes / kBytesWorthAShard, std::size_t{1}, kMaxShards))),
        bytes_per_shard(max_bytes / shards.size()) {}

  [[nodiscard]] std::uint64_t index_of(std::string_view token) const noexcept {
    const std::string_view end = token.substr(token.size() - std::min(token.size(), kIndexedCharacters));
    return internal::SipHasher<false>(key).update(end).update(std::uint64_t{token.size()}).finish();
  }
  TokenShard& shard_of(std::uint64_t index) noexcept { return shards[(index >> 32) & (shards.size() - 1)]; }

  template <typename Step>
  void in_each_shard(Step step) {
    for (TokenShard& shard : shards) {
      TokenShard::Dropped dropped;
      const std::lock_guard lock(shard.mutex);
      step(shard, dropped);
    }
  }

  const internal::SipKey key = internal::random_secret<16>();
  std::vector<TokenShard> shards;
  const std::size_t bytes_per_shard;
};

TokenCache::TokenCache(std::size_t max_bytes) : impl_(std::make_unique<Impl>(max_bytes)) {}
TokenCache::~TokenCache() = default;

std::optional<VerifiedToken> TokenCache::find(std::string_view token) const {
  const std::uint64_t index = impl_->index_of(token);
  TokenShard& shard = impl_->shard_of(index);
  const std::lock_guard lock(shard.mutex);
  return shard.find(index, token);
}

void TokenCache::insert(std::string_view token, const VerifiedToken& verified) {
  const std::uint64_t index = impl_->index_of(token);
  TokenShard& shard = impl_->shard_of(index);
  TokenShard::Dropped dropped;
  const std::lock_guard lock(shard.mutex);
  shard.insert(index, token, verified, impl_->bytes_per_shard, dropped);
}

void TokenCache::erase(std::string_view token) {
  const std::uint64_t index = impl_->index_of(token);
  TokenShard& shard = impl_->shard_of(index);
  TokenShard::Dropped dropped;
  const std::lock_guard lock(shard.mutex);
  shard.erase(index, token, dropped);
}

void TokenCache::drop_key(std::uint64_t key_number) {
  impl_->in_each_shard([=](TokenShard& shard, TokenShard::Dropped& dropped) { shard.drop_key(key_number, dropped); });
}

void TokenCache::clear() {
  impl_->in_each_shard([](TokenShard& shard, TokenShard::Dropped& dropped) { shard.clear(dropped); });
}

std::size_t TokenCache::size() const {
  std::size_t size = 0;
  impl_->in_each_shard([&](const TokenShard& shard, TokenShard::Dropped&) { size += shard.size(); });
  return size;
}

std::size_t TokenCache::bytes() const {
  std::size_t bytes = 0;
  impl_->in_each_shard([&](const TokenShard& shard, TokenShard::Dropped&) { bytes += shard.bytes(); });
  return bytes;
}

}  // namespace tessera
