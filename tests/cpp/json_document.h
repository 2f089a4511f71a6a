// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::token_tests {

/// A JSON text as a tree, made with the core's own reader: enough to walk through test vectors. What is not there reads
/// as empty, and a malformed text throws.
class JsonDocument {
 public:
  static JsonDocument parse(std::string_view text);

  [[nodiscard]] const JsonDocument& operator[](std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return members.contains(name); }
  /// Of a string of hexadecimal digits.
  [[nodiscard]] std::string hex_bytes() const;

  std::string text;    ///< as it is spelled
  std::string string;  ///< of a string, its value; of others the spelling
  std::vector<JsonDocument> elements;
  std::map<std::string, JsonDocument, std::less<>> members;
};

}  // namespace tessera::token_tests
