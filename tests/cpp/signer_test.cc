// SPDX-License-Identifier: Apache-2.0
#include "tessera/signer.h"

#include <gtest/gtest.h>

#include <string>

#include "base64url.h"
#include "tessera/verifier.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using token_tests::cause_of;
using token_tests::good_claims;
using token_tests::good_keys;
using token_tests::good_policy;
using token_tests::kNow;
using token_tests::other_key;
using token_tests::test_key;
using token_tests::to_json;

std::string segment(const std::string& token, int index) {
  std::size_t start = 0;
  for (int i = 0; i < index; ++i) start = token.find('.', start) + 1;
  std::string bytes;
  EXPECT_TRUE(internal::decode_base64url(token.substr(start, token.find('.', start) - start), bytes));
  return bytes;
}

TEST(Signer, makes_tokens_that_the_verifier_takes) {
  const KeySet keys = good_keys();
  const Result<std::string> token = Signer(keys).sign(to_json(good_claims()));
  ASSERT_TRUE(token.ok());
  const Result<VerifiedToken> verified = Verifier(keys, good_policy()).verify(*token, kNow);
  ASSERT_TRUE(verified.ok());
  EXPECT_EQ(verified->payload(), to_json(good_claims()));
  EXPECT_EQ(verified->key_id(), "key-1");
}

TEST(Signer, copies_the_payload_byte_for_byte_under_alg_typ_and_kid) {
  const std::string payload = " {\"a\" : \"\xc3\xa9\\u00e9\"} ";
  const std::string token = *Signer(good_keys()).sign(payload, "rt+jwt");
  EXPECT_EQ(segment(token, 0), R"({"alg":"RS256","typ":"rt+jwt","kid":"key-1"})");
  EXPECT_EQ(segment(token, 1), payload);
  EXPECT_EQ(segment(token, 2).size(), 256U);
}

TEST(Signer, makes_the_same_token_of_the_same_input) {
  const Signer signer(good_keys());
  const std::string token = *signer.sign("{}");
  EXPECT_EQ(*signer.sign("{}"), token);
  EXPECT_EQ(*Signer::sign_with(test_key(), "{}"), token);
  const Result<PrivateKey> reloaded = PrivateKey::from_pem(*test_key().to_pem(), {}, "key-1");
  EXPECT_EQ(*Signer::sign_with(*reloaded, "{}"), token) << "the deterministic successor";
}

TEST(Signer, uses_the_signing_key_of_the_moment) {
  KeySet keys;
  const Signer signer(keys);
  EXPECT_EQ(cause_of(signer.sign("{}")), "signing_key_missing");
  ASSERT_TRUE(keys.replace({}, test_key()));
  EXPECT_EQ(*signer.sign("{}"), *Signer::sign_with(test_key(), "{}"));
  ASSERT_TRUE(keys.replace({test_key().public_key()}, other_key()));
  EXPECT_EQ(*signer.sign("{}"), *Signer::sign_with(other_key(), "{}"));
  ASSERT_TRUE(keys.replace({test_key().public_key()}));
  EXPECT_EQ(cause_of(signer.sign("{}")), "signing_key_missing");
}

TEST(Signer, refuses_a_payload_that_is_no_strict_json_object) {
  for (const char* payload : {"", "[]", "1", "{", R"({"a":1,"a":2})", "{\"a\":\"\xff\"}", R"({"a":NaN})", "{} {}"}) {
    EXPECT_EQ(cause_of(Signer::sign_with(test_key(), payload)), "claims_malformed") << payload;
  }
}

TEST(Signer, takes_payloads_up_to_64_kib) {
  const auto payload = [](std::size_t size) { return R"({"a":")" + std::string(size - 8, 'x') + R"("})"; };
  EXPECT_EQ(cause_of(Signer::sign_with(test_key(), payload(64 * 1024))), "ok");
  EXPECT_EQ(cause_of(Signer::sign_with(test_key(), payload(64 * 1024 + 1))), "limit_exceeded");
  EXPECT_EQ(cause_of(Signer::sign_jws(test_key(), R"({"alg":"RS256"})", std::string(64 * 1024 + 1, 'x'))),
            "limit_exceeded");
}

TEST(Signer, takes_types_of_1_to_64_plain_characters) {
  EXPECT_EQ(cause_of(Signer::sign_with(test_key(), "{}", std::string(64, 't'))), "ok");
  for (const std::string& type : {std::string(), std::string(65, 't'), std::string("a\"b"), std::string("a\\b"),
                                  std::string("a\nb"), std::string("a\0b", 3), std::string("\xc3\xa9")}) {
    EXPECT_EQ(cause_of(Signer::sign_with(test_key(), "{}", type)), "limit_exceeded") << type;
  }
}

TEST(Signer, signs_any_bytes_under_a_callers_own_header) {
  const std::string payload("any\0bytes\xff", 10);
  const std::string header = R"({"typ":"JOSE","alg":"RS256","nonce":"n"})";
  const Result<std::string> token = Signer::sign_jws(test_key(), header, payload);
  ASSERT_TRUE(token.ok());
  const Result<SignedPayload> read = Verifier::verify_jws(*token, test_key().public_key());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->header, header);
  EXPECT_EQ(read->payload, payload);
}

TEST(Signer, signs_under_no_header_that_the_verifier_would_refuse) {
  EXPECT_EQ(cause_of(Signer::sign_jws(test_key(), "", "x")), "header_malformed");
  EXPECT_EQ(cause_of(Signer::sign_jws(test_key(), R"({"alg":"RS256","alg":"RS256"})", "x")), "header_malformed");
  EXPECT_EQ(cause_of(Signer::sign_jws(test_key(), R"({"alg":"RS256","b64":false,"crit":["b64"]})", "x")),
            "header_forbidden");
  EXPECT_EQ(cause_of(Signer::sign_jws(test_key(), R"({"alg":"none"})", "x")), "algorithm_not_allowed");
}

TEST(Signer, signs_with_every_size_of_key) {
  for (const PrivateKey* key : {&token_tests::key_of_3072_bits(), &token_tests::key_of_4096_bits()}) {
    const std::string token = *Signer::sign_with(*key, "{}");
    EXPECT_EQ(segment(token, 2).size(), static_cast<std::size_t>(key->bits() / 8));
    EXPECT_TRUE(Verifier::verify_jws(token, key->public_key()).ok());
  }
}

}  // namespace
}  // namespace tessera
