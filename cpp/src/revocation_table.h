// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>

#include "siphash.h"

namespace tessera::internal {

/// What a table knows an id by: the bits of its keyed hash that it keeps.
struct Fingerprint {
  explicit Fingerprint(const SipHash128& hash) noexcept
      : first(hash.first != 0 ? hash.first : 1), second(static_cast<std::uint32_t>(hash.second >> 32)) {}
  Fingerprint(std::uint64_t first_word, std::uint32_t second_word) noexcept : first(first_word), second(second_word) {}
  std::uint64_t first;  ///< never 0, which marks an empty place
  std::uint32_t second;
};

/// One entry, as writers and files see it.
struct RevocationEntry {
  Fingerprint id;
  std::uint32_t expires_at;    ///< seconds since 1970; kNeverExpires outlives every purge
  std::int64_t cutoff_ms = 0;  ///< only of cut-offs
};
inline constexpr std::uint32_t kNeverExpires = std::numeric_limits<std::uint32_t>::max();

/// Entries by open addressing, kWords atomic words each: the first half of the fingerprint (0: empty); its second half
/// over the expiry; and, of three words, the cut-off. One writer at a time fills places and raises expiries and
/// cut-offs in them, nothing is ever taken out, so that readers need no lock. At most three quarters are used.
template <std::size_t kWords>
class RevocationTable {
 public:
  using Word = std::atomic<std::uint64_t>;

  /// With room for that many entries, and a few more.
  explicit RevocationTable(std::size_t entries)
      : groups_(entries / 3 + 1),
        places_(groups_ * kGroup),
        words_(static_cast<Word*>(::operator new(places_* kWords * sizeof(Word), kAlignment))) {
    std::uninitialized_value_construct_n(words_.get(), places_ * kWords);
  }

  /// The words of the entry of that fingerprint, or null. For any thread.
  [[nodiscard]] const Word* find(const Fingerprint& id) const noexcept {
    for (std::size_t place = home_of(id);; place = place + 1 < places_ ? place + 1 : 0) {
      const Word* const words = at(place);
      const std::uint64_t first = words[0].load(std::memory_order_acquire);
      if (first == 0) return nullptr;
      if (first == id.first && words[1].load(std::memory_order_relaxed) >> 32 == id.second) return words;
    }
  }
  [[nodiscard]] static std::int64_t cutoff_of(const Word* words) noexcept {
    return static_cast<std::int64_t>(words[2].load(std::memory_order_acquire));
  }

  // For the writer whose turn it is.
  [[nodiscard]] bool has_room() const noexcept { return (used_ + 1) * 4 <= places_ * 3; }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + places_ * kWords * sizeof(Word); }
  /// The earliest expiry, or an earlier time.
  [[nodiscard]] std::uint32_t earliest_expiry() const noexcept { return earliest_expiry_; }
  void set_earliest_expiry(std::uint32_t expiry) noexcept { earliest_expiry_ = expiry; }

  /// Keeps the later expiry and the later cut-off. False if the fingerprint is new here: nothing was done.
  bool raise(const RevocationEntry& entry) noexcept {
    Word* const words = const_cast<Word*>(find(entry.id));
    if (words == nullptr) return false;
    if (expiry_of(words) < entry.expires_at) words[1].store(second_word(entry), std::memory_order_relaxed);
    if constexpr (kWords > 2) {
      if (cutoff_of(words) < entry.cutoff_ms) words[2].store(cutoff_word(entry), std::memory_order_release);
    }
    return true;
  }
  /// Adds an entry whose fingerprint is not here; has_room() has to be true.
  void add(const RevocationEntry& entry) noexcept {
    std::size_t place = home_of(entry.id);
    while (at(place)[0].load(std::memory_order_relaxed) != 0) place = place + 1 < places_ ? place + 1 : 0;
    Word* const words = at(place);
    words[1].store(second_word(entry), std::memory_order_relaxed);
    if constexpr (kWords > 2) words[2].store(cutoff_word(entry), std::memory_order_relaxed);
    words[0].store(entry.id.first, std::memory_order_release);
    earliest_expiry_ = std::min(earliest_expiry_, entry.expires_at);
    ++used_;
  }
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t place = 0; place < places_; ++place) {
      const Word* const words = at(place);
      const std::uint64_t first = words[0].load(std::memory_order_relaxed);
      if (first == 0) continue;
      const auto second = static_cast<std::uint32_t>(words[1].load(std::memory_order_relaxed) >> 32);
      visit(RevocationEntry{Fingerprint(first, second), expiry_of(words), kWords > 2 ? cutoff_of(words) : 0});
    }
  }

 private:
  static constexpr std::size_t kGroup = 4;  // places; of two words each, one line of 64 bytes
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(Word* words) const noexcept { ::operator delete(words, kAlignment); }
  };

  static std::uint32_t expiry_of(const Word* words) noexcept {
    return static_cast<std::uint32_t>(words[1].load(std::memory_order_relaxed));
  }
  static std::uint64_t second_word(const RevocationEntry& entry) noexcept {
    return std::uint64_t{entry.id.second} << 32 | entry.expires_at;
  }
  static std::uint64_t cutoff_word(const RevocationEntry& entry) noexcept {
    return static_cast<std::uint64_t>(entry.cutoff_ms);
  }
  /// The first place of a group. The top bits of the fingerprint choose the shard, so others are used here.
  [[nodiscard]] std::size_t home_of(const Fingerprint& id) const noexcept {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((Wide{id.first << 16} * groups_) >> 64) * kGroup;
  }
  [[nodiscard]] Word* at(std::size_t place) const noexcept { return words_.get() + place * kWords; }

  const std::size_t groups_;
  const std::size_t places_;
  const std::unique_ptr<Word, Free> words_;
  std::size_t used_ = 0;
  std::uint32_t earliest_expiry_ = kNeverExpires;
};

}  // namespace tessera::internal
