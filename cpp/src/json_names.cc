// SPDX-License-Identifier: Apache-2.0
#include "json_names.h"

#include <algorithm>
#include <span>

namespace tessera::internal {
namespace {

// Below this many names comparing all pairs is faster than sorting.
constexpr std::size_t kFew = 24;

bool has_equal_pair(std::span<const std::string_view> names) noexcept {
  for (std::size_t i = 1; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) return true;
    }
  }
  return false;
}

bool has_equal_neighbours(std::span<std::string_view> names) {
  std::sort(names.begin(), names.end(),
            [](std::string_view a, std::string_view b) { return a.size() != b.size() ? a.size() < b.size() : a < b; });
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

}  // namespace

bool JsonNames::close(std::size_t mark) {
  const std::span<std::string_view> names = std::span(names_).subspan(mark);
  const bool duplicate = names.size() <= kFew ? has_equal_pair(names) : has_equal_neighbours(names);
  names_.resize(mark);
  return !duplicate;
}

}  // namespace tessera::internal
