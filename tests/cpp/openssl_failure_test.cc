// SPDX-License-Identifier: Apache-2.0
// Every OpenSSL call that the core makes fails in turn, at every place: the answer is a cause, never a verdict, and
// the same thread's next call works.
#include "openssl_failure.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base64url.h"
#include "key_material.h"
#include "rs256.h"
#include "tessera/access_key.h"
#include "tessera/signer.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using namespace token_tests;
using Scenario = std::function<std::string()>;

std::string bio_text(const internal::BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::string pkcs_1(bool is_private) {
  const internal::BioPtr bio(BIO_new(BIO_s_mem()));
  EVP_PKEY* const pkey = test_key().material()->pkey.get();
  if (is_private) {
    PEM_write_bio_PrivateKey_traditional(bio.get(), pkey, nullptr, nullptr, 0, nullptr, nullptr);
    return bio_text(bio);
  }
  unsigned char* der = nullptr;
  const int size = i2d_PublicKey(pkey, &der);
  PEM_write_bio(bio.get(), "RSA PUBLIC KEY", "", der, size);
  OPENSSL_free(der);
  return bio_text(bio);
}

// RFC 7520 section 3.4 has the shape; the numbers are test_key()'s.
std::string private_jwk() {
  const auto number = [](const char* parameter) {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(test_key().material()->pkey.get(), parameter, &value);
    const internal::BignumPtr owned(value);
    std::string bytes(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(bytes.data()));
    return bytes;
  };
  Claims jwk;
  jwk.set("kty", "RSA");
  const std::map<std::string, const char*> members = {{"n", "n"},
                                                      {"e", "e"},
                                                      {"d", "d"},
                                                      {"p", "rsa-factor1"},
                                                      {"q", "rsa-factor2"},
                                                      {"dp", "rsa-exponent1"},
                                                      {"dq", "rsa-exponent2"},
                                                      {"qi", "rsa-coefficient1"}};
  for (const auto& [member, parameter] : members) jwk.set(member, internal::base64url(number(parameter)));
  return *jwk.take();
}

std::map<std::string, Scenario> scenarios() {
  good_keys();  // made before calls are counted
  const std::string private_pem = *test_key().to_pem();
  const std::string sealed_pem = *test_key().to_pem("password");
  const std::string public_pem = test_key().public_key().to_pem();
  const std::string jwk = test_key().public_key().to_jwk();
  return {
      {"sign", [] { return cause_of(Signer::sign_with(test_key(), "{}")); }},
      {"verify", [token = good_token()] { return verdict(token); }},
      {"read a public PEM", [=] { return cause_of(PublicKey::from_pem(public_pem)); }},
      {"read a public PKCS#1 PEM", [pem = pkcs_1(false)] { return cause_of(PublicKey::from_pem(pem)); }},
      {"read a public JWK", [=] { return cause_of(PublicKey::from_jwk(jwk)); }},
      {"read a JWKS", [=] { return cause_of(KeySet::parse_jwks(R"({"keys":[)" + jwk + "]}")); }},
      {"read a private PEM", [=] { return cause_of(PrivateKey::from_pem(private_pem)); }},
      {"read a private PKCS#1 PEM", [pem = pkcs_1(true)] { return cause_of(PrivateKey::from_pem(pem)); }},
      {"read a sealed PEM", [=] { return cause_of(PrivateKey::from_pem(sealed_pem, "password")); }},
      {"read a private JWK", [json = private_jwk()] { return cause_of(PrivateKey::from_jwk(json)); }},
      {"write a private PEM", [] { return cause_of(test_key().to_pem()); }},
      {"write a sealed PEM", [] { return cause_of(test_key().to_pem("password")); }},
      {"generate a key", [] { return cause_of(PrivateKey::generate()); }},
      {"make an access key", [] { return cause_of(AccessKey::generate()); }},
      {"hash an access key",
       [] {
         const Result<AccessKeyHasher> hasher = AccessKeyHasher::create(std::string(32, 'p'));
         return hasher ? cause_of(hasher->hash("id", "secret")) : cause_of(hasher);
       }},
  };
}

// What happened when one call failed, on a thread that has no contexts yet.
struct Outcome {
  bool failed = false;
  std::string first;
  std::string second;
  unsigned long errors_left = 0;
};

Outcome run_failing(const Scenario& scenario, std::string_view function, int count) {
  Outcome outcome;
  std::thread([&] {
    fail_call(function, count);
    outcome.first = scenario();
    outcome.failed = stop_failing();
    outcome.errors_left = ERR_peek_error();
    outcome.second = outcome.failed ? scenario() : outcome.first;
  }).join();
  return outcome;
}

// Runs the scenario once in peace to see which calls it makes.
std::map<std::string_view, int> calls_of(const Scenario& scenario) {
  take_call_counts();
  std::thread([&] { EXPECT_EQ(scenario(), "ok"); }).join();
  return take_call_counts();
}

TEST(OpensslFailure, of_every_call_at_every_place_is_a_cause_and_the_next_call_works) {
  std::map<std::string_view, int> reached;
  for (const auto& [name, scenario] : scenarios()) {
    SCOPED_TRACE(name);
    for (const auto& [function, calls] : calls_of(scenario)) {
      reached[function] += calls;
      for (int count = 1; count <= calls; ++count) {
        const Outcome outcome = run_failing(scenario, function, count);
        EXPECT_TRUE(outcome.failed) << name << ": " << function << " " << count;
        EXPECT_EQ(outcome.first, "crypto_failed") << name << ": " << function << " " << count;
        EXPECT_EQ(outcome.errors_left, 0UL) << name << ": " << function << " " << count;
        EXPECT_EQ(outcome.second, "ok") << name << ": " << function << " " << count;
      }
    }
  }
  for (const auto& [function, calls] : reached) EXPECT_GT(calls, 0) << function << " was never called";
}

// Contexts that are there already and fail in use, not in the making.
TEST(OpensslFailure, in_a_context_that_persists_leaves_none_that_is_poisoned) {
  const std::string token = good_token();
  for (const std::string_view function :
       {"EVP_PKEY_verify", "EVP_DigestInit_ex2", "EVP_DigestUpdate", "EVP_DigestFinal_ex", "EVP_PKEY_sign"}) {
    const Scenario scenario = [&] {
      return function == "EVP_PKEY_sign" ? cause_of(Signer::sign_with(test_key(), "{}")) : verdict(token);
    };
    ASSERT_EQ(scenario(), "ok");
    const std::size_t contexts = internal::rs256_contexts_of_this_thread();
    fail_call(function, 1);
    EXPECT_EQ(scenario(), "crypto_failed") << function;
    EXPECT_TRUE(stop_failing());
    EXPECT_EQ(internal::rs256_contexts_of_this_thread(), function.starts_with("EVP_PKEY") ? contexts - 1 : contexts)
        << function;
    EXPECT_EQ(scenario(), "ok") << function;
  }
}

TEST(OpensslFailure, never_turns_a_wrong_signature_into_a_right_one) {
  const std::string forged = forge(kHeader, to_json(good_claims()), other_key());
  const Scenario scenario = [&] { return verdict(forged) == "ok" ? "accepted" : "ok"; };
  for (const auto& [function, calls] : calls_of(scenario)) {
    for (int count = 1; count <= calls; ++count)
      EXPECT_EQ(run_failing(scenario, function, count).first, "ok") << function;
  }
}

}  // namespace
}  // namespace tessera
