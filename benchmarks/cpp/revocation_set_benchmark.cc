// SPDX-License-Identifier: Apache-2.0
// The revocation set against the usual one: std::unordered_map under std::shared_mutex.
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "interleaved.h"
#include "tessera/revocation_set.h"

namespace {

using namespace tessera;
using namespace tessera::benchmark;

class LockedMap {
 public:
  void revoke(const std::string& id, std::int64_t expires_at) {
    const std::unique_lock lock(mutex_);
    std::int64_t& expiry = ids_[id];
    if (expiry < expires_at) expiry = expires_at;
  }
  [[nodiscard]] bool is_revoked(const std::string& id) const {
    const std::shared_lock lock(mutex_);
    return ids_.find(id) != ids_.end();
  }

 private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<std::string, std::int64_t> ids_;
};

std::string id_of(std::size_t number) {
  std::string id = std::to_string(number);
  return "018bcfe5-6800-7000-8000-" + std::string(12 - id.size(), '0') + id;
}

void measure(std::size_t count) {
  RevocationSet set;
  LockedMap map;
  std::vector<std::string> present, absent;
  const double empty = static_cast<double>(set.bytes());
  for (std::size_t i = 0; i < count; ++i) present.push_back(id_of(i));
  for (std::size_t i = 0; i < count; ++i) absent.push_back(id_of(500'000'000 + i));
  std::printf("%zu ids\n", count);

  std::size_t ours = 0;
  std::size_t base = 0;
  const int adds = static_cast<int>(count / 11);  // eleven runs fill both
  compare(
      "revoke / map", 10, adds, [&] { set.revoke_jti(present[ours++], 2'000'000'000); },
      [&] { map.revoke(present[base++], 2'000'000'000); });
  for (; ours < count; ++ours) set.revoke_jti(present[ours], 2'000'000'000);
  for (; base < count; ++base) map.revoke(present[base], 2'000'000'000);
  std::printf("%.1f bytes an id\n", (static_cast<double>(set.bytes()) - empty) / static_cast<double>(count));

  std::size_t next = 0;
  const auto any = [&](const std::vector<std::string>& ids) -> const std::string& {
    return ids[next = (next + 7'919) % ids.size()];
  };
  compare(
      "hit / map", 51, 20'000, [&] { require(set.is_jti_revoked(any(present))); },
      [&] { require(map.is_revoked(any(present))); });
  compare(
      "miss / map", 51, 20'000, [&] { require(!set.is_jti_revoked(any(absent))); },
      [&] { require(!map.is_revoked(any(absent))); });
  const double before = cpu_microseconds();
  require(set.purge(2'000'000'000) == count);
  std::printf("purge of all: %.1f ms, one shard at a time\n", (cpu_microseconds() - before) / 1e3);
}

}  // namespace

int main() {
  for (const std::size_t count : {std::size_t{1'000}, std::size_t{1'000'000}}) measure(count);
  return 0;
}
