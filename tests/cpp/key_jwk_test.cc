// SPDX-License-Identifier: Apache-2.0
#include "key_jwk.h"

#include <gtest/gtest.h>

#include <string>

#include "base64url.h"
#include "tessera/key.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using internal::base64url;
using token_tests::cause_of;
using token_tests::ClaimTexts;
using token_tests::test_key;
using token_tests::to_json;

// The members of a JWK, each as JSON text.
std::string modulus() {
  const std::string jwk = test_key().public_key().to_jwk();
  const std::size_t start = jwk.find("\"n\":") + 4;
  return jwk.substr(start, jwk.find('"', start + 1) + 1 - start);
}

ClaimTexts public_members() { return {{"kty", R"("RSA")"}, {"n", modulus()}, {"e", R"("AQAB")"}}; }

std::string public_jwk_with(const std::string& name, const std::string& value) {
  ClaimTexts members = public_members();
  members[name] = value;
  return to_json(members);
}

std::string number_of(const char* parameter) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(test_key().material()->pkey.get(), parameter, &number);
  const internal::BignumPtr owned(number);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  return '"' + base64url(bytes) + '"';
}

ClaimTexts private_members() {
  ClaimTexts members = public_members();
  members["d"] = number_of("d");
  members["p"] = number_of("rsa-factor1");
  members["q"] = number_of("rsa-factor2");
  members["dp"] = number_of("rsa-exponent1");
  members["dq"] = number_of("rsa-exponent2");
  members["qi"] = number_of("rsa-coefficient1");
  return members;
}

TEST(Jwk, comes_back_from_a_public_key) {
  const PublicKey key = test_key().public_key();
  const Result<PublicKey> again = PublicKey::from_jwk(key.to_jwk());
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->to_jwk(), key.to_jwk());
  EXPECT_EQ(again->key_id(), "key-1");
  EXPECT_EQ(again->to_pem(), key.to_pem());
}

TEST(Jwk, of_a_private_key_is_published_without_its_private_half) {
  const std::string jwk = test_key().public_key().to_jwk();
  EXPECT_EQ(jwk, R"({"kty":"RSA","kid":"key-1","use":"sig","alg":"RS256","n":)" + modulus() + R"(,"e":"AQAB"})");
}

TEST(Jwk, escapes_a_key_id_with_a_quote) {
  const Result<PublicKey> key = PublicKey::from_jwk(to_json(public_members()), "a\"b\\c");
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(PublicKey::from_jwk(key->to_jwk())->key_id(), "a\"b\\c");
}

TEST(Jwk, is_named_by_the_caller_or_itself_or_its_thumbprint) {
  EXPECT_EQ(PublicKey::from_jwk(public_jwk_with("kid", "\"own\""))->key_id(), "own");
  EXPECT_EQ(PublicKey::from_jwk(public_jwk_with("kid", "\"own\""), "given")->key_id(), "given");
  EXPECT_EQ(PublicKey::from_jwk(to_json(public_members()))->key_id(), test_key().public_key().thumbprint());
  for (const char* kid : {R"("")", R"("a\nb")", R"("\u00e9")"}) {
    EXPECT_EQ(cause_of(PublicKey::from_jwk(public_jwk_with("kid", kid))), "key_id_invalid") << kid;
  }
}

