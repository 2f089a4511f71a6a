// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "tessera/result.h"

namespace tessera::internal {

/// What stands between the quotes of a JSON string.
struct JsonString {
  std::string_view text;
  bool escaped = false;
};

/// Reads a string whose opening quote is before `at`; afterwards `at` is behind the closing one. UTF-8 is checked as
/// RFC 3629 demands, escapes as RFC 8259 section 7 does, and lone surrogates are refused.
Result<JsonString> read_json_string(const char*& at, const char* end) noexcept;

/// Resolves the escapes of a string that read_json_string accepted.
std::string unescape_json_string(std::string_view text);

}  // namespace tessera::internal
