// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "json_string.h"
#include "token_fixture.h"

namespace tessera::internal {
namespace {

using tessera::token_tests::cause_of;

std::string cause(std::string_view json, const JsonLimits& limits = {}) { return cause_of(check_json(json, limits)); }

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, takes_every_kind_of_value_at_the_top) {
  for (const char* json : {"{}", "[]", "\"\"", "0", "-0", "-0.5e-10", "1E+2", "true", "false", "null", " \t\r\n1\t ",
                           R"({"a":[1,{"b":null}],"c":"d"})", "[[],[[]],{}]", R"("\u0000\"\\\/\b\f\n\r\t")"}) {
    EXPECT_EQ(cause(json), "ok") << json;
  }
}

TEST(Json, refuses_what_the_grammar_does_not_have) {
  for (const char* json : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "]",
                           "[1,]",
                           "[,1]",
                           "[1 2]",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "{\"a\":1,}",
                           "{'a':1}",
                           "{1:2}",
                           "[1}",
                           "{\"a\":1]",
                           "1 1",
                           "{}{}",
                           "tru",
                           "True",
                           "nul",
                           "NaN",
                           "Infinity",
                           "-",
                           "+1",
                           "01",
                           "-01",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "0x1",
                           "1_0",
                           "- 1",
                           "// a\n1",
                           "/**/1",
                           "\"",
                           "\"\\\"",
                           R"("\x41")",
                           R"("\u12")",
                           R"("\u00g0")",
                           "[\v1]",
                           "[\f1]",
                           "[1]\f",
                           "{}x",
                           "1,",
                           "\"a\"\"b\"",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\"::1}",
                           "[1:2]",
                           "\xef\xbb\xbf{}",
                           "\xc2\xa0{}",
                           "[\xff]",
                           "truefalse",
                           "[true false]"}) {
    EXPECT_EQ(cause(json), "json_malformed") << json;
  }
  EXPECT_EQ(cause(std::string_view("{}\0", 3)), "json_malformed");
  EXPECT_EQ(cause(std::string_view("\0", 1)), "json_malformed");
  EXPECT_EQ(cause(std::string_view("{\0}\0", 4)), "json_malformed") << "UTF-16";
}

TEST(Json, refuses_control_characters_in_strings) {
  for (char byte = 0; byte < 0x20; ++byte) {
    EXPECT_EQ(cause(std::string("\"") + byte + "\""), "json_invalid_string") << int{byte};
    EXPECT_EQ(cause(std::string("\"0123456789") + byte + "0123456789\""), "json_invalid_string") << int{byte};
  }
  EXPECT_EQ(cause("\"\x7f\""), "ok");
}