// RFC 7638 section 3.1 gives this key and its thumbprint.
TEST(Jwk, has_the_thumbprint_of_rfc_7638) {
  const Result<PublicKey> key = PublicKey::from_jwk(
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key->thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  EXPECT_EQ(key->key_id(), "2011-04-29");
}

TEST(Jwk, is_a_strict_json_object) {
  const std::string good = to_json(public_members());
  for (const std::string& json : {std::string(), std::string("[]"), std::string("null"), good + "x", '[' + good + ']',
                                  "\xef\xbb\xbf" + good, R"({"kty":"RSA",)" + good.substr(1), std::string("{}")}) {
    EXPECT_EQ(cause_of(PublicKey::from_jwk(json)), "key_malformed") << json.substr(0, 40);
  }
}

TEST(Jwk, has_each_number_once_canonical_and_without_a_leading_zero) {
  ClaimTexts members = public_members();
  members.erase("n");
  EXPECT_EQ(cause_of(PublicKey::from_jwk(to_json(members))), "key_malformed");
  members = public_members();
  members.erase("e");
  EXPECT_EQ(cause_of(PublicKey::from_jwk(to_json(members))), "key_malformed");
  for (const char* e :
       {R"("")", R"("AAEAAQ")", R"("AQAB=")", R"("AQA B")", R"("A")", "65537", "null", R"(["AQAB"])", R"("AQ==")"}) {
    EXPECT_EQ(cause_of(PublicKey::from_jwk(public_jwk_with("e", e))), "key_malformed") << e;
  }
}

TEST(Jwk, has_an_odd_exponent_from_65537_to_2_to_the_32) {
  const auto cause_for = [](std::string bytes) {
    return cause_of(PublicKey::from_jwk(public_jwk_with("e", '"' + base64url(bytes) + '"')));
  };
  using namespace std::string_literals;
  EXPECT_EQ(cause_for("\x01\x00\x01"s), "ok");
  EXPECT_EQ(cause_for("\x01\x00\x03"s), "ok");
  EXPECT_EQ(cause_for("\xff\xff\xff\xff"s), "ok");
  for (const std::string& bytes :
       {"\x01"s, "\x02"s, "\x03"s, "\x11"s, "\xff\xff"s, "\x01\x00\x00"s, "\x01\x00\x02"s, "\x01\x00\x00\x00\x00"s,
        "\x01\x00\x00\x00\x01"s, std::string(16, '\x01'), std::string(256, '\x01')}) {
    EXPECT_EQ(cause_for(bytes), "key_exponent_not_allowed") << bytes.size();
  }
}

TEST(Jwk, has_a_modulus_that_can_be_one) {
  const auto cause_for = [](const std::string& bytes) {
    return cause_of(PublicKey::from_jwk(public_jwk_with("n", '"' + base64url(bytes) + '"')));
  };
  EXPECT_EQ(cause_for(std::string(128, '\xff')), "key_size_not_allowed");
  EXPECT_EQ(cause_for('\x7f' + std::string(255, '\xff')), "key_size_not_allowed") << "2047 bits";
  EXPECT_EQ(cause_for('\x01' + std::string(512, '\xff')), "key_size_not_allowed") << "4097 bits";
  EXPECT_EQ(cause_for(std::string(255, '\xff') + '\xfe'), "key_malformed") << "even";
  EXPECT_EQ(cause_for(std::string(256, '\xff')), "key_malformed") << "has small factors";
}

TEST(Jwk, is_an_rsa_key) {
  for (const char* json : {R"({"kty":"oct","k":"AAAA"})", R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})",
                           R"({"kty":"OKP","crv":"Ed25519","x":"AA"})", R"({"kty":"rsa"})"}) {
    EXPECT_EQ(cause_of(PublicKey::from_jwk(json)), "key_type_not_allowed") << json;
  }
  EXPECT_EQ(cause_of(PublicKey::from_jwk(public_jwk_with("k", R"("AAAA")"))), "key_type_not_allowed");
  EXPECT_EQ(cause_of(PublicKey::from_jwk(public_jwk_with("kty", "1"))), "key_malformed");
}

TEST(Jwk, is_refused_as_a_public_key_when_it_has_any_private_member) {
  for (const char* name : {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}) {
    EXPECT_EQ(cause_of(PublicKey::from_jwk(public_jwk_with(name, "\"AQAB\""))), "key_type_not_allowed") << name;
  }
  EXPECT_EQ(cause_of(PublicKey::from_jwk(to_json(private_members()))), "key_type_not_allowed");
}

