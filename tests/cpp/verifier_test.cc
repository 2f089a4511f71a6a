// SPDX-License-Identifier: Apache-2.0
#include "tessera/verifier.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tessera/signer.h"
#include "tessera/token_cache.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using namespace token_tests;

std::string forged_by_nobody() {
  std::string token = good_token();
  token[token.rfind('.') + 10] ^= 1;  // another letter of the alphabet, or of none
  return token;
}

TEST(Verifier, takes_a_token_that_is_right_in_everything) { EXPECT_EQ(verdict(good_token()), "ok"); }

TEST(Verifier, gives_the_claims_as_they_were_signed) {
  ClaimTexts claims = good_claims();
  claims["sid"] = R"("session-1")";
  claims["tenant_id"] = R"("tenant-a")";
  claims["token_type"] = R"("access")";
  claims["nbf"] = std::to_string(kNow - 1);
  claims["aud"] = R"(["other","service"])";
  const Result<VerifiedToken> token = Verifier(good_keys(), good_policy()).verify(token_of(claims), kNow);
  ASSERT_TRUE(token.ok()) << cause_of(token);
  EXPECT_EQ(token->payload(), to_json(claims));
  EXPECT_EQ(token->header(), kHeader);
  EXPECT_EQ(token->key_id(), "key-1");
  EXPECT_EQ(token->key_number(), test_key().public_key().number());
  EXPECT_EQ(token->type(), "at+jwt");
  EXPECT_EQ(token->issuer(), "issuer");
  EXPECT_EQ(token->subject(), "alice");
  EXPECT_EQ(token->jti(), "id-1");
  EXPECT_EQ(token->session_id(), "session-1");
  EXPECT_EQ(token->tenant_id(), "tenant-a");
  EXPECT_EQ(token->token_type(), "access");
  EXPECT_EQ(token->audiences(), (std::vector<std::string>{"other", "service"}));
  EXPECT_EQ(token->issued_at(), kNow);
  EXPECT_EQ(token->expires_at(), kNow + 60);
  EXPECT_EQ(token->not_before(), kNow - 1);
  EXPECT_GE(token->footprint(), token->payload().size() + token->header().size());
}

TEST(Verifier, gives_an_empty_view_or_0_for_a_claim_that_is_absent) {
  const Result<VerifiedToken> token = Verifier(good_keys(), good_policy()).verify(good_token(), kNow);
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->session_id(), "");
  EXPECT_EQ(token->tenant_id(), "");
  EXPECT_EQ(token->not_before(), 0);
}

TEST(Verifier, resolves_escapes_in_claims) {
  ClaimTexts claims = with("sub", R"("\u0061lic\u0065")");
  claims["jti"] = R"("id\/1")";
  claims["iss"] = R"("\u0069ssuer")";
  const Result<VerifiedToken> token = Verifier(good_keys(), good_policy()).verify(token_of(claims), kNow);
  ASSERT_TRUE(token.ok()) << cause_of(token);
  EXPECT_EQ(token->subject(), "alice");
  EXPECT_EQ(token->jti(), "id/1");
}

TEST(Verifier, hands_out_views_that_live_as_long_as_any_copy) {
  Result<VerifiedToken> token =
      Verifier(good_keys(), good_policy()).verify(token_of(with("sub", R"("b\u006fb")")), kNow);
  ASSERT_TRUE(token.ok());
  auto copy = std::make_unique<VerifiedToken>(*token);
  const std::string_view subject = copy->subject();
  token = Error::token_expired;
  EXPECT_EQ(subject, "bob");
  EXPECT_EQ(copy->payload().size(), to_json(with("sub", R"("b\u006fb")")).size());
}

// Each token is also wrong in everything that is checked later.
TEST(Verifier, checks_size_shape_header_key_signature_and_claims_in_this_order) {
  Policy policy = good_policy();
  const std::string bad_claims = to_json(with("exp", "1"));
  const std::string expired = forge(kHeader, bad_claims);
  const auto signed_wrongly = [&](std::string_view header) {
    return forge(header, bad_claims).substr(0, forge(header, bad_claims).rfind('.') + 1) + "AAAA";
  };
  EXPECT_EQ(verdict(std::string(policy.max_token_bytes + 1, '.')), "token_too_large");
  EXPECT_EQ(verdict(signed_wrongly("{") + '='), "token_malformed");
  EXPECT_EQ(verdict(signed_wrongly("{")), "header_malformed");
  EXPECT_EQ(verdict(signed_wrongly(R"({"alg":"none","crit":[]})")), "header_forbidden");
  EXPECT_EQ(verdict(signed_wrongly(R"({"alg":"none"})")), "algorithm_not_allowed");
  EXPECT_EQ(verdict(signed_wrongly(R"({"alg":"RS256","typ":"no"})")), "type_not_allowed");
  EXPECT_EQ(verdict(signed_wrongly(R"({"alg":"RS256","typ":"at+jwt"})")), "key_id_missing");
  EXPECT_EQ(verdict(signed_wrongly(R"({"alg":"RS256","typ":"at+jwt","kid":"unknown"})")), "key_unknown");
  EXPECT_EQ(verdict(signed_wrongly(kHeader)), "signature_invalid");
  EXPECT_EQ(verdict(forge(kHeader, "[]")), "claims_malformed");
  EXPECT_EQ(verdict(expired), "token_expired");
}

