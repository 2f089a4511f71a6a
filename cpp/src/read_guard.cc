// SPDX-License-Identifier: Apache-2.0
#include "read_guard.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>

namespace tessera::internal {

// A reader stores the present turn in its slot, then loads the pointer it wants to follow. A writer stores the new
// pointer, then begins a new turn, which it writes on the retired object, then looks at the slots. All of these are
// sequentially consistent. Had the reader loaded the old pointer, its load came before the writer's store, so its slot
// was written before the writer looks at it; the writer finds there the reader's turn, which is older than the
// object's, and keeps the object; or finds what the same thread stored later, which it did when it had finished with
// the object. A slot with a turn not older than the object's belongs to a reader that came after the new pointer.
struct alignas(64) ReadGuard::Slot {
  std::atomic<std::uint64_t> turn{0};  // 0: not reading
  std::atomic<bool> taken{false};
};

namespace {

constexpr std::size_t kSlots = 512;

std::array<ReadGuard::Slot, kSlots> slots;
std::atomic<std::size_t> slots_used{0};  // no slot at or beyond it was ever taken
std::atomic<std::uint64_t> present_turn{1};
// Readers without a slot (more threads than slots, or a thread in its last moments): while there are any, all is kept.
std::atomic<std::uint64_t> guests{0};

constinit thread_local ReadGuard::Slot* own_slot = nullptr;
constinit thread_local bool own_slot_sought = false;

struct SlotReturn {
  SlotReturn() = default;
  SlotReturn(const SlotReturn&) = delete;
  SlotReturn& operator=(const SlotReturn&) = delete;
  ~SlotReturn() {
    if (own_slot != nullptr) own_slot->taken.store(false);
    own_slot = nullptr;  // later readings of this thread are a guest's
  }
};

ReadGuard::Slot* seek_slot() noexcept {
  own_slot_sought = true;
  for (std::size_t i = 0; i < kSlots; ++i) {
    if (slots[i].taken.exchange(true)) continue;
    std::size_t used = slots_used.load();
    while (used <= i && !slots_used.compare_exchange_weak(used, i + 1)) {
    }
    own_slot = &slots[i];
    static thread_local SlotReturn at_thread_end;
    (void)at_thread_end;
    return own_slot;
  }
  return nullptr;
}

std::uint64_t oldest_reader() noexcept {
  if (guests.load() != 0) return 0;
  std::uint64_t oldest = std::numeric_limits<std::uint64_t>::max();
  const std::size_t used = slots_used.load();
  for (std::size_t i = 0; i < used; ++i) {
    const std::uint64_t turn = slots[i].turn.load();
    if (turn != 0) oldest = std::min(oldest, turn);
  }
  return oldest;
}

}  // namespace

ReadGuard::ReadGuard() noexcept : slot_(own_slot != nullptr || own_slot_sought ? own_slot : seek_slot()) {
  if (slot_ != nullptr) {
    slot_->turn.store(present_turn.load());
  } else {
    guests.fetch_add(1);
  }
}

ReadGuard::~ReadGuard() {
  if (slot_ != nullptr) {
    slot_->turn.store(0, std::memory_order_release);
  } else {
    guests.fetch_sub(1);
  }
}

Retired::~Retired() {
  for (const Item& item : items_) item.destroy(item.object);
}

std::uint64_t Retired::next_turn() noexcept { return present_turn.fetch_add(1) + 1; }

std::size_t Retired::collect() noexcept {
  if (items_.empty()) return 0;
  const std::uint64_t oldest = oldest_reader();
  std::erase_if(items_, [&](const Item& item) {
    if (item.turn > oldest) return false;
    item.destroy(item.object);
    bytes_ -= item.bytes;
    return true;
  });
  return items_.size();
}

}  // namespace tessera::internal
