// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <forward_list>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::internal {

/// The member names of the objects that are open while a text is read, innermost last, to find duplicates.
/// Costs O(n log n) comparisons at worst and hashes nothing, so no choice of names makes it slow.
class JsonNames {
 public:
  JsonNames() { names_.reserve(32); }

  [[nodiscard]] std::size_t mark() const noexcept { return names_.size(); }
  void add(std::string_view name) { names_.push_back(name); }
  /// Keeps a copy: for names that had escapes.
  std::string_view keep(std::string name) { return unescaped_.emplace_front(std::move(name)); }
  /// Forgets the names since the mark; false when one of them occurred twice.
  [[nodiscard]] bool close(std::size_t mark);

 private:
  std::vector<std::string_view> names_;
  std::forward_list<std::string> unescaped_;
};

}  // namespace tessera::internal
