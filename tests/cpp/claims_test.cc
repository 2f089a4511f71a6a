// SPDX-License-Identifier: Apache-2.0
#include "tessera/claims.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "token_fixture.h"

namespace tessera {
namespace {

using token_tests::cause_of;

TEST(Claims, are_written_in_the_order_in_which_they_are_set) {
  Claims claims;
  claims.set("iss", "issuer").set("exp", std::int64_t{60}).set("flag", true).set("off", false);
  claims.set("aud", std::vector<std::string>{"a", "b"})
      .set("none", std::vector<std::string>{})
      .set_json("meta", R"({"x":[1]})");
  EXPECT_EQ(*claims.take(),
            R"({"iss":"issuer","exp":60,"flag":true,"off":false,"aud":["a","b"],"none":[],"meta":{"x":[1]}})");
}

TEST(Claims, without_any_are_an_empty_object) { EXPECT_EQ(*Claims().take(), "{}"); }

TEST(Claims, hold_every_integer) {
  Claims claims;
  claims.set("least", std::numeric_limits<std::int64_t>::min()).set("most", std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(*claims.take(), R"({"least":-9223372036854775808,"most":9223372036854775807})");
}

TEST(Claims, escape_what_json_demands_and_nothing_else) {
  Claims claims;
  claims.set("a\"b\\", std::string_view("\"\\/\n\0\x1f\x7f\xc3\xa9", 9));
  EXPECT_EQ(*claims.take(), "{\"a\\\"b\\\\\":\"\\\"\\\\/\\u000a\\u0000\\u001f\x7f\xc3\xa9\"}");
}

TEST(Claims, that_are_set_twice_are_refused) {
  Claims claims;
  claims.set("sub", "alice").set("sub", "alice");
  EXPECT_EQ(cause_of(claims.take()), "json_duplicate_member");
}

TEST(Claims, that_are_not_utf_8_are_refused) {
  EXPECT_EQ(cause_of(Claims().set("sub", "\xff").take()), "json_invalid_string");
  EXPECT_EQ(cause_of(Claims().set("\xc0\x80", "x").take()), "json_invalid_string");
  EXPECT_EQ(cause_of(Claims().set("aud", std::vector<std::string>{"ok", "\xed\xa0\x80"}).take()),
            "json_invalid_string");
}

TEST(Claims, given_as_json_are_one_value_and_cannot_close_their_member) {
  for (const char* json : {"", "1,\"admin\":true", "1}", "}", "\"", "1 2", "[1", "NaN", "'a'", "1//"}) {
    Claims claims;
    claims.set("a", std::int64_t{1}).set_json("b", json).set("c", std::int64_t{2});
    EXPECT_EQ(cause_of(claims.take()), "json_malformed") << json;
  }
  EXPECT_EQ(cause_of(Claims().set_json("a", R"({"b":1,"b":2})").take()), "json_duplicate_member");
  EXPECT_EQ(cause_of(Claims().set_json("a", std::string(31, '[') + std::string(31, ']')).take()), "ok");
  EXPECT_EQ(cause_of(Claims().set_json("a", std::string(32, '[') + std::string(32, ']')).take()), "json_too_deep");
}

TEST(Claims, are_empty_after_take_also_after_a_failure) {
  Claims claims;
  claims.set_json("a", "no");
  EXPECT_FALSE(claims.take().ok());
  EXPECT_EQ(*claims.take(), "{}");
  claims.set("b", true);
  EXPECT_EQ(*claims.take(), R"({"b":true})");
}

TEST(Claims, over_64_kib_are_refused) {
  EXPECT_EQ(cause_of(Claims().set("a", std::string(64 * 1024 - 8, 'x')).take()), "ok");
  EXPECT_EQ(cause_of(Claims().set("a", std::string(64 * 1024 - 7, 'x')).take()), "json_too_large");
}

}  // namespace
}  // namespace tessera
