// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>

#include "json_names.h"
#include "json_string.h"

namespace tessera::internal {
namespace {

constexpr std::size_t kDepthCeiling = 256;

bool is_digit(char character) noexcept { return character >= '0' && character <= '9'; }

// One pass over a text. Open containers stand in an array, not on the call stack.
class JsonReader {
 public:
  JsonReader(std::string_view json, const JsonLimits& limits, JsonVisitor* visitor)
      : at_(json.data()),
        end_(json.data() + json.size()),
        max_depth_(std::min(limits.max_depth, kDepthCeiling)),
        visitor_(visitor) {}

  Result<void> read();

 private:
  struct Open {
    bool is_object;
    std::size_t names_mark;
  };

  bool fail(Error cause = Error::json_malformed) noexcept {
    cause_ = cause;
    return false;
  }
  void skip_space() noexcept {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char character) noexcept {
    if (at_ == end_ || *at_ != character) return false;
    ++at_;
    return true;
  }
  Open& innermost() noexcept { return open_[depth_ - 1]; }

  bool read_all();
  bool read_value();
  bool read_next();
  bool read_member();
  bool read_string_value();
  bool read_number();
  bool read_word(std::string_view word, JsonKind kind);
  bool read_digits() noexcept;
  bool open_container(bool is_object);
  bool close_container();
  void tell(JsonKind kind, std::string_view text, bool escaped = false);
  void tell_from(JsonKind kind, const char* start) { tell(kind, {start, static_cast<std::size_t>(at_ - start)}); }

  const char* at_;
  const char* const end_;
  const std::size_t max_depth_;
  JsonVisitor* const visitor_;
  Error cause_ = Error::json_malformed;
  std::size_t depth_ = 0;
  bool just_opened_ = false;
  const char* nested_start_ = nullptr;
  std::string_view member_name_;
  JsonNames names_;
  std::array<Open, kDepthCeiling> open_;
};

Result<void> JsonReader::read() {
  if (!read_all()) return cause_;
  return {};
}

bool JsonReader::read_all() {
  skip_space();
  if (!read_value()) return false;
  while (depth_ > 0) {
    if (!read_next()) return false;
  }
  skip_space();
  return at_ == end_ || fail();
}

bool JsonReader::read_value() {
  if (at_ == end_) return fail();
  switch (*at_) {
    case '{':
      return open_container(true);
    case '[':
      return open_container(false);
    case '"':
      return read_string_value();
    case 't':
      return read_word("true", JsonKind::boolean);
    case 'f':
      return read_word("false", JsonKind::boolean);
    case 'n':
      return read_word("null", JsonKind::null);
    default:
      return read_number();
  }
}

// What follows an opening bracket or a value inside a container.
bool JsonReader::read_next() {
  const bool first = std::exchange(just_opened_, false);
  skip_space();
  if (take(innermost().is_object ? '}' : ']')) return close_container();
  if (!first) {
    if (!take(',')) return fail();
    skip_space();
  }
  return innermost().is_object ? read_member() : read_value();
}

bool JsonReader::read_member() {
  if (!take('"')) return fail();
  const Result<JsonString> name = read_json_string(at_, end_);
  if (!name) return fail(name.error());
  const std::string_view plain = name->escaped ? names_.keep(unescape_json_string(name->text)) : name->text;
  names_.add(plain);
  if (depth_ == 1) member_name_ = plain;
  skip_space();
  if (!take(':')) return fail();
  skip_space();
  return read_value();
}

bool JsonReader::read_string_value() {
  ++at_;
  const Result<JsonString> string = read_json_string(at_, end_);
  if (!string) return fail(string.error());
  tell(JsonKind::string, string->text, string->escaped);
  return true;
}

bool JsonReader::read_digits() noexcept {
  const char* const start = at_;
  while (at_ < end_ && is_digit(*at_)) ++at_;
  return at_ > start;
}

bool JsonReader::read_number() {
  const char* const start = at_;
  take('-');
  if (!take('0') && !read_digits()) return fail();
  if (take('.') && !read_digits()) return fail();
  if (take('e') || take('E')) {
    if (!take('+')) take('-');
    if (!read_digits()) return fail();
  }
  tell_from(JsonKind::number, start);
  return true;
}

bool JsonReader::read_word(std::string_view word, JsonKind kind) {
  const char* const start = at_;
  if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return fail();
  at_ += word.size();
  tell_from(kind, start);
  return true;
}

bool JsonReader::open_container(bool is_object) {
  if (depth_ == max_depth_) return fail(Error::json_too_deep);
  if (depth_ == 1) nested_start_ = at_;
  open_[depth_++] = {is_object, names_.mark()};
  just_opened_ = true;
  ++at_;
  return true;
}

bool JsonReader::close_container() {
  const Open closed = innermost();
  if (closed.is_object && !names_.close(closed.names_mark)) return fail(Error::json_duplicate_member);
  --depth_;
  if (depth_ == 1) tell_from(closed.is_object ? JsonKind::object : JsonKind::array, nested_start_);
  return true;
}

void JsonReader::tell(JsonKind kind, std::string_view text, bool escaped) {
  if (visitor_ == nullptr || depth_ != 1) return;
  const JsonValue value{kind, escaped, text};
  if (innermost().is_object) {
    visitor_->on_member(member_name_, value);
  } else {
    visitor_->on_element(value);
  }
}

Result<void> read_json(std::string_view json, const JsonLimits& limits, JsonVisitor* visitor) {
  if (json.size() > limits.max_bytes) return Error::json_too_large;
  return JsonReader(json, limits, visitor).read();
}

Result<void> read_json_starting_with(char bracket, std::string_view json, const JsonLimits& limits,
                                     JsonVisitor& visitor) {
  const std::size_t start = json.find_first_not_of(" \n\r\t");
  if (start == std::string_view::npos || json[start] != bracket) return Error::json_malformed;
  return read_json(json, limits, &visitor);
}

}  // namespace

std::string JsonValue::string() const { return escaped ? unescape_json_string(text) : std::string(text); }

std::optional<std::int64_t> JsonValue::integer() const noexcept {
  if (kind != JsonKind::number || text == "-0") return std::nullopt;
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

void JsonVisitor::on_member(std::string_view, const JsonValue&) {}
void JsonVisitor::on_element(const JsonValue&) {}

Result<void> read_json_object(std::string_view json, const JsonLimits& limits, JsonVisitor& visitor) {
  return read_json_starting_with('{', json, limits, visitor);
}

Result<void> read_json_array(std::string_view json, const JsonLimits& limits, JsonVisitor& visitor) {
  return read_json_starting_with('[', json, limits, visitor);
}

}  // namespace tessera::internal

namespace tessera {

Result<void> check_json(std::string_view json, const JsonLimits& limits) {
  return internal::read_json(json, limits, nullptr);
}

}  // namespace tessera
