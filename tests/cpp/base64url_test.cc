// SPDX-License-Identifier: Apache-2.0
#include "base64url.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tessera::internal {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool decodes(std::string_view text) {
  std::string out;
  return decode_base64url(text, out);
}

std::string every_byte(std::size_t length) {
  std::string bytes;
  for (std::size_t i = 0; i < length; ++i) bytes += static_cast<char>(i * 7 + length);
  return bytes;
}

TEST(Base64url, agrees_with_the_examples_of_rfc_4648) {
  const std::vector<std::pair<std::string, std::string>> examples = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    EXPECT_EQ(base64url(bytes), text);
    std::string decoded = "left over";
    EXPECT_TRUE(decode_base64url(text, decoded)) << text;
    EXPECT_EQ(decoded, bytes);
  }
}

TEST(Base64url, spells_62_and_63_as_minus_and_underscore) {
  EXPECT_EQ(base64url("\xfb\xff\xbf"), "-_-_");
  EXPECT_TRUE(decodes("-_-_"));
  EXPECT_FALSE(decodes("+/+/"));
}

TEST(Base64url, gives_back_what_it_encoded_at_every_length) {
  for (std::size_t length = 0; length < 300; ++length) {
    const std::string bytes = every_byte(length);
    std::string decoded;
    ASSERT_TRUE(decode_base64url(base64url(bytes), decoded)) << length;
    EXPECT_EQ(decoded, bytes);
  }
}

TEST(Base64url, appends_behind_what_is_there) {
  std::string out = "a.";
  append_base64url(out, "foo");
  EXPECT_EQ(out, "a.Zm9v");
}

TEST(Base64url, refuses_a_lone_last_character) {
  EXPECT_FALSE(decodes("A"));
  EXPECT_FALSE(decodes("AAAAA"));
  EXPECT_FALSE(decodes("AAAAAAAAA"));
}

TEST(Base64url, takes_exactly_its_alphabet_at_every_place) {
  for (std::size_t place = 0; place < 7; ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = "AAAAAAA";
      text[place] = static_cast<char>(byte);
      const bool is_last = place + 1 == text.size();
      const std::size_t value = kAlphabet.find(static_cast<char>(byte));
      const bool is_good = value != std::string_view::npos && (!is_last || value % 4 == 0);
      EXPECT_EQ(decodes(text), is_good) << place << " " << byte;
    }
  }
}

TEST(Base64url, refuses_bits_that_carry_nothing) {
  for (std::size_t value = 0; value < 64; ++value) {
    const std::string last(1, kAlphabet[value]);
    EXPECT_EQ(decodes("A" + last), value % 16 == 0) << last;
    EXPECT_EQ(decodes("AA" + last), value % 4 == 0) << last;
    EXPECT_TRUE(decodes("AAA" + last)) << last;
  }
}

TEST(Base64url, refuses_padding_and_white_space_wherever_they_stand) {
  for (const char* text : {"Zg==", "Zm8=", "Zm9v=", "Zm9v====", "=", "Zm 9v", " Zm9v", "Zm9v ", "Zm9v\n", "Zm9v\r\n",
                           "Zm\n9v", "Zm9v\t", "Zm9v.", "\xc3\xa9Zm9"}) {
    EXPECT_FALSE(decodes(text)) << text;
  }
  EXPECT_FALSE(decodes(std::string_view("Zm9\0", 4)));
}

}  // namespace
}  // namespace tessera::internal
