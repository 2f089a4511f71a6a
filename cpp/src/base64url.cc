// SPDX-License-Identifier: Apache-2.0
#include "base64url.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace tessera::internal {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint32_t kInvalid = 1U << 24;

// Four tables, one per place in a group of four characters, so that a group is decoded by three ORs.
using Table = std::array<std::uint32_t, 256>;

constexpr Table make_table(unsigned shift) {
  Table table{};
  table.fill(kInvalid);
  for (std::size_t value = 0; value < kAlphabet.size(); ++value) {
    table[static_cast<unsigned char>(kAlphabet[value])] = static_cast<std::uint32_t>(value) << shift;
  }
  return table;
}

constexpr std::array<Table, 4> kTables = {make_table(18), make_table(12), make_table(6), make_table(0)};

std::uint32_t lookup(std::size_t place, char character) noexcept {
  return kTables[place][static_cast<unsigned char>(character)];
}

std::uint32_t byte_at(std::string_view bytes, std::size_t index) noexcept {
  return static_cast<unsigned char>(bytes[index]);
}

char low_byte(std::uint32_t value) noexcept { return static_cast<char>(value & 0xFF); }

char symbol(std::uint32_t value) noexcept { return kAlphabet[value & 0x3F]; }

// The last two or three characters; false when a bit that carries nothing is set.
bool decode_tail(std::string_view tail, char* out) noexcept {
  if (tail.empty()) return true;
  if (tail.size() == 1) return false;
  std::uint32_t group = lookup(0, tail[0]) | lookup(1, tail[1]);
  if (tail.size() == 3) group |= lookup(2, tail[2]);
  const std::uint32_t unused = tail.size() == 2 ? 0xFFFF : 0xFF;
  if ((group & (kInvalid | unused)) != 0) return false;
  out[0] = low_byte(group >> 16);
  if (tail.size() == 3) out[1] = low_byte(group >> 8);
  return true;
}

}  // namespace

void append_base64url(std::string& out, std::string_view bytes) {
  const std::size_t start = out.size();
  out.resize(start + (bytes.size() * 4 + 2) / 3);
  char* to = out.data() + start;
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3, to += 4) {
    const std::uint32_t group = byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    to[0] = symbol(group >> 18);
    to[1] = symbol(group >> 12);
    to[2] = symbol(group >> 6);
    to[3] = symbol(group);
  }
  const std::size_t left = bytes.size() - i;
  if (left == 0) return;
  const std::uint32_t group = byte_at(bytes, i) << 16 | (left == 2 ? byte_at(bytes, i + 1) << 8 : 0);
  to[0] = symbol(group >> 18);
  to[1] = symbol(group >> 12);
  if (left == 2) to[2] = symbol(group >> 6);
}

std::string base64url(std::string_view bytes) {
  std::string out;
  append_base64url(out, bytes);
  return out;
}

bool decode_base64url(std::string_view text, std::string& out) {
  const std::size_t whole = text.size() / 4;
  const std::string_view tail = text.substr(whole * 4);
  out.resize(whole * 3 + (tail.empty() ? 0 : tail.size() - 1));
  char* to = out.data();
  const char* from = text.data();
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < whole; ++i, from += 4, to += 3) {
    const std::uint32_t group = lookup(0, from[0]) | lookup(1, from[1]) | lookup(2, from[2]) | lookup(3, from[3]);
    seen |= group;
    to[0] = low_byte(group >> 16);
    to[1] = low_byte(group >> 8);
    to[2] = low_byte(group);
  }
  return (seen & kInvalid) == 0 && decode_tail(tail, to);
}

}  // namespace tessera::internal
