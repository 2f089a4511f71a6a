// SPDX-License-Identifier: Apache-2.0
// The attacks on a token as bytes: each row is refused with the cause that stands beside it.
#include <gtest/gtest.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <string>
#include <vector>

#include "base64url.h"
#include "key_material.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using namespace token_tests;
using internal::base64url;

std::string header_with(const std::string& members) { return R"({"typ":"at+jwt","kid":"key-1",)" + members + "}"; }

std::string unsigned_part(std::string_view header) {
  return base64url(header) + '.' + base64url(to_json(good_claims()));
}

// The good token with another signature.
std::string with_signature(std::string_view signature) { return unsigned_part(kHeader) + '.' + base64url(signature); }

std::string good_signature() {
  const std::string token = good_token();
  std::string bytes;
  EXPECT_TRUE(internal::decode_base64url(token.substr(token.rfind('.') + 1), bytes));
  return bytes;
}

std::string hmac(const EVP_MD* digest, const std::string& key, const std::string& input) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(digest, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(input.data()),
       input.size(), out, &size);
  return std::string(reinterpret_cast<char*>(out), size);
}

std::string public_der() {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(test_key().material()->pkey.get(), &der);
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

std::string modulus_bytes() {
  BIGNUM* n = nullptr;
  EVP_PKEY_get_bn_param(test_key().material()->pkey.get(), "n", &n);
  const internal::BignumPtr owned(n);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(n)), '\0');
  BN_bn2bin(n, reinterpret_cast<unsigned char*>(bytes.data()));
  return bytes;
}

std::string sign_otherwise(const EVP_MD* digest, int padding, const std::string& input) {
  const internal::MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* pkey_context = nullptr;
  EVP_DigestSignInit(context.get(), &pkey_context, digest, nullptr, test_key().material()->pkey.get());
  EVP_PKEY_CTX_set_rsa_padding(pkey_context, padding);
  std::string signature(256, '\0');
  std::size_t size = signature.size();
  EXPECT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(input.data()), input.size()),
            1);
  return signature;
}

// The RSA operation alone over a whole encoded message, for paddings that no signer makes.
std::string raw_sign(const std::string& encoded) {
  const internal::PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, test_key().material()->pkey.get(), nullptr));
  EVP_PKEY_sign_init(context.get());
  EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING);
  std::string signature(256, '\0');
  std::size_t size = signature.size();
  EXPECT_EQ(EVP_PKEY_sign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                          reinterpret_cast<const unsigned char*>(encoded.data()), encoded.size()),
            1);
  return signature;
}

std::string sha256_of(const std::string& input) {
  unsigned char digest[32];
  EVP_Digest(input.data(), input.size(), digest, nullptr, EVP_sha256(), nullptr);
  return std::string(reinterpret_cast<char*>(digest), sizeof(digest));
}

