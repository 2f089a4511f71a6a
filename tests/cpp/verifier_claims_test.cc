// SPDX-License-Identifier: Apache-2.0
// Claims and time: what a rightly signed token may say, at the boundaries.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "token_fixture.h"

namespace tessera {
namespace {

using namespace token_tests;

std::string verdict_with(std::string_view name, std::string_view json, const Policy& policy = good_policy()) {
  return verdict(token_of(with(name, json)), policy);
}

std::string quoted(std::size_t length) { return '"' + std::string(length, 'x') + '"'; }

TEST(Claims_and_time, exp_is_exclusive) {
  const std::string token = good_token();  // exp = kNow + 60
  EXPECT_EQ(verdict(token, good_policy(), kNow + 59), "ok");
  EXPECT_EQ(verdict(token, good_policy(), kNow + 60), "token_expired");
  EXPECT_EQ(verdict(token, good_policy(), kNow + 61), "token_expired");
}

TEST(Claims_and_time, leeway_moves_exp_and_stays_exclusive) {
  Policy policy = good_policy();
  policy.leeway_seconds = 10;
  EXPECT_EQ(verdict(good_token(), policy, kNow + 69), "ok");
  EXPECT_EQ(verdict(good_token(), policy, kNow + 70), "token_expired");
}

TEST(Claims_and_time, skew_is_for_nbf_and_iat_and_inclusive) {
  Policy policy = good_policy();
  policy.skew_seconds = 5;
  EXPECT_EQ(verdict_with("nbf", std::to_string(kNow + 5), policy), "ok");
  EXPECT_EQ(verdict_with("nbf", std::to_string(kNow + 6), policy), "token_not_yet_valid");
  EXPECT_EQ(verdict_with("iat", std::to_string(kNow + 5), policy), "ok");
  EXPECT_EQ(verdict_with("iat", std::to_string(kNow + 6), policy), "token_issued_in_future");
  policy.skew_seconds = 0;
  EXPECT_EQ(verdict_with("nbf", std::to_string(kNow), policy), "ok");
  EXPECT_EQ(verdict_with("nbf", std::to_string(kNow + 1), policy), "token_not_yet_valid");
  EXPECT_EQ(verdict(good_token(), policy, kNow + 60), "token_expired") << "skew is not leeway";
}

TEST(Claims_and_time, a_lifetime_is_at_most_the_policys) {
  Policy policy = good_policy();
  policy.max_lifetime_seconds = 60;
  EXPECT_EQ(verdict(good_token(), policy), "ok");
  policy.max_lifetime_seconds = 59;
  EXPECT_EQ(verdict(good_token(), policy), "lifetime_too_long");
  policy.required_claims = {};
  EXPECT_EQ(verdict(token_of(without("iat")), policy), "claim_missing") << "no iat, no lifetime";
}

TEST(Claims_and_time, extreme_policies_and_clocks_do_not_overflow) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  Policy policy = good_policy();
  policy.leeway_seconds = kMost;
  policy.skew_seconds = kMost;
  EXPECT_EQ(verdict(good_token(), policy, kMost - 1), "ok");
  policy.leeway_seconds = kLeast;
  EXPECT_EQ(verdict(good_token(), policy, kNow), "token_expired");
  policy.skew_seconds = kLeast;
  EXPECT_EQ(verdict(good_token(), policy, kLeast), "token_issued_in_future");
  EXPECT_EQ(verdict(good_token(), good_policy(), kLeast), "token_issued_in_future");
  EXPECT_EQ(verdict(good_token(), good_policy(), kMost), "token_expired");
}

TEST(Claims_and_time, times_are_plain_integers_in_their_range) {
  const std::string most = "9007199254740992";
  EXPECT_EQ(verdict_with("exp", most), "ok");
  EXPECT_EQ(verdict_with("exp", "1"), "token_expired");
  EXPECT_EQ(verdict_with("iat", "0"), "ok");
  EXPECT_EQ(verdict_with("nbf", "0"), "ok");
  EXPECT_EQ(verdict_with("nbf", most), "token_not_yet_valid");
  for (const std::string name : {"exp", "nbf", "iat"}) {
    for (const std::string value : {"\"1700000060\"", "1700000060.0", "1700000060.5", "17e8", "1.7E9", "-1", "-0",
                                    "9007199254740993", "9223372036854775807", "9223372036854775808", "1e30", "1e999",
                                    "true", "null", "[1700000060]", "{}", "\"\""}) {
      EXPECT_EQ(verdict_with(name, value), "claim_invalid") << name << ' ' << value;
    }
  }
  EXPECT_EQ(verdict_with("exp", "0"), "claim_invalid");
  EXPECT_EQ(verdict_with("exp", std::string(1000, '9')), "claim_invalid");
}

TEST(Claims_and_time, iss_aud_exp_and_the_required_claims_have_to_be_there) {
  for (const char* name : {"iss", "aud", "exp", "sub", "iat", "jti"})
    EXPECT_EQ(verdict(token_of(without(name))), "claim_missing") << name;
  EXPECT_EQ(verdict(forge(kHeader, "{}")), "claim_missing");
  Policy policy = good_policy();
  policy.required_claims = {};
  for (const char* name : {"sub", "iat", "jti"}) EXPECT_EQ(verdict(token_of(without(name)), policy), "ok") << name;
}

TEST(Claims_and_time, any_claim_may_be_required) {
  Policy policy = good_policy();
  policy.required_claims = {"tenant_id", "scope", "a\"b"};
  ClaimTexts claims = good_claims();
  claims["tenant_id"] = R"("tenant-a")";
  claims["scope"] = R"("")";
  EXPECT_EQ(verdict(token_of(claims), policy), "claim_missing");
  claims[R"(a\"b)"] = "null";
  EXPECT_EQ(verdict(token_of(claims), policy), "ok");
  claims.erase("tenant_id");
  EXPECT_EQ(verdict(token_of(claims), policy), "claim_missing");
}

TEST(Claims_and_time, registered_texts_are_1_to_256_bytes_without_control_characters) {
  for (const std::string name : {"sub", "jti", "sid", "tenant_id", "token_type"}) {
    EXPECT_EQ(verdict_with(name, quoted(256)), "ok") << name;
    EXPECT_EQ(verdict_with(name, R"("\u00e9")"), "ok") << name;
    for (const std::string& value :
         {quoted(0), quoted(257), quoted(4000), std::string("1"), std::string("null"), std::string("true"),
          std::string(R"(["alice"])"), std::string("{}"), std::string(R"("a\u0000")"), std::string(R"("a\nb")"),
          std::string(R"("\u007f")")}) {
      EXPECT_EQ(verdict_with(name, value), "claim_invalid") << name << ' ' << value.substr(0, 20);
    }
  }
}

TEST(Claims_and_time, the_issuer_is_equal_and_not_a_part) {
  for (const char* issuer : {R"("issue")", R"("issuer ")", R"("ISSUER")", R"("issuer/")", R"("an issuer")"}) {
    EXPECT_EQ(verdict_with("iss", issuer), "issuer_mismatch") << issuer;
  }
  for (const char* issuer : {"1", "null", R"(["issuer"])", R"("")", R"("issuer\u0000")"})
    EXPECT_EQ(verdict_with("iss", issuer), "claim_invalid") << issuer;
  Policy nobody = good_policy();
  nobody.issuer = "";
  EXPECT_EQ(verdict(good_token(), nobody), "issuer_mismatch");
}

TEST(Claims_and_time, the_audience_names_one_of_the_policys_exactly) {
  EXPECT_EQ(verdict_with("aud", R"(["service"])"), "ok");
  EXPECT_EQ(verdict_with("aud", R"(["a","b","s\u0065rvice"])"), "ok");
  for (const char* audience : {R"("services")", R"("serv")", R"("Service")", R"(["a","b"])", R"("a service")"}) {
    EXPECT_EQ(verdict_with("aud", audience), "audience_mismatch") << audience;
  }
  Policy policy = good_policy();
  policy.audiences = {"a", "b"};
  EXPECT_EQ(verdict_with("aud", R"("b")", policy), "ok");
  policy.audiences = {};
  EXPECT_EQ(verdict_with("aud", R"("b")", policy), "audience_mismatch");
}

TEST(Claims_and_time, every_entry_of_the_audience_is_checked) {
  for (const char* audience :
       {"[]", "1", "null", "{}", R"("")", R"(["service",1])", R"([1,"service"])", R"(["service",null])",
        R"(["service",[]])", R"(["service",""])", R"([["service"]])", R"(["service","a\u0000"])"}) {
    EXPECT_EQ(verdict_with("aud", audience), "claim_invalid") << audience;
  }
  std::string many = R"(["service")";
  for (int i = 1; i < 64; ++i) many += ",\"a\"";
  EXPECT_EQ(verdict_with("aud", many + ']'), "ok");
  EXPECT_EQ(verdict_with("aud", many + ",\"a\"]"), "claim_invalid");
}

TEST(Claims_and_time, token_expired_is_told_only_when_all_else_is_right) {
  const std::string past = std::to_string(kNow);
  ClaimTexts claims = with("exp", past);
  EXPECT_EQ(verdict(token_of(claims)), "token_expired");
  const std::vector<std::pair<ClaimTexts, std::string>> worse = {
      {{{"iss", R"("other")"}}, "issuer_mismatch"},
      {{{"aud", R"("other")"}}, "audience_mismatch"},
      {{{"nbf", "9007199254740992"}}, "token_not_yet_valid"},
      {{{"iat", "9007199254740992"}}, "token_issued_in_future"},
      {{{"sub", "1"}}, "claim_invalid"}};
  for (const auto& [changes, cause] : worse) {
    ClaimTexts both = claims;
    for (const auto& [name, value] : changes) both[name] = value;
    EXPECT_EQ(verdict(token_of(both)), cause);
  }
  claims.erase("jti");
  EXPECT_EQ(verdict(token_of(claims)), "claim_missing");
}

TEST(Claims_and_time, a_missing_claim_is_told_before_an_invalid_one) {
  ClaimTexts claims = with("exp", "true");
  claims.erase("jti");
  EXPECT_EQ(verdict(token_of(claims)), "claim_missing");
}

TEST(Claims_and_time, what_the_policy_ignores_is_ignored_but_still_has_its_type) {
  Policy policy = good_policy();
  policy.ignore_expiry = policy.ignore_issuer = policy.ignore_audience = true;
  ClaimTexts claims = with("exp", "1");
  claims["iss"] = R"("other")";
  claims["aud"] = R"("other")";
  EXPECT_EQ(verdict(token_of(claims), policy), "ok");
  claims.erase("iss");
  claims.erase("aud");
  EXPECT_EQ(verdict(token_of(claims), policy), "ok");
  EXPECT_EQ(verdict(token_of(without("exp")), policy), "claim_missing");
  EXPECT_EQ(verdict_with("iss", "1", policy), "claim_invalid");
  EXPECT_EQ(verdict_with("aud", "[]", policy), "claim_invalid");
  EXPECT_EQ(verdict_with("exp", "true", policy), "claim_invalid");
}

TEST(Claims_and_time, a_payload_is_a_strict_json_object) {
  for (const char* payload :
       {"", "null", "[]", "{", R"({"exp":1,"exp":2})", R"({"\u0065xp":1,"exp":2})", "{\"a\":\"\xff\"}",
        R"({"a":"\ud800"})", R"({"a":NaN})", "\xef\xbb\xbf{}", "{} {}", "{}//"}) {
    EXPECT_EQ(verdict(forge(kHeader, payload)), "claims_malformed") << payload;
  }
  EXPECT_EQ(verdict(token_of(with("deep", std::string(31, '[') + std::string(31, ']')))), "ok");
  EXPECT_EQ(verdict(token_of(with("deep", std::string(32, '[') + std::string(32, ']')))), "claims_malformed");
}

}  // namespace
}  // namespace tessera
