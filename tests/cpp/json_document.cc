// SPDX-License-Identifier: Apache-2.0
#include "json_document.h"

#include <stdexcept>

#include "json.h"

namespace tessera::token_tests {
namespace {

using internal::JsonKind;
using internal::JsonValue;

constexpr JsonLimits kLimits{.max_bytes = std::size_t{16} << 20, .max_depth = 64};

JsonDocument document_of(const JsonValue& value);

class Builder : public internal::JsonVisitor {
 public:
  explicit Builder(JsonDocument& document) : document_(document) {}
  void on_member(std::string_view name, const JsonValue& value) override {
    document_.members.emplace(name, document_of(value));
  }
  void on_element(const JsonValue& value) override { document_.elements.push_back(document_of(value)); }

 private:
  JsonDocument& document_;
};

JsonDocument document_of(const JsonValue& value) {
  JsonDocument document;
  document.text = value.text;
  document.string = value.string();
  Builder builder(document);
  if (value.kind == JsonKind::object && !read_json_object(value.text, kLimits, builder))
    throw std::runtime_error("JSON");
  if (value.kind == JsonKind::array && !read_json_array(value.text, kLimits, builder)) throw std::runtime_error("JSON");
  return document;
}

}  // namespace

JsonDocument JsonDocument::parse(std::string_view text) {
  return document_of(JsonValue{JsonKind::object, false, text});
}

const JsonDocument& JsonDocument::operator[](std::string_view name) const {
  static const JsonDocument nothing;
  const auto found = members.find(name);
  return found == members.end() ? nothing : found->second;
}

std::string JsonDocument::hex_bytes() const {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < string.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(string.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace tessera::token_tests