const std::string kDigestInfo("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 19);

// 00 01 FF.. 00 T, filled up to 256 bytes.
std::string encoded_message(const std::string& tail) {
  return std::string("\x00\x01", 2) + std::string(256 - 3 - tail.size(), '\xff') + std::string(1, '\0') + tail;
}

TEST(Token_attack, an_algorithm_that_is_not_exactly_RS256_is_refused_unsigned_and_signed) {
  for (const char* alg : {R"("none")", R"("None")", R"("nOnE")", R"("NONE")", R"("")", "null", "0", "[]",
                          R"(["RS256"])", R"("rs256")", R"("RS256 ")"}) {
    const std::string header = header_with(std::string(R"("alg":)") + alg);
    EXPECT_EQ(verdict(unsigned_part(header) + '.'), "algorithm_not_allowed") << alg;
    EXPECT_EQ(verdict(forge(header, to_json(good_claims()))), "algorithm_not_allowed") << alg;
  }
}

TEST(Token_attack, hmac_keyed_with_our_public_key_is_refused) {
  const std::string pem = test_key().public_key().to_pem();
  const std::vector<std::string> keys = {
      pem, pem.substr(0, pem.size() - 1), public_der(), test_key().public_key().to_jwk(), modulus_bytes(), ""};
  const std::vector<std::pair<std::string, const EVP_MD*>> algorithms = {
      {"HS256", EVP_sha256()}, {"HS384", EVP_sha384()}, {"HS512", EVP_sha512()}};
  for (const auto& [name, digest] : algorithms) {
    const std::string input = unsigned_part(header_with(R"("alg":")" + name + '"'));
    const std::string as_rs256 = unsigned_part(kHeader);
    for (const std::string& key : keys) {
      EXPECT_EQ(verdict(input + '.' + base64url(hmac(digest, key, input))), "algorithm_not_allowed") << name;
      EXPECT_EQ(verdict(as_rs256 + '.' + base64url(hmac(digest, key, as_rs256))), "signature_invalid") << name;
    }
  }
}

TEST(Token_attack, another_rsa_algorithm_is_refused_even_when_rightly_signed) {
  const std::string rs384 = unsigned_part(header_with(R"("alg":"RS384")"));
  EXPECT_EQ(verdict(rs384 + '.' + base64url(sign_otherwise(EVP_sha384(), RSA_PKCS1_PADDING, rs384))),
            "algorithm_not_allowed");
  const std::string ps256 = unsigned_part(header_with(R"("alg":"PS256")"));
  EXPECT_EQ(verdict(ps256 + '.' + base64url(sign_otherwise(EVP_sha256(), RSA_PKCS1_PSS_PADDING, ps256))),
            "algorithm_not_allowed");
  EXPECT_EQ(verdict(forge(header_with(R"("alg":"ES256")"), to_json(good_claims()))), "algorithm_not_allowed");
  const std::string lying = unsigned_part(kHeader);
  EXPECT_EQ(verdict(lying + '.' + base64url(sign_otherwise(EVP_sha384(), RSA_PKCS1_PADDING, lying))),
            "signature_invalid");
  EXPECT_EQ(verdict(lying + '.' + base64url(sign_otherwise(EVP_sha256(), RSA_PKCS1_PSS_PADDING, lying))),
            "signature_invalid");
  EXPECT_EQ(verdict(lying + '.' + base64url(sign_otherwise(EVP_sha256(), RSA_PKCS1_PADDING, lying))), "ok")
      << "the way they are made";
}

TEST(Token_attack, a_signature_of_another_length_or_value_is_refused) {
  const std::string good = good_signature();
  const std::string modulus = modulus_bytes();
  const std::vector<std::string> bad = {"",
                                        "x",
                                        good.substr(1),
                                        good.substr(0, 255),
                                        good + '\0',
                                        std::string(1, '\0') + good,
                                        std::string(256, '\0'),
                                        std::string(255, '\0') + '\x01',
                                        std::string(256, '\xff'),
                                        modulus,
                                        std::string(256, 'x'),
                                        good + good};
  for (const std::string& signature : bad)
    EXPECT_EQ(verdict(with_signature(signature)), "signature_invalid") << signature.size();
  EXPECT_EQ(verdict(with_signature(good)), "ok") << "the way they are made";
}

TEST(Token_attack, a_signature_with_the_modulus_added_is_refused) {
  const internal::BignumPtr n(BN_bin2bn(reinterpret_cast<const unsigned char*>(modulus_bytes().data()), 256, nullptr));
  const std::string good = good_signature();
  const internal::BignumPtr s(BN_bin2bn(reinterpret_cast<const unsigned char*>(good.data()), 256, nullptr));
  ASSERT_EQ(BN_add(s.get(), s.get(), n.get()), 1);
  std::string sum(257, '\0');
  ASSERT_EQ(BN_bn2binpad(s.get(), reinterpret_cast<unsigned char*>(sum.data()), 257), 257);
  EXPECT_EQ(verdict(with_signature(sum)), "signature_invalid");
  EXPECT_EQ(verdict(with_signature(sum.substr(1))), "signature_invalid");
}

TEST(Token_attack, every_flipped_bit_of_the_signature_is_noticed) {
  const std::string good = good_signature();
  for (std::size_t bit = 0; bit < good.size() * 8; bit += 7) {
    std::string flipped = good;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    ASSERT_EQ(verdict(with_signature(flipped)), "signature_invalid") << bit;
  }
}

TEST(Token_attack, a_variant_of_the_pkcs_1_padding_is_refused) {
  const std::string hash = sha256_of(unsigned_part(kHeader));
  const std::string tail = kDigestInfo + hash;
  EXPECT_EQ(verdict(with_signature(raw_sign(encoded_message(tail)))), "ok") << "the way they are made";
  std::string type_2 = encoded_message(tail);
  type_2[1] = '\x02';
  std::string gap = encoded_message(tail);
  gap[40] = '\xfe';
  std::string early_zero = encoded_message(tail);
  early_zero[40] = '\0';
  std::string no_zero = encoded_message(tail);
  no_zero[256 - tail.size() - 1] = '\xff';
  const std::string garbage_behind = std::string("\x00\x01", 2) + std::string(8, '\xff') + std::string(1, '\0') + tail +
                                     std::string(256 - 11 - tail.size(), 'x');
  const std::string without_null("\x30\x2f\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x04\x20", 17);
  const std::string long_length("\x30\x81\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20", 20);
  for (const std::string& encoded :
       {type_2, gap, early_zero, no_zero, garbage_behind, encoded_message(without_null + hash),
        encoded_message(long_length + hash), encoded_message(hash), encoded_message(tail + std::string(1, '\0')),
        encoded_message(kDigestInfo + hash.substr(1)), std::string(224, '\0') + hash}) {
    EXPECT_EQ(verdict(with_signature(raw_sign(encoded))), "signature_invalid");
  }
}

TEST(Token_attack, a_header_that_brings_its_own_key_or_says_where_one_is_is_refused) {
  const std::string jwk = other_key().public_key().to_jwk();
  for (const std::string& member : {R"("jwk":)" + jwk, std::string(R"("jku":"http://127.0.0.1:1/jwks")"),
                                    std::string(R"("x5u":"file:///etc/passwd")"), std::string(R"("x5c":["AAAA"])"),
                                    std::string(R"("x5t":"AAAA")"), std::string(R"("x5t#S256":"AAAA")")}) {
    EXPECT_EQ(verdict(forge(header_with(R"("alg":"RS256",)" + member), to_json(good_claims()))), "header_forbidden")
        << member;
    EXPECT_EQ(verdict(forge(header_with(R"("alg":"RS256",)" + member), to_json(good_claims()), other_key())),
              "header_forbidden")
        << member;
  }
}

TEST(Token_attack, crit_and_b64_are_refused_in_any_form) {
  for (const char* member :
       {R"("crit":["exp"])", R"("crit":[])", R"("crit":null)", R"("crit":"exp")", R"("crit":["b64"],"b64":true)",
        R"("b64":false)", R"("b64":true)", R"("cr\u0069t":["exp"])", R"("zip":"DEF")", R"("enc":"A128GCM")"}) {
    EXPECT_EQ(verdict(forge(header_with(std::string(R"("alg":"RS256",)") + member), to_json(good_claims()))),
              "header_forbidden")
        << member;
  }
}

TEST(Token_attack, a_key_id_is_looked_up_and_never_interpreted) {
  const auto cause_for = [](const std::string& kid) {
    return verdict(forge(R"({"alg":"RS256","typ":"at+jwt","kid":)" + kid + "}", to_json(good_claims())));
  };
  for (const char* kid :
       {R"("../../../../dev/null")", R"("/etc/passwd")", R"("key-1' OR '1'='1")", R"("key-1; DROP TABLE keys")",
        R"("http://127.0.0.1/")", R"("unknown")", R"("KEY-1")", R"("key-1 ")", R"("key-10")", R"("key\u20131")"}) {
    EXPECT_EQ(cause_for(kid), "key_unknown") << kid;
  }
  for (const std::string& kid :
       {std::string(R"("key-1\u0000")"), std::string(R"("")"), std::string("1"), std::string("null"),
        std::string(R"(["key-1"])"), '"' + std::string(129, 'k') + '"', '"' + std::string(4000, 'k') + '"'}) {
    EXPECT_EQ(cause_for(kid), "key_id_missing") << kid.substr(0, 20);
  }
  EXPECT_EQ(cause_for('"' + std::string(10'000, 'k') + '"'), "token_too_large");
  EXPECT_EQ(cause_for('"' + std::string(128, 'k') + '"'), "key_unknown");
  EXPECT_EQ(cause_for(R"("key\u002d1")"), "ok") << "an escape is only a spelling inside JSON";
}

TEST(Token_attack, a_duplicate_member_is_refused_also_when_spelled_with_escapes) {
  for (const char* members :
       {R"("alg":"RS256","alg":"none")", R"("alg":"none","alg":"RS256")", R"("alg":"RS256","\u0061lg":"RS256")",
        R"("alg":"RS256","kid":"key-1")", R"("alg":"RS256","x":{"a":1,"\u0061":1})"}) {
    EXPECT_EQ(verdict(forge(header_with(members), to_json(good_claims()))), "header_malformed") << members;
  }
  const std::string claims = to_json(good_claims());
  for (const char* member :
       {R"(,"exp":9007199254740992})", R"(,"\u0065xp":9007199254740992})", R"(,"x":{"a":1,"a":2}})"}) {
    EXPECT_EQ(verdict(forge(kHeader, claims.substr(0, claims.size() - 1) + member)), "claims_malformed") << member;
  }
}

TEST(Token_attack, a_token_has_one_spelling) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const std::string token = good_token();
  const std::vector<std::size_t> ends = {token.find('.') - 1, token.rfind('.') - 1, token.size() - 1};
  for (const std::size_t end : ends) {
    for (const char letter : kAlphabet) {
      std::string other = token;
      other[end] = letter;
      EXPECT_EQ(verdict(other) == "ok", letter == token[end]) << end << letter;
    }
  }
}

TEST(Token_attack, padding_white_space_and_other_alphabets_are_refused) {
  const std::string token = good_token();
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  for (const std::string& extra :
       {std::string("="), std::string("=="), std::string(" "), std::string("\n"), std::string("\r\n"),
        std::string("\t"), std::string(1, '\0'), std::string("+"), std::string("/"), std::string("\xc3\xa9"),
        std::string("\xe2\x80\x8b"), std::string("%")}) {
    EXPECT_EQ(verdict(token + extra), "token_malformed");
    EXPECT_EQ(verdict(extra + token), "token_malformed");
    EXPECT_EQ(verdict(std::string(token).insert(first, extra)), "token_malformed");
    EXPECT_EQ(verdict(std::string(token).insert(last, extra)), "token_malformed");
    EXPECT_EQ(verdict(std::string(token).insert(first + 5, extra)), "token_malformed");
  }
}

TEST(Token_attack, anything_but_three_segments_is_refused) {
  const std::string token = good_token();
  const std::string flat = R"({"payload":"e30","protected":"e30","signature":"AA"})";
  for (const std::string& other : {std::string(), std::string("."), std::string("a"), token.substr(0, token.find('.')),
                                   token.substr(0, token.rfind('.')), token + ".", token + ".AA", "." + token,
                                   token + "." + token, std::string("a.b.c.d.e"), std::string("...."), flat,
                                   "Bearer " + token, '"' + token + '"', std::string(8192, '.')}) {
    EXPECT_EQ(verdict(other), "token_malformed") << other.substr(0, 30);
  }
  EXPECT_EQ(verdict(".."), "header_malformed");
  EXPECT_EQ(verdict(std::string(1 << 20, '.')), "token_too_large");
}

TEST(Token_attack, absurd_json_is_refused_in_the_header_and_in_the_claims) {
  Policy policy = good_policy();
  policy.max_token_bytes = 8 << 20;
  std::string members = "{";
  for (int i = 0; i < 100'000; ++i) members += "\"m" + std::to_string(i) + "\":0,";
  members += "\"last\":0}";
  for (const std::string& json :
       {std::string(10, '['), std::string(110'000, '['), R"({"a":)" + std::string(33, '[') + std::string(33, ']') + "}",
        members, R"({"a":)" + std::string(64 * 1024, '9') + "}", std::string("\xef\xbb\xbf{}"),
        std::string("\xff\xfe{\0}\0", 6), std::string("{\"a\":\"\xc0\xaf\"}"), std::string(R"({"a":"\udfff"})"),
        std::string("{}\0", 3), std::string("{}{}"), std::string("{}/**/"), std::string(R"({"a":NaN})"),
        std::string(R"({"a":-Infinity})")}) {
    EXPECT_EQ(verdict(forge(json, to_json(good_claims())), policy), "header_malformed") << json.substr(0, 40);
    EXPECT_EQ(verdict(forge(kHeader, json), policy), "claims_malformed") << json.substr(0, 40);
  }
  EXPECT_EQ(verdict(token_of(with("huge", "1e999"))), "ok") << "a number of no meaning here";
}

}  // namespace
}  // namespace tessera
