// SPDX-License-Identifier: Apache-2.0
#include "compact.h"

#include <gtest/gtest.h>

#include <string>

#include "base64url.h"
#include "token_fixture.h"

namespace tessera::internal {
namespace {

using token_tests::cause_of;

std::string header_cause(std::string json) { return cause_of(read_jws_header(std::move(json))); }

std::string compact(std::string_view header, std::string_view payload = "{}", std::string_view signature = "s") {
  return base64url(header) + '.' + base64url(payload) + '.' + base64url(signature);
}

TEST(Compact, gives_the_three_parts_decoded) {
  const std::string token = compact(R"({"alg":"RS256","kid":"k","typ":"at+jwt"})", "any bytes", "\x01\x02");
  const Result<CompactJws> jws = read_compact(token);
  ASSERT_TRUE(jws.ok());
  EXPECT_EQ(jws->header->json, R"({"alg":"RS256","kid":"k","typ":"at+jwt"})");
  EXPECT_EQ(jws->header->key_id, "k");
  EXPECT_EQ(jws->header->type, "at+jwt");
  EXPECT_EQ(jws->payload, "any bytes");
  EXPECT_EQ(jws->signature, "\x01\x02");
  EXPECT_EQ(jws->signing_input, token.substr(0, token.rfind('.')));
}

TEST(Compact, has_exactly_two_dots) {
  const std::string good = compact(R"({"alg":"RS256"})");
  EXPECT_EQ(cause_of(read_compact(good)), "ok");
  for (const std::string& token :
       {std::string(), std::string("."), std::string("e30"), good.substr(0, good.rfind('.')), good + '.', good + ".e30",
        '.' + good, good + ".e30.e30", std::string(1 << 20, '.')}) {
    EXPECT_EQ(cause_of(read_compact(token)), "token_malformed") << token.substr(0, 80);
  }
}

TEST(Compact, checks_the_shape_of_every_segment_before_the_header) {
  const std::string header = base64url("not JSON");
  EXPECT_EQ(cause_of(read_compact(header + ".e30.e30")), "header_malformed");
  EXPECT_EQ(cause_of(read_compact(header + "=.e30.e30")), "token_malformed");
  EXPECT_EQ(cause_of(read_compact(header + ".e31.e30")), "token_malformed");
  EXPECT_EQ(cause_of(read_compact(header + ".e30.e31")), "token_malformed");
  EXPECT_EQ(cause_of(read_compact(header + ".e30.e")), "token_malformed");
}

TEST(Compact, checks_the_shape_also_behind_a_header_that_is_known) {
  const std::string good = compact(R"({"alg":"RS256","kid":"known"})");
  ASSERT_EQ(cause_of(read_compact(good)), "ok");
  const std::string header = good.substr(0, good.find('.'));
  EXPECT_EQ(cause_of(read_compact(header + ".e31.e30")), "token_malformed");
  EXPECT_EQ(cause_of(read_compact(header + ".e30.e31")), "token_malformed");
  EXPECT_EQ(cause_of(read_compact(header + ".e30.e30")), "ok");
}

TEST(Compact, reads_each_header_for_itself_whatever_came_before) {
  for (int round = 0; round < 3; ++round) {
    const Result<CompactJws> first = read_compact(compact(R"({"alg":"RS256","kid":"one"})"));
    const Result<CompactJws> second = read_compact(compact(R"({"alg":"RS256","kid":"two"})"));
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(first->header->key_id, "one");
    EXPECT_EQ(second->header->key_id, "two");
    EXPECT_EQ(cause_of(read_compact(compact(R"({"alg":"none"})"))), "algorithm_not_allowed");
    EXPECT_EQ(cause_of(read_compact(compact(R"({"alg":"RS256","crit":[]})"))), "header_forbidden");
  }
}

TEST(Compact, takes_a_header_too_long_to_be_remembered) {
  const std::string header = R"({"alg":"RS256","note":")" + std::string(4000, 'x') + R"("})";
  for (int round = 0; round < 2; ++round) {
    const Result<CompactJws> jws = read_compact(compact(header));
    ASSERT_TRUE(jws.ok());
    EXPECT_EQ(jws->header->json, header);
  }
}

TEST(JwsHeader, is_a_strict_json_object) {
  for (const char* json : {"", "null", "[]", "\"RS256\"", R"({"alg":"RS256"} x)", R"({"alg":"RS256","alg":"RS256"})",
                           R"({"alg":"none","\u0061lg":"RS256"})", R"({"alg":"RS256","a":NaN})", "\xef\xbb\xbf{}",
                           R"({"alg":"RS256",})", R"({"alg":"RS256","x":"\ud800"})"}) {
    EXPECT_EQ(header_cause(json), "header_malformed") << json;
  }
}

TEST(JwsHeader, may_have_members_that_mean_nothing_here) {
  EXPECT_EQ(header_cause(R"({"alg":"RS256","cty":"JWT","nonce":1,"iss":{"a":[]}})"), "ok");
}

TEST(JwsHeader, refuses_every_forbidden_member_also_when_spelled_with_escapes) {
  for (const std::string name : {"crit", "b64", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "zip", "enc"}) {
    for (const std::string value : {"null", "true", "[]", "\"\"", "{}"}) {
      EXPECT_EQ(header_cause(R"({"alg":"RS256",")" + name + "\":" + value + "}"), "header_forbidden") << name << value;
      EXPECT_EQ(header_cause(R"({")" + name + "\":" + value + R"(,"alg":"none"})"), "header_forbidden") << name;
    }
  }
  EXPECT_EQ(header_cause(R"({"alg":"RS256","\u0063rit":["exp"]})"), "header_forbidden");
  EXPECT_EQ(header_cause(R"({"alg":"RS256","\u006a\u006B\u0075":"http://example.com"})"), "header_forbidden");
}

TEST(JwsHeader, says_exactly_RS256) {
  EXPECT_EQ(header_cause(R"({"alg":"RS256"})"), "ok");
  EXPECT_EQ(header_cause(R"({"alg":"\u0052S256"})"), "ok");
  for (const char* alg :
       {R"("none")",        R"("None")",        R"("nOnE")",  R"("")",      "null",        "256",
        "[\"RS256\"]",      R"({"a":"RS256"})", "true",       R"("rs256")", R"("RS256 ")", R"(" RS256")",
        R"("RS256\u0000")", R"("HS256")",       R"("HS384")", R"("HS512")", R"("RS384")",  R"("RS512")",
        R"("PS256")",       R"("ES256")",       R"("EdDSA")", R"("RSA1_5")"}) {
    EXPECT_EQ(header_cause(std::string(R"({"alg":)") + alg + "}"), "algorithm_not_allowed") << alg;
  }
  EXPECT_EQ(header_cause("{}"), "algorithm_not_allowed");
}

TEST(JwsHeader, has_a_usable_key_id_of_1_to_128_bytes_without_control_characters) {
  const auto key_id_of = [](const std::string& value) {
    const auto header = read_jws_header(R"({"alg":"RS256","kid":)" + value + "}");
    return header->get()->key_id.value_or(header->get()->key_id_is_invalid ? "invalid" : "none");
  };
  EXPECT_EQ(key_id_of('"' + std::string(128, 'k') + '"'), std::string(128, 'k'));
  EXPECT_EQ(key_id_of(R"("\u006bey")"), "key");
  EXPECT_EQ(key_id_of("\"../../etc/passwd\""), "../../etc/passwd");
  for (const std::string& value :
       {std::string("\"\""), '"' + std::string(129, 'k') + '"', std::string("1"), std::string("null"),
        std::string("[\"k\"]"), std::string(R"("a\u0000b")"), std::string(R"("a\nb")"), std::string(R"("a\u007f")")}) {
    EXPECT_EQ(key_id_of(value), "invalid") << value;
  }
}

}  // namespace
}  // namespace tessera::internal
