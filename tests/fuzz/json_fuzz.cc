// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "json.h"
#include "property.h"

namespace {

using namespace tessera;

// Checks each value that it is told of by the same reader.
class Values : public internal::JsonVisitor {
 public:
  void on_member(std::string_view name, const internal::JsonValue& value) override {
    std::string written;
    internal::append_json_string(written, name);
    fuzz::require(check_json(written).ok(), "a name can be written again");
    check(value);
  }
  void on_element(const internal::JsonValue& value) override { check(value); }
  int count = 0;

 private:
  void check(const internal::JsonValue& value) {
    ++count;
    std::string text(value.text);
    if (value.is_string()) {
      text.clear();
      internal::append_json_string(text, value.string());
    }
    fuzz::require(check_json(text).ok(), "a value of a strict text is a strict text");
  }
};

void check_accepted(std::string_view json) {
  fuzz::require(check_json(std::string(json) + " \n").ok(), "white space may follow");
  const std::string_view trimmed = json.substr(0, json.find_last_not_of(" \t\r\n") + 1);
  fuzz::require(!check_json(std::string(trimmed) + "}").ok(), "nothing else may follow");
  const bool is_container = trimmed.ends_with('}') || trimmed.ends_with(']');
  if (is_container)
    fuzz::require(!check_json(trimmed.substr(0, trimmed.size() - 1)).ok(), "the end may not be missing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json = fuzz::text_of(data, size);
  const bool accepted = check_json(json).ok();
  if (accepted) check_accepted(json);
  Values members, elements;
  const bool is_object = internal::read_json_object(json, {}, members).ok();
  const bool is_array = internal::read_json_array(json, {}, elements).ok();
  fuzz::require(accepted || (!is_object && !is_array), "all readers are as strict");
  fuzz::require(!(is_object && is_array), "a text is of one kind");
  return 0;
}
