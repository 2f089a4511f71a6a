// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/claims.h"
#include "tessera/result.h"

namespace tessera::internal {

enum class JsonKind : std::uint8_t { object, array, string, number, boolean, null };

/// A value inside a text that is being read. `text` is its exact spelling (of a string: what stands between the
/// quotes).
struct JsonValue {
  JsonKind kind = JsonKind::null;
  bool escaped = false;  ///< a string that has escapes
  std::string_view text;

  [[nodiscard]] bool is_string() const noexcept { return kind == JsonKind::string; }
  /// Of a string, with its escapes resolved.
  [[nodiscard]] std::string string() const;
  /// Of an integer spelled without fraction, exponent or "-0" that fits; else nothing.
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;
};

/// Told of the top level of a text in its order. What it was told counts only if the whole reading succeeded.
class JsonVisitor {
 public:
  virtual ~JsonVisitor() = default;
  virtual void on_member(std::string_view name, const JsonValue& value);
  virtual void on_element(const JsonValue& value);
};

/// As check_json; the text has to be an object, or an array (else json_malformed). Nested values are checked as
/// strictly and handed over as text.
Result<void> read_json_object(std::string_view json, const JsonLimits& limits, JsonVisitor& visitor);
Result<void> read_json_array(std::string_view json, const JsonLimits& limits, JsonVisitor& visitor);

/// Appends `text` as a JSON string with its quotes. Bytes from 0x80 are copied as they are.
void append_json_string(std::string& out, std::string_view text);

}  // namespace tessera::internal
