// SPDX-License-Identifier: Apache-2.0
#include "tessera/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tessera/result.h"

namespace tessera {
namespace {

constexpr int kCauses = static_cast<int>(Error::crypto_failed) + 1;

TEST(Error, every_cause_has_a_snake_case_code_of_its_own) {
  std::set<std::string_view> seen;
  for (int i = 0; i < kCauses; ++i) {
    const std::string_view name = code(static_cast<Error>(i));
    EXPECT_FALSE(name.empty()) << i;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos) << name;
    EXPECT_TRUE(seen.insert(name).second) << name;
  }
}

TEST(Error, every_cause_has_a_sentence_of_its_own) {
  std::set<std::string_view> seen;
  for (int i = 0; i < kCauses; ++i) {
    const std::string_view text = message(static_cast<Error>(i));
    EXPECT_TRUE(text.ends_with('.')) << text;
    EXPECT_TRUE(text.starts_with("A") || text.starts_with("N") || text.starts_with("O") || text.starts_with("T"))
        << text;
    EXPECT_TRUE(seen.insert(text).second) << text;
  }
}

TEST(Error, the_code_is_the_name_of_the_enumerator) {
  EXPECT_EQ(code(Error::token_too_large), "token_too_large");
  EXPECT_EQ(code(Error::token_expired), "token_expired");
  EXPECT_EQ(code(Error::json_duplicate_member), "json_duplicate_member");
  EXPECT_EQ(code(Error::crypto_failed), "crypto_failed");
}

TEST(Result, holds_a_value_or_a_cause) {
  const Result<std::string> value = std::string("alice");
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, "alice");
  const Result<std::string> failure = Error::token_expired;
  ASSERT_FALSE(failure.ok());
  EXPECT_EQ(failure.error(), Error::token_expired);
}

TEST(Result, of_nothing_is_success_or_a_cause) {
  EXPECT_TRUE(Result<void>().ok());
  const Result<void> failure = Error::io_failed;
  ASSERT_FALSE(failure.ok());
  EXPECT_EQ(failure.error(), Error::io_failed);
}

}  // namespace
}  // namespace tessera
