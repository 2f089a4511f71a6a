// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tessera::internal {

/// While it lives, nothing that its thread reads from an atomic pointer *after* making it is freed by a Retired.
/// Wait-free: it writes one word of this thread's own and allocates nothing. Guards of one thread do not nest.
class ReadGuard {
 public:
  ReadGuard() noexcept;
  ~ReadGuard();
  ReadGuard(const ReadGuard&) = delete;
  ReadGuard& operator=(const ReadGuard&) = delete;

  struct Slot;

 private:
  Slot* slot_;
};

/// Objects that were unpublished and may still be read. Frees them once no reader can hold them and never waits for
/// one. Not synchronised: its owner's writers take turns.
class Retired {
 public:
  Retired() = default;
  Retired(const Retired&) = delete;
  Retired& operator=(const Retired&) = delete;
  /// Frees everything: its owner goes, so nobody reads.
  ~Retired();

  /// Room for one more, so that the next add() cannot fail.
  void reserve_one() {
    if (items_.size() == items_.capacity()) items_.reserve(2 * items_.size() + 8);
  }
  /// Takes over an object after its pointer was replaced by a sequentially consistent store.
  template <typename T>
  void add(std::unique_ptr<T> object, std::size_t bytes) {
    items_.push_back({object.get(), [](void* gone) noexcept { delete static_cast<T*>(gone); }, bytes, next_turn()});
    (void)object.release();
    bytes_ += bytes;
  }
  /// Frees what no reader can hold; returns how many objects are left.
  std::size_t collect() noexcept;
  /// Memory of what is left, as it was told to add().
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct Item {
    void* object;
    void (*destroy)(void*) noexcept;
    std::size_t bytes;
    std::uint64_t turn;
  };
  static std::uint64_t next_turn() noexcept;

  std::vector<Item> items_;
  std::size_t bytes_ = 0;
};

}  // namespace tessera::internal