TEST(Verifier, takes_tokens_up_to_the_policys_size_exactly) {
  const std::string token = good_token();
  Policy policy = good_policy();
  policy.max_token_bytes = token.size();
  EXPECT_EQ(verdict(token, policy), "ok");
  policy.max_token_bytes = token.size() - 1;
  EXPECT_EQ(verdict(token, policy), "token_too_large");
}

TEST(Verifier, refuses_an_empty_set_of_keys) {
  EXPECT_EQ(cause_of(Verifier(KeySet(), good_policy()).verify(good_token(), kNow)), "key_unknown");
}

TEST(Verifier, refuses_a_token_of_another_key_with_a_known_key_id) {
  EXPECT_EQ(verdict(forge(kHeader, to_json(good_claims()), other_key())), "signature_invalid");
}

TEST(Verifier, sees_a_key_come_and_go) {
  KeySet keys;
  const Verifier verifier(keys, good_policy());
  EXPECT_EQ(cause_of(verifier.verify(good_token(), kNow)), "key_unknown");
  ASSERT_TRUE(keys.replace({test_key().public_key()}));
  EXPECT_EQ(cause_of(verifier.verify(good_token(), kNow)), "ok");
  ASSERT_TRUE(keys.replace({*PublicKey::from_pem(other_key().public_key().to_pem(), "key-1")}));
  EXPECT_EQ(cause_of(verifier.verify(good_token(), kNow)), "signature_invalid") << "the same header, another key";
  ASSERT_TRUE(keys.replace({}));
  EXPECT_EQ(cause_of(verifier.verify(good_token(), kNow)), "key_unknown");
}

TEST(Verifier, accepts_one_of_the_policys_types_exactly) {
  Policy policy = good_policy();
  const auto of_type = [](const std::string& type) {
    return forge(R"({"alg":"RS256","kid":"key-1","typ":)" + type + "}", to_json(good_claims()));
  };
  for (const char* type :
       {R"("AT+JWT")", R"("at+jwt ")", R"("application/at+jwt")", R"("JWT")", R"("")", "null", "1", R"(["at+jwt"])"}) {
    EXPECT_EQ(verdict(of_type(type), policy), "type_not_allowed") << type;
  }
  EXPECT_EQ(verdict(forge(R"({"alg":"RS256","kid":"key-1"})", to_json(good_claims()))), "type_not_allowed");
  policy.types = {"rt+jwt", "JWT"};
  EXPECT_EQ(verdict(of_type(R"("JWT")"), policy), "ok");
  EXPECT_EQ(verdict(good_token(), policy), "type_not_allowed");
  policy.types = {};
  EXPECT_EQ(verdict(good_token(), policy), "type_not_allowed");
}

TEST(Verifier, may_accept_any_type_or_none_but_no_malformed_one) {
  Policy policy = good_policy();
  policy.allow_any_type = true;
  EXPECT_EQ(verdict(forge(R"({"alg":"RS256","kid":"key-1"})", to_json(good_claims())), policy), "ok");
  EXPECT_EQ(verdict(forge(R"({"alg":"RS256","kid":"key-1","typ":"x"})", to_json(good_claims())), policy), "ok");
  EXPECT_EQ(verdict(forge(R"({"alg":"RS256","kid":"key-1","typ":1})", to_json(good_claims())), policy),
            "type_not_allowed");
}

TEST(VerifierWithCache, judges_time_policy_and_key_again_on_every_hit) {
  const auto cache = std::make_shared<TokenCache>();
  KeySet keys = good_keys();
  const Verifier verifier(keys, good_policy(), cache);
  const std::string token = good_token();
  ASSERT_EQ(cause_of(verifier.verify(token, kNow)), "ok");
  ASSERT_EQ(cache->size(), 1U);
  EXPECT_EQ(cause_of(verifier.verify(token, kNow + 59)), "ok");
  EXPECT_EQ(cause_of(verifier.verify(token, kNow + 60)), "token_expired");
  EXPECT_EQ(cause_of(verifier.verify(token, kNow - 6)), "token_issued_in_future");

  Policy strange = good_policy();
  strange.issuer = "nobody";
  EXPECT_EQ(cause_of(Verifier(keys, strange, cache).verify(token, kNow)), "issuer_mismatch");
  strange = good_policy();
  strange.audiences = {"elsewhere"};
  EXPECT_EQ(cause_of(Verifier(keys, strange, cache).verify(token, kNow)), "audience_mismatch");
  strange = good_policy();
  strange.types = {"rt+jwt"};
  EXPECT_EQ(cause_of(Verifier(keys, strange, cache).verify(token, kNow)), "type_not_allowed");
  strange = good_policy();
  strange.required_claims = {"scope"};
  EXPECT_EQ(cause_of(Verifier(keys, strange, cache).verify(token, kNow)), "claim_missing");
  strange = good_policy();
  strange.max_token_bytes = token.size() - 1;
  EXPECT_EQ(cause_of(Verifier(keys, strange, cache).verify(token, kNow)), "token_too_large");
}

