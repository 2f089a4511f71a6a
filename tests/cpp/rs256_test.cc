// SPDX-License-Identifier: Apache-2.0
#include "rs256.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>
#include <thread>
#include <vector>

#include "tessera/key.h"
#include "token_fixture.h"

namespace tessera::internal {
namespace {

using token_tests::cause_of;
using token_tests::other_key;
using token_tests::test_key;

// Threads of their own, so that no other test's contexts are there.
template <typename Body>
void on_a_fresh_thread(Body body) {
  std::thread(body).join();
}

TEST(Rs256, verifies_what_it_signed) {
  for (const PrivateKey* key : {&test_key(), &token_tests::key_of_3072_bits(), &token_tests::key_of_4096_bits()}) {
    for (const std::string& input : {std::string(), std::string("input"), std::string(100'000, 'x')}) {
      const Result<std::string> signature = rs256_sign(key->material(), input);
      ASSERT_TRUE(signature.ok());
      EXPECT_EQ(signature->size(), static_cast<std::size_t>(key->bits() / 8));
      EXPECT_EQ(cause_of(rs256_verify(key->material(), input, *signature)), "ok");
      EXPECT_EQ(cause_of(rs256_verify(key->material(), input + 'x', *signature)), "signature_invalid");
    }
  }
}

TEST(Rs256, works_again_after_a_wrong_signature_and_leaves_no_errors_behind) {
  const std::string signature = *rs256_sign(test_key().material(), "input");
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(cause_of(rs256_verify(test_key().material(), "other", signature)), "signature_invalid");
    EXPECT_EQ(cause_of(rs256_verify(test_key().material(), "input", std::string(256, '\xff'))), "signature_invalid");
    EXPECT_EQ(cause_of(rs256_verify(test_key().material(), "input", "")), "signature_invalid");
    EXPECT_EQ(ERR_peek_error(), 0UL);
    EXPECT_EQ(cause_of(rs256_verify(test_key().material(), "input", signature)), "ok");
  }
}

TEST(Rs256, keeps_keys_apart) {
  const std::string first = *rs256_sign(test_key().material(), "input");
  const std::string second = *rs256_sign(other_key().material(), "input");
  EXPECT_NE(first, second);
  EXPECT_EQ(cause_of(rs256_verify(test_key().material(), "input", second)), "signature_invalid");
  EXPECT_EQ(cause_of(rs256_verify(other_key().material(), "input", second)), "ok");
}

TEST(Rs256, gives_sha_256_of_fips_180) {
  Sha256Digest digest;
  ASSERT_TRUE(sha256("abc", digest));
  const Sha256Digest expected = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  EXPECT_EQ(digest, expected);
  ASSERT_TRUE(sha256("", digest));
  EXPECT_EQ(digest[0], 0xe3);
}

std::vector<PublicKey> many_keys(std::size_t count) {
  std::vector<PublicKey> keys;
  for (std::size_t i = 0; i < count; ++i) keys.push_back(*PublicKey::from_pem(test_key().public_key().to_pem()));
  return keys;
}

TEST(Rs256Contexts, are_few_per_thread_however_many_keys_come) {
  const std::vector<PublicKey> keys = many_keys(3 * kMaxRs256Contexts);
  const std::string signature = *rs256_sign(test_key().material(), "input");
  on_a_fresh_thread([&] {
    EXPECT_EQ(rs256_contexts_of_this_thread(), 0U);
    for (int round = 0; round < 2; ++round) {
      for (const PublicKey& key : keys) EXPECT_EQ(cause_of(rs256_verify(key.material(), "input", signature)), "ok");
      EXPECT_EQ(rs256_contexts_of_this_thread(), kMaxRs256Contexts);
    }
  });
}

TEST(Rs256Contexts, of_a_key_in_use_stay_while_others_come_and_go) {
  const std::vector<PublicKey> keys = many_keys(3);
  const std::string signature = *rs256_sign(test_key().material(), "input");
  on_a_fresh_thread([&] {
    for (const PublicKey& key : keys) EXPECT_EQ(cause_of(rs256_verify(key.material(), "input", signature)), "ok");
    EXPECT_EQ(rs256_contexts_of_this_thread(), 3U);
  });
}

TEST(Rs256Contexts, go_on_this_threads_next_call_after_their_key_went) {
  const std::string signature = *rs256_sign(test_key().material(), "input");
  on_a_fresh_thread([&] {
    std::vector<PublicKey> keys = many_keys(5);
    for (const PublicKey& key : keys) EXPECT_EQ(cause_of(rs256_verify(key.material(), "input", signature)), "ok");
    EXPECT_EQ(rs256_contexts_of_this_thread(), 5U);
    keys.erase(keys.begin() + 1, keys.end());
    EXPECT_EQ(cause_of(rs256_verify(keys[0].material(), "input", signature)), "ok");
    EXPECT_EQ(rs256_contexts_of_this_thread(), 1U);
  });
}

TEST(Rs256Contexts, share_a_key_between_threads) {
  const std::string signature = *rs256_sign(test_key().material(), "input");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&signature] {
      for (int round = 0; round < 50; ++round) {
        EXPECT_EQ(cause_of(rs256_verify(test_key().material(), "input", signature)), "ok");
        EXPECT_EQ(*rs256_sign(test_key().material(), "input"), signature);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace tessera::internal
