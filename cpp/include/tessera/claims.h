// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/result.h"

namespace tessera {

/// Limits of a JSON text.
struct JsonLimits {
  std::size_t max_bytes = 64 * 1024;
  std::size_t max_depth = 32;  ///< 256 at most
};

/// Strict RFC 8259: UTF-8 without BOM, no duplicate member names (compared unescaped), no lone
/// surrogates, no NaN, no trailing data. Any top-level value is accepted; numbers may have any
/// length within the text. Linear time, no recursion.
Result<void> check_json(std::string_view json, const JsonLimits& limits = {});

/// Claims to be signed, written once as a JSON object in the order in which they are set.
/// Strings have to be UTF-8; a name that is set twice is an error of take().
class Claims {
 public:
  Claims& set(std::string_view name, std::string_view value);
  Claims& set(std::string_view name, const char* value) { return set(name, std::string_view(value)); }
  Claims& set(std::string_view name, std::int64_t value);
  Claims& set(std::string_view name, bool value);
  Claims& set(std::string_view name, const std::vector<std::string>& values);
  /// A value that already is JSON text; checked by take().
  Claims& set_json(std::string_view name, std::string_view json);

  /// The finished object as bytes; the builder is empty afterwards.
  Result<std::string> take();

 private:
  void begin_member(std::string_view name);
  std::string json_;
  std::optional<Error> failure_;  // the first of set_json
};

}  // namespace tessera