TEST(VerifierWithCache, forgets_a_token_when_its_key_goes_also_when_the_key_id_returns) {
  const auto cache = std::make_shared<TokenCache>();
  KeySet keys = good_keys();
  const Verifier verifier(keys, good_policy(), cache);
  const std::string token = good_token();
  ASSERT_EQ(cause_of(verifier.verify(token, kNow)), "ok");
  ASSERT_TRUE(keys.replace({}));
  EXPECT_EQ(cause_of(verifier.verify(token, kNow)), "key_unknown");
  EXPECT_EQ(cache->size(), 0U);
  ASSERT_TRUE(keys.replace({test_key().public_key()}));
  ASSERT_EQ(cause_of(verifier.verify(token, kNow)), "ok");
  ASSERT_TRUE(keys.replace({*PublicKey::from_pem(other_key().public_key().to_pem(), "key-1")}));
  EXPECT_EQ(cause_of(verifier.verify(token, kNow)), "signature_invalid");
  EXPECT_EQ(cache->size(), 0U);
}

TEST(VerifierWithCache, lets_only_verified_tokens_in) {
  const auto cache = std::make_shared<TokenCache>();
  const Verifier verifier(good_keys(), good_policy(), cache);
  for (const std::string& token : {std::string("a.b.c"), forged_by_nobody(),
                                   token_of(with("exp", std::to_string(kNow))), token_of(without("jti"))}) {
    EXPECT_FALSE(verifier.verify(token, kNow).ok());
  }
  EXPECT_EQ(cache->size(), 0U);
}

TEST(VerifyMany, gives_the_same_results_as_verify_in_order) {
  const Verifier verifier(good_keys(), good_policy());
  const std::vector<std::string> tokens = {
      good_token(), "", forged_by_nobody(), token_of(with("exp", "1")), good_token(), token_of(with("sub", "\"bob\""))};
  const std::vector<std::string_view> views(tokens.begin(), tokens.end());
  const auto results = verifier.verify_many(views, kNow);
  ASSERT_EQ(results.size(), tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i)
    EXPECT_EQ(cause_of(results[i]), cause_of(verifier.verify(tokens[i], kNow))) << i;
  EXPECT_EQ(results[5]->subject(), "bob");
  EXPECT_TRUE(verifier.verify_many({}, kNow).empty());
}

TEST(VerifyJws, checks_the_header_and_the_signature_only) {
  const PublicKey key = test_key().public_key();
  const Result<SignedPayload> read = Verifier::verify_jws(forge(R"({"alg":"RS256"})", "any"), key);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->payload, "any");
  EXPECT_EQ(read->header, R"({"alg":"RS256"})");
  EXPECT_EQ(cause_of(Verifier::verify_jws(forge(R"({"alg":"RS256","kid":"anything"})", ""), key)), "ok");
  EXPECT_EQ(cause_of(Verifier::verify_jws(forge(R"({"alg":"RS256"})", "any", other_key()), key)), "signature_invalid");
  EXPECT_EQ(cause_of(Verifier::verify_jws(forge(R"({"alg":"RS256","kid":1})", "any"), key)), "key_id_missing");
  EXPECT_EQ(cause_of(Verifier::verify_jws(forge(R"({"alg":"RS256","typ":1})", "any"), key)), "type_not_allowed");
  EXPECT_EQ(cause_of(Verifier::verify_jws(forge(R"({"alg":"RS256","b64":true})", "any"), key)), "header_forbidden");
  EXPECT_EQ(cause_of(Verifier::verify_jws(forge(R"({"alg":"PS256"})", "any"), key)), "algorithm_not_allowed");
}

TEST(VerifyJws, takes_tokens_up_to_its_size_exactly) {
  const std::string token = forge(R"({"alg":"RS256"})", "any");
  EXPECT_EQ(cause_of(Verifier::verify_jws(token, test_key().public_key(), token.size())), "ok");
  EXPECT_EQ(cause_of(Verifier::verify_jws(token, test_key().public_key(), token.size() - 1)), "token_too_large");
}

}  // namespace
}  // namespace tessera