TEST(Jwk, has_to_be_meant_for_RS256_signatures) {
  const auto cause_for = [](const char* name, const char* value) {
    return cause_of(PublicKey::from_jwk(public_jwk_with(name, value)));
  };
  EXPECT_EQ(cause_for("use", R"("sig")"), "ok");
  EXPECT_EQ(cause_for("use", R"("enc")"), "key_use_not_allowed");
  EXPECT_EQ(cause_for("use", R"("")"), "key_use_not_allowed");
  EXPECT_EQ(cause_for("use", "1"), "key_malformed");
  EXPECT_EQ(cause_for("alg", R"("RS256")"), "ok");
  for (const char* alg : {R"("RS384")", R"("PS256")", R"("RSA-OAEP")", R"("none")", R"("rs256")"}) {
    EXPECT_EQ(cause_for("alg", alg), "key_use_not_allowed") << alg;
  }
  EXPECT_EQ(cause_for("key_ops", R"(["verify"])"), "ok");
  EXPECT_EQ(cause_for("key_ops", R"(["sign","verify"])"), "ok");
  for (const char* operations : {"[]", R"(["sign"])", R"(["encrypt"])", R"(["verify","encrypt"])",
                                 R"(["verify","verify"])", R"([1,"verify"])"}) {
    EXPECT_EQ(cause_for("key_ops", operations), "key_use_not_allowed") << operations;
  }
  EXPECT_EQ(cause_for("key_ops", R"("verify")"), "key_malformed");
}

TEST(Jwk, may_have_members_that_are_not_looked_at) {
  ClaimTexts members = public_members();
  members["x5u"] = R"("http://127.0.0.1:1/never-asked")";
  members["x5c"] = R"(["AAAA"])";
  members["x5t"] = "1";
  members["note"] = R"({"any":["thing"]})";
  EXPECT_EQ(cause_of(PublicKey::from_jwk(to_json(members))), "ok");
}

TEST(PrivateJwk, is_read_with_all_eight_numbers) {
  const Result<PrivateKey> key = PrivateKey::from_jwk(to_json(private_members()), "named");
  ASSERT_TRUE(key.ok()) << cause_of(key);
  EXPECT_EQ(key->key_id(), "named");
  EXPECT_EQ(key->public_key().thumbprint(), test_key().public_key().thumbprint());
  EXPECT_EQ(*key->to_pem(), *test_key().to_pem());
}

TEST(PrivateJwk, is_refused_when_a_number_is_missing_or_wrong) {
  for (const auto& [name, text] : private_members()) {
    ClaimTexts members = private_members();
    members.erase(name);
    EXPECT_EQ(cause_of(PrivateKey::from_jwk(to_json(members))), "key_malformed") << name;
    if (name == "kty" || name == "e" || name == "n") continue;
    members[name] = R"("AQAB")";
    EXPECT_EQ(cause_of(PrivateKey::from_jwk(to_json(members))), "key_malformed") << name;
  }
}

TEST(PrivateJwk, of_more_than_two_primes_is_refused) {
  ClaimTexts members = private_members();
  members["oth"] = R"([{"r":"AQAB","d":"AQAB","t":"AQAB"}])";
  EXPECT_EQ(cause_of(PrivateKey::from_jwk(to_json(members))), "key_type_not_allowed");
}

TEST(PrivateJwk, has_to_be_meant_for_signing) {
  ClaimTexts members = private_members();
  members["key_ops"] = R"(["verify"])";
  EXPECT_EQ(cause_of(PrivateKey::from_jwk(to_json(members))), "key_use_not_allowed");
  members["key_ops"] = R"(["sign"])";
  EXPECT_EQ(cause_of(PrivateKey::from_jwk(to_json(members))), "ok");
}

TEST(PrivateJwk, that_is_only_public_is_refused) {
  EXPECT_EQ(cause_of(PrivateKey::from_jwk(to_json(public_members()))), "key_malformed");
}

}  // namespace
}  // namespace tessera
