// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tessera/verifier.h"

namespace tessera::internal {

/// The verified tokens whose index falls here, in the order in which they came. Not synchronised: the holder of
/// `mutex` may call.
class TokenShard {
 public:
  /// What left the shard; to be destroyed after the lock is released.
  using Dropped = std::vector<VerifiedToken>;

  std::mutex mutex;

  [[nodiscard]] std::optional<VerifiedToken> find(std::uint64_t index, std::string_view token) const;
  /// Makes room by dropping the oldest. A token over `max_bytes` is not kept.
  void insert(std::uint64_t index, std::string_view token, const VerifiedToken& verified, std::size_t max_bytes,
              Dropped& dropped);
  void erase(std::uint64_t index, std::string_view token, Dropped& dropped);
  void drop_key(std::uint64_t key_number, Dropped& dropped);
  void clear(Dropped& dropped);
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Entry {
    Entry(std::uint64_t number, std::string_view characters, VerifiedToken checked)
        : index(number), token(characters), verified(std::move(checked)) {}
    std::uint64_t index;
    std::string token;
    VerifiedToken verified;
    std::size_t bytes = 0;
    Entry* newer = nullptr;
    Entry* older = nullptr;
  };
  struct Identity {  // the index is a keyed hash already
    std::size_t operator()(std::uint64_t index) const noexcept { return static_cast<std::size_t>(index); }
  };

  static std::size_t cost(std::string_view token, const VerifiedToken& verified) noexcept;
  void remove(Entry& entry, Dropped& dropped);

  std::unordered_map<std::uint64_t, Entry, Identity> entries_;
  Entry* newest_ = nullptr;
  Entry* oldest_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace tessera::internal
