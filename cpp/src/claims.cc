// SPDX-License-Identifier: Apache-2.0
#include "tessera/claims.h"

#include <utility>

#include "json.h"

namespace tessera {

void Claims::begin_member(std::string_view name) {
  json_ += json_.empty() ? '{' : ',';
  internal::append_json_string(json_, name);
  json_ += ':';
}

Claims& Claims::set(std::string_view name, std::string_view value) {
  begin_member(name);
  internal::append_json_string(json_, value);
  return *this;
}

Claims& Claims::set(std::string_view name, std::int64_t value) {
  begin_member(name);
  json_ += std::to_string(value);
  return *this;
}

Claims& Claims::set(std::string_view name, bool value) {
  begin_member(name);
  json_ += value ? "true" : "false";
  return *this;
}

Claims& Claims::set(std::string_view name, const std::vector<std::string>& values) {
  begin_member(name);
  json_ += '[';
  for (const std::string& value : values) {
    if (json_.back() != '[') json_ += ',';
    internal::append_json_string(json_, value);
  }
  json_ += ']';
  return *this;
}

Claims& Claims::set_json(std::string_view name, std::string_view json) {
  // On its own, so that no text can close its member and begin another.
  if (const Result<void> checked = check_json(json); !checked && !failure_) failure_ = checked.error();
  begin_member(name);
  json_ += json;
  return *this;
}

Result<std::string> Claims::take() {
  std::string json = json_.empty() ? "{" : std::exchange(json_, {});
  json += '}';
  if (const auto failure = std::exchange(failure_, std::nullopt)) return *failure;
  if (const Result<void> checked = check_json(json); !checked) return checked.error();
  return json;
}

}  // namespace tessera