TEST(Json, takes_well_formed_utf_8_only) {
  const std::vector<std::string> good = {"\xc2\x80",     "\xdf\xbf",     "\xe0\xa0\x80",     "\xed\x9f\xbf",
                                         "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
  for (const std::string& text : good) EXPECT_EQ(cause('"' + text + '"'), "ok") << text;
  const std::vector<std::pair<std::string, std::string>> bad = {{"\x80", "lone continuation"},
                                                                {"\xbf", "lone continuation"},
                                                                {"\xc0\x80", "overlong NUL"},
                                                                {"\xc1\xbf", "overlong"},
                                                                {"\xe0\x9f\xbf", "overlong"},
                                                                {"\xf0\x8f\xbf\xbf", "overlong"},
                                                                {"\xed\xa0\x80", "surrogate"},
                                                                {"\xed\xbf\xbf", "surrogate"},
                                                                {"\xf4\x90\x80\x80", "above U+10FFFF"},
                                                                {"\xf5\x80\x80\x80", "above U+10FFFF"},
                                                                {"\xff", "never in UTF-8"},
                                                                {"\xfe", "never in UTF-8"},
                                                                {"\xc2", "cut short"},
                                                                {"\xe2\x82", "cut short"},
                                                                {"\xf0\x9f\x98", "cut short"},
                                                                {"\xe2\x28\xa1", "no continuation"},
                                                                {"\xe2\x82\x28", "no continuation"},
                                                                {"\xf8\x88\x80\x80\x80", "five bytes"}};
  for (const auto& [text, why] : bad) EXPECT_EQ(cause('"' + text + '"'), "json_invalid_string") << why;
}

TEST(Json, refuses_a_sequence_that_the_end_of_the_text_cuts) {
  for (const char* json : {"\"\xc2", "\"\xe2\x82", "\"\xf0\x9f\x98"}) EXPECT_EQ(cause(json), "json_invalid_string");
  for (const char* json : {"\"\\", "\"\\u", "\"\\u00", "\"\\u0041", "\"a"}) EXPECT_EQ(cause(json), "json_malformed");
}

TEST(Json, refuses_lone_surrogates_and_takes_pairs) {
  EXPECT_EQ(cause(R"("\ud83d\ude00")"), "ok");
  EXPECT_EQ(cause(R"("\uDBFF\uDFFF")"), "ok");
  for (const char* json : {R"("\ud800")", R"("\udc00")", R"("\ud800a")", R"("\ud800\n")", R"("\ud800\ud800")",
                           R"("\udc00\ud800")", R"("\ud800\u0041")", R"("\ud83d")"}) {
    EXPECT_EQ(cause(json), "json_invalid_string") << json;
  }
}

TEST(Json, refuses_a_member_name_that_comes_twice) {
  for (const char* json : {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"({"\u0061":1,"a":2})", R"({"":1,"":2})",
                           R"({"a":{"b":1,"b":2}})", R"([{"b":1,"c":2,"b":3}])", R"({"\/":1,"/":2})",
                           R"({"a":{"a":1},"b":2,"a":3})", "{\"\\u00e9\":1,\"\xc3\xa9\":2}",
                           "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", R"({"\u0000":1,"\u0000":2})"}) {
    EXPECT_EQ(cause(json), "json_duplicate_member") << json;
  }
}

TEST(Json, lets_different_objects_use_the_same_name) {
  for (const char* json : {R"({"a":{"a":{"a":1}}})", R"([{"a":1},{"a":1}])", R"({"a":1,"A":2})",
                           R"({"a":1,"a\u0000":2})", R"({"x":{"a":1},"y":{"a":1},"a":1})"}) {
    EXPECT_EQ(cause(json), "ok") << json;
  }
}

std::string members(int count, const std::string& last) {
  std::string json = "{";
  for (int i = 0; i < count; ++i) json += "\"m" + std::to_string(i) + "\":0,";
  return json + '"' + last + "\":0}";
}

TEST(Json, finds_duplicates_among_few_and_among_many_members) {
  const JsonLimits limits{.max_bytes = 8 * 1024 * 1024};
  for (const int count : {1, 2, 22, 23, 24, 25, 26, 1000, 100'000}) {
    EXPECT_EQ(cause(members(count, "last"), limits), "ok") << count;
    EXPECT_EQ(cause(members(count, "m0"), limits), "json_duplicate_member") << count;
    EXPECT_EQ(cause(members(count, "\\u006d" + std::to_string(count - 1)), limits), "json_duplicate_member") << count;
  }
}

TEST(Json, nests_as_deep_as_allowed_and_no_deeper) {
  EXPECT_EQ(cause(nested(32)), "ok");
  EXPECT_EQ(cause(nested(33)), "json_too_deep");
  EXPECT_EQ(cause(nested(1), {.max_depth = 1}), "ok");
  EXPECT_EQ(cause(nested(2), {.max_depth = 1}), "json_too_deep");
  EXPECT_EQ(cause("1", {.max_depth = 0}), "ok");
  EXPECT_EQ(cause("[]", {.max_depth = 0}), "json_too_deep");
  EXPECT_EQ(cause(R"({"a":{"b":1}})", {.max_depth = 1}), "json_too_deep");
}

TEST(Json, refuses_absurd_depth_without_recursion) {
  const JsonLimits limits{.max_bytes = 1 << 20, .max_depth = std::numeric_limits<std::size_t>::max()};
  EXPECT_EQ(cause(nested(256), limits), "ok");
  EXPECT_EQ(cause(nested(257), limits), "json_too_deep");
  EXPECT_EQ(cause(std::string(110'000, '['), limits), "json_too_deep");
}

TEST(Json, is_as_long_as_allowed_and_no_longer) {
  EXPECT_EQ(cause("[1,2]", {.max_bytes = 5}), "ok");
  EXPECT_EQ(cause("[1,2] ", {.max_bytes = 5}), "json_too_large");
  EXPECT_EQ(cause('"' + std::string(64 * 1024 - 2, 'a') + '"'), "ok");
  EXPECT_EQ(cause('"' + std::string(64 * 1024 - 1, 'a') + '"'), "json_too_large");
}

TEST(Json, takes_numbers_of_any_length) {
  EXPECT_EQ(cause(std::string(64 * 1024, '9')), "ok");
  EXPECT_EQ(cause("1e999"), "ok");
  EXPECT_EQ(cause("-0." + std::string(1000, '0') + "1E-99999"), "ok");
}

class Recorder : public JsonVisitor {
 public:
  void on_member(std::string_view name, const JsonValue& value) override {
    seen += std::string(name) + '=' + std::string(value.text) + ';';
  }
  void on_element(const JsonValue& value) override { seen += std::string(value.text) + ';'; }
  std::string seen;
};

TEST(JsonVisitor, is_told_of_the_top_level_with_nested_values_as_text) {
  Recorder recorder;
  ASSERT_TRUE(read_json_object(R"( {"a": 1, "\u0062":"x\n" ,"c":[1, {"d":2}],"e":{"f":{}} ,"g":true,"h":null} )", {},
                               recorder));
  EXPECT_EQ(recorder.seen, R"(a=1;b=x\n;c=[1, {"d":2}];e={"f":{}};g=true;h=null;)");
  Recorder elements;
  ASSERT_TRUE(read_json_array(R"([1,[2,[3]],{"a":[4]},"b"])", {}, elements));
  EXPECT_EQ(elements.seen, R"(1;[2,[3]];{"a":[4]};b;)");
}

TEST(JsonVisitor, is_for_the_kind_of_text_that_was_asked_for) {
  Recorder recorder;
  for (const char* json : {"", "[]", "1", "\"{}\"", "null", "\xef\xbb\xbf{}"}) {
    EXPECT_EQ(cause_of(read_json_object(json, {}, recorder)), "json_malformed") << json;
  }
  EXPECT_EQ(cause_of(read_json_array("{}", {}, recorder)), "json_malformed");
  EXPECT_EQ(cause_of(read_json_object("\n {} ", {}, recorder)), "ok");
}

TEST(JsonValue, is_an_integer_only_in_its_plain_spelling) {
  const auto integer = [](std::string_view text) { return JsonValue{JsonKind::number, false, text}.integer(); };
  EXPECT_EQ(integer("0"), 0);
  EXPECT_EQ(integer("-1"), -1);
  EXPECT_EQ(integer("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(integer("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const char* text : {"-0", "1.0", "1e3", "1E3", "9223372036854775808", "-9223372036854775809", "1e999", "0.5"}) {
    EXPECT_EQ(integer(text), std::nullopt) << text;
  }
  EXPECT_EQ((JsonValue{JsonKind::string, false, "1"}.integer()), std::nullopt);
}

TEST(JsonString, resolves_every_escape) {
  EXPECT_EQ(unescape_json_string(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescape_json_string(R"(\u0041\u00e9\u20AC\ud83d\uDE00-)"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80-");
  EXPECT_EQ(unescape_json_string(R"(a\u0000b)"), std::string("a\0b", 3));
  EXPECT_EQ(unescape_json_string(R"(\uffff\u0800\u07ff)"), "\xef\xbf\xbf\xe0\xa0\x80\xdf\xbf");
}

TEST(JsonString, is_written_so_that_it_reads_back_the_same) {
  std::string every;
  for (int byte = 0; byte < 0x80; ++byte) every += static_cast<char>(byte);
  every += "\xc3\xa9\xf0\x9f\x98\x80";
  std::string written;
  append_json_string(written, every);
  EXPECT_EQ(cause(written), "ok");
  EXPECT_EQ(unescape_json_string(std::string_view(written).substr(1, written.size() - 2)), every);
}

}  // namespace
}  // namespace tessera::internal
