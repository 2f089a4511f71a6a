// SPDX-License-Identifier: Apache-2.0
#include "json_string.h"

#include <cstdint>
#include <cstring>

#include "json.h"

namespace tessera::internal {
namespace {

constexpr std::uint64_t kOnes = 0x0101010101010101;
constexpr std::uint64_t kHighBits = 0x8080808080808080;

// High bit set in each byte that is zero; bytes above the lowest such byte may be marked wrongly.
constexpr std::uint64_t zero_bytes(std::uint64_t word) noexcept { return (word - kOnes) & ~word & kHighBits; }

// Whether any of eight bytes needs a closer look: control characters, quote, backslash, or not ASCII.
bool has_special(const char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof(word));
  const std::uint64_t control = (word - kOnes * 0x20) & ~word;
  const std::uint64_t quote = zero_bytes(word ^ (kOnes * '"'));
  const std::uint64_t backslash = zero_bytes(word ^ (kOnes * '\\'));
  return ((control | quote | backslash | word) & kHighBits) != 0;
}

bool is_plain(unsigned char byte) noexcept { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

const char* skip_plain(const char* at, const char* end) noexcept {
  while (end - at >= 8 && !has_special(at)) at += 8;
  while (at < end && is_plain(static_cast<unsigned char>(*at))) ++at;
  return at;
}

bool is_continuation(const char* at) noexcept { return (static_cast<unsigned char>(*at) & 0xC0) == 0x80; }

// The length of the well-formed UTF-8 sequence at `at`, or 0 (Unicode table 3-7, RFC 3629 section 4).
std::size_t utf8_length(const char* at, const char* end) noexcept {
  const auto left = static_cast<std::size_t>(end - at);
  const auto lead = static_cast<unsigned char>(at[0]);
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && is_continuation(at + 1) ? 2 : 0;
  if (left < 3 || lead < 0xE0) return 0;
  const auto second = static_cast<unsigned char>(at[1]);
  if (!is_continuation(at + 1) || !is_continuation(at + 2)) return 0;
  if (lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && second < 0xA0;
    const bool surrogate = lead == 0xED && second > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  if (left < 4 || lead > 0xF4 || !is_continuation(at + 3)) return 0;
  const bool overlong = lead == 0xF0 && second < 0x90;
  const bool too_high = lead == 0xF4 && second > 0x8F;
  return overlong || too_high ? 0 : 4;
}

int hex_digit(char character) noexcept {
  if (character >= '0' && character <= '9') return character - '0';
  const char lower = static_cast<char>(character | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Four hexadecimal digits, or -1.
std::int32_t read_hex4(const char* at, const char* end) noexcept {
  if (end - at < 4) return -1;
  std::int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

bool is_high_surrogate(std::int32_t unit) noexcept { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(std::int32_t unit) noexcept { return unit >= 0xDC00 && unit <= 0xDFFF; }

// `at` is behind the 'u'.
Result<void> skip_unicode_escape(const char*& at, const char* end) noexcept {
  const std::int32_t unit = read_hex4(at, end);
  if (unit < 0) return Error::json_malformed;
  at += 4;
  if (is_low_surrogate(unit)) return Error::json_invalid_string;
  if (!is_high_surrogate(unit)) return {};
  if (end - at < 2 || at[0] != '\\' || at[1] != 'u') return Error::json_invalid_string;
  const std::int32_t low = read_hex4(at + 2, end);
  if (low < 0) return Error::json_malformed;
  at += 6;
  if (!is_low_surrogate(low)) return Error::json_invalid_string;
  return {};
}

// `at` is behind the backslash.
Result<void> skip_escape(const char*& at, const char* end) noexcept {
  if (at == end) return Error::json_malformed;
  const char kind = *at++;
  if (kind == 'u') return skip_unicode_escape(at, end);
  constexpr std::string_view kSimple = "\"\\/bfnrt";
  if (kSimple.find(kind) == std::string_view::npos) return Error::json_malformed;
  return {};
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&out, point](unsigned shift) { out += static_cast<char>(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | point >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

// `at` is behind the 'u' of an escape that was checked.
void append_unicode_escape(std::string& out, const char*& at, const char* end) {
  const std::int32_t unit = read_hex4(at, end);
  at += 4;
  if (!is_high_surrogate(unit)) return append_utf8(out, static_cast<std::uint32_t>(unit));
  const std::int32_t low = read_hex4(at + 2, end);
  at += 6;
  append_utf8(out,
              0x10000 + (static_cast<std::uint32_t>(unit - 0xD800) << 10) + static_cast<std::uint32_t>(low - 0xDC00));
}

char simple_escape(char kind) noexcept {
  switch (kind) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return kind;
  }
}

}  // namespace

Result<JsonString> read_json_string(const char*& at, const char* end) noexcept {
  const char* const start = at;
  bool escaped = false;
  while (true) {
    at = skip_plain(at, end);
    if (at == end) return Error::json_malformed;
    if (*at == '"') {
      const std::string_view text(start, static_cast<std::size_t>(at - start));
      ++at;
      return JsonString{text, escaped};
    }
    if (*at == '\\') {
      escaped = true;
      ++at;
      if (const Result<void> skipped = skip_escape(at, end); !skipped) return skipped.error();
      continue;
    }
    const std::size_t length = utf8_length(at, end);
    if (length == 0) return Error::json_invalid_string;
    at += length;
  }
}

std::string unescape_json_string(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    if (*at != '\\') {
      out += *at++;
      continue;
    }
    const char kind = at[1];
    at += 2;
    if (kind == 'u') {
      append_unicode_escape(out, at, end);
    } else {
      out += simple_escape(kind);
    }
  }
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (static_cast<unsigned char>(character) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(character) >> 4];
      out += kHex[static_cast<unsigned char>(character) & 0xF];
    } else {
      out += character;
    }
  }
  out += '"';
}

}  // namespace tessera::internal
