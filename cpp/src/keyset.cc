// SPDX-License-Identifier: Apache-2.0
#include "tessera/keyset.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <unordered_set>
#include <utility>

#include "json.h"

namespace tessera {
namespace {

constexpr std::size_t kMaxJwksBytes = 256 * 1024;

std::atomic<std::uint64_t> next_set_number{1};
// Moves when any set changed or went, so that a thread knows from one load that all it holds is current.
std::atomic<std::uint64_t> changes{0};

std::string write_jwks(const std::vector<PublicKey>& keys) {
  std::string json = R"({"keys":[)";
  for (const PublicKey& key : keys) {
    if (json.back() != '[') json += ',';
    json += key.to_jwk();
  }
  return json + "]}";
}

bool has_duplicate_key_id(const std::vector<PublicKey>& keys) {
  std::unordered_set<std::string_view> seen;
  return std::any_of(keys.begin(), keys.end(),
                     [&seen](const PublicKey& key) { return !seen.insert(key.key_id()).second; });
}

// The same key may have been read twice, once with its private half.
bool is_same_key(const PublicKey& a, const PublicKey& b) {
  return a.key_id() == b.key_id() && a.thumbprint() == b.thumbprint();
}

class JwkTexts : public internal::JsonVisitor {
 public:
  void on_element(const internal::JsonValue& value) override { values.push_back(value); }
  std::vector<internal::JsonValue> values;
};

class JwksMembers : public internal::JsonVisitor {
 public:
  void on_member(std::string_view name, const internal::JsonValue& value) override {
    if (name == "keys") keys = value;
  }
  std::optional<internal::JsonValue> keys;
};

// A key of the set that is of no use here is left out; a fault of the machine is not taken for one.
Result<std::vector<PublicKey>> usable_keys(const std::vector<internal::JsonValue>& texts) {
  std::vector<PublicKey> keys;
  for (const internal::JsonValue& text : texts) {
    if (text.kind != internal::JsonKind::object) return Error::key_malformed;
    Result<PublicKey> key = PublicKey::from_jwk(text.text);
    if (!key && key.error() == Error::crypto_failed) return Error::crypto_failed;
    if (key) keys.push_back(std::move(*key));
    if (keys.size() > KeySet::kMaxKeys) return Error::limit_exceeded;
  }
  return keys;
}

}  // namespace

const PublicKey* KeySnapshot::find(std::string_view key_id) const noexcept {
  for (const PublicKey& key : keys_) {
    if (key.key_id() == key_id) return &key;
  }
  return nullptr;
}

bool KeySnapshot::holds(std::uint64_t key_number) const noexcept {
  return std::any_of(keys_.begin(), keys_.end(),
                     [key_number](const PublicKey& key) { return key.number() == key_number; });
}

struct KeySet::State {
  using Snapshot = std::shared_ptr<const KeySnapshot>;
  class ThreadCache;

  explicit State(Snapshot first) : current(std::move(first)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { changes.fetch_add(1, std::memory_order_release); }

  Snapshot take() {
    const std::lock_guard lock(mutex);
    return current;
  }

  const std::uint64_t number = next_set_number.fetch_add(1, std::memory_order_relaxed);
  std::atomic<std::uint64_t> generation{0};
  std::mutex mutex;
  Snapshot current;  // under the mutex
};

// What this thread knows of the few sets that it used last.
class KeySet::State::ThreadCache {
 public:
  const Snapshot& get(const std::shared_ptr<State>& state) {
    if (changes.load(std::memory_order_acquire) != seen_) refresh();
    Entry* oldest = &entries_[0];
    for (Entry& entry : entries_) {
      if (entry.number == state->number) return touch(entry);
      if (entry.last_used < oldest->last_used) oldest = &entry;
    }
    *oldest = Entry{state->number, 0, state, state->take()};
    return touch(*oldest);
  }

 private:
  struct Entry {
    std::uint64_t number = 0;
    std::uint64_t last_used = 0;
    std::weak_ptr<State> state;
    Snapshot snapshot;
  };

  const Snapshot& touch(Entry& entry) noexcept {
    entry.last_used = ++tick_;
    return entry.snapshot;
  }
  // All entries, so that keys of sets that changed or went do not stay until this thread asks for them again.
  void refresh() {
    seen_ = changes.load(std::memory_order_acquire);
    for (Entry& entry : entries_) {
      const std::shared_ptr<State> state = entry.state.lock();
      if (!state) {
        entry = Entry{};
      } else if (state->generation.load(std::memory_order_acquire) != entry.snapshot->generation()) {
        entry.snapshot = state->take();
      }
    }
  }

  std::array<Entry, 8> entries_;
  std::uint64_t tick_ = 0;
  std::uint64_t seen_ = 0;
};

KeySet::KeySet() {
  auto first = std::shared_ptr<KeySnapshot>(new KeySnapshot);
  first->jwks_ = write_jwks({});
  state_ = std::make_shared<State>(std::move(first));
}

Result<void> KeySet::replace(std::vector<PublicKey> keys, std::optional<PrivateKey> signing_key) {
  if (signing_key) {
    const PublicKey own = signing_key->public_key();
    const auto is_own = [&own](const PublicKey& key) { return is_same_key(key, own); };
    if (std::none_of(keys.begin(), keys.end(), is_own)) keys.push_back(own);
  }
  if (keys.size() > kMaxKeys) return Error::limit_exceeded;
  if (has_duplicate_key_id(keys)) return Error::key_id_duplicate;

  auto next = std::shared_ptr<KeySnapshot>(new KeySnapshot);
  next->jwks_ = write_jwks(keys);
  next->keys_ = std::move(keys);
  next->signing_key_ = std::move(signing_key);
  State::Snapshot previous;  // goes after the lock
  {
    const std::lock_guard lock(state_->mutex);
    next->generation_ = state_->current->generation() + 1;
    previous = std::exchange(state_->current, std::move(next));
    state_->generation.store(state_->current->generation(), std::memory_order_release);
  }
  changes.fetch_add(1, std::memory_order_release);
  return {};
}

Result<std::vector<PublicKey>> KeySet::parse_jwks(std::string_view json) {
  const JsonLimits limits{.max_bytes = kMaxJwksBytes};
  JwksMembers members;
  if (!internal::read_json_object(json, limits, members)) return Error::key_malformed;
  JwkTexts texts;
  if (!members.keys || !internal::read_json_array(members.keys->text, limits, texts)) return Error::key_malformed;
  Result<std::vector<PublicKey>> keys = usable_keys(texts.values);
  if (keys && has_duplicate_key_id(*keys)) return Error::key_id_duplicate;
  return keys;
}

const std::shared_ptr<const KeySnapshot>& KeySet::cached() const {
  thread_local State::ThreadCache cache;
  return cache.get(state_);
}

const KeySnapshot& KeySet::current() const { return *cached(); }

std::shared_ptr<const KeySnapshot> KeySet::snapshot() const { return cached(); }

std::uint64_t KeySet::generation() const noexcept { return state_->generation.load(std::memory_order_acquire); }

}  // namespace tessera
