// SPDX-License-Identifier: Apache-2.0
#include "tessera/keyset.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "key_material.h"
#include "token_fixture.h"

namespace tessera {
namespace {

using token_tests::cause_of;
using token_tests::other_key;
using token_tests::test_key;

PublicKey named(std::string_view key_id) { return *PublicKey::from_pem(test_key().public_key().to_pem(), key_id); }

TEST(KeySet, is_empty_at_first) {
  const KeySet keys;
  EXPECT_EQ(keys.generation(), 0U);
  EXPECT_TRUE(keys.snapshot()->keys().empty());
  EXPECT_FALSE(keys.snapshot()->signing_key().has_value());
  EXPECT_EQ(keys.snapshot()->jwks(), R"({"keys":[]})");
  EXPECT_EQ(keys.snapshot()->find(""), nullptr);
}

TEST(KeySet, finds_its_keys_by_id_and_by_number) {
  KeySet keys;
  ASSERT_TRUE(keys.replace({test_key().public_key(), other_key().public_key()}, test_key()));
  const auto snapshot = keys.snapshot();
  ASSERT_NE(snapshot->find("key-2"), nullptr);
  EXPECT_EQ(snapshot->find("key-2")->number(), other_key().public_key().number());
  EXPECT_EQ(snapshot->find("key-3"), nullptr);
  EXPECT_EQ(snapshot->find("key-"), nullptr);
  EXPECT_TRUE(snapshot->holds(test_key().public_key().number()));
  EXPECT_FALSE(snapshot->holds(0));
  EXPECT_EQ(snapshot->signing_key()->key_id(), "key-1");
}

TEST(KeySet, publishes_its_keys_in_their_order_and_nothing_private) {
  KeySet keys;
  ASSERT_TRUE(keys.replace({other_key().public_key()}, test_key()));
  EXPECT_EQ(keys.snapshot()->jwks(),
            R"({"keys":[)" + other_key().public_key().to_jwk() + ',' + test_key().public_key().to_jwk() + "]}");
}

TEST(KeySet, adds_the_signing_key_once) {
  KeySet keys;
  ASSERT_TRUE(keys.replace({}, test_key()));
  EXPECT_EQ(keys.snapshot()->keys().size(), 1U);
  ASSERT_TRUE(keys.replace({test_key().public_key()}, test_key()));
  EXPECT_EQ(keys.snapshot()->keys().size(), 1U);
  ASSERT_TRUE(keys.replace({*PublicKey::from_jwk(test_key().public_key().to_jwk())}, test_key()))
      << "the same key read twice";
  EXPECT_EQ(keys.snapshot()->keys().size(), 1U);
}

TEST(KeySet, refuses_one_key_id_for_two_keys_and_stays_as_it_was) {
  KeySet keys;
  ASSERT_TRUE(keys.replace({test_key().public_key()}));
  EXPECT_EQ(cause_of(keys.replace({named("a"), *PublicKey::from_pem(other_key().public_key().to_pem(), "a")})),
            "key_id_duplicate");
  EXPECT_EQ(cause_of(keys.replace({*PublicKey::from_pem(other_key().public_key().to_pem(), "key-1")}, test_key())),
            "key_id_duplicate");
  EXPECT_EQ(keys.generation(), 1U);
  EXPECT_NE(keys.snapshot()->find("key-1"), nullptr);
}

TEST(KeySet, holds_64_keys_and_no_more) {
  std::vector<PublicKey> many;
  for (std::size_t i = 0; i < KeySet::kMaxKeys; ++i) many.push_back(named("k" + std::to_string(i)));
  KeySet keys;
  EXPECT_EQ(cause_of(keys.replace(many)), "ok");
  EXPECT_EQ(cause_of(keys.replace(many, test_key())), "limit_exceeded");
  EXPECT_NE(keys.snapshot()->find("k63"), nullptr);
}

TEST(KeySet, counts_a_generation_with_every_change) {
  KeySet keys;
  ASSERT_TRUE(keys.replace({test_key().public_key()}));
  ASSERT_TRUE(keys.replace({other_key().public_key()}));
  EXPECT_EQ(keys.generation(), 2U);
  EXPECT_EQ(keys.snapshot()->generation(), 2U);
}

TEST(KeySet, shows_a_change_to_every_handle_and_every_thread_at_once) {
  KeySet keys;
  const KeySet handle = keys;
  EXPECT_EQ(handle.current().find("key-1"), nullptr);
  ASSERT_TRUE(keys.replace({test_key().public_key()}));
  EXPECT_NE(handle.current().find("key-1"), nullptr);
  std::thread([&handle] { EXPECT_NE(handle.current().find("key-1"), nullptr); }).join();
  ASSERT_TRUE(keys.replace({}));
  EXPECT_EQ(handle.current().find("key-1"), nullptr);
}

TEST(KeySet, leaves_old_snapshots_as_they_were) {
  KeySet keys;
  ASSERT_TRUE(keys.replace({test_key().public_key()}));
  const auto before = keys.snapshot();
  ASSERT_TRUE(keys.replace({}));
  EXPECT_NE(before->find("key-1"), nullptr);
}

TEST(KeySet, keeps_sets_apart) {
  std::vector<KeySet> sets(20);  // more than a thread remembers
  for (std::size_t i = 0; i < sets.size(); ++i) ASSERT_TRUE(sets[i].replace({named("set-" + std::to_string(i))}));
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < sets.size(); ++i) {
      EXPECT_NE(sets[i].current().find("set-" + std::to_string(i)), nullptr);
      EXPECT_EQ(sets[i].current().find("set-" + std::to_string(i + 1)), nullptr);
    }
  }
}

TEST(KeySet, lets_go_of_a_dropped_key_on_this_threads_next_call) {
  KeySet keys;
  std::weak_ptr<const internal::KeyMaterial> watched;
  {
    const PublicKey key = named("dropped");
    watched = key.material();
    ASSERT_TRUE(keys.replace({key}));
    EXPECT_NE(keys.current().find("dropped"), nullptr);
  }
  EXPECT_FALSE(watched.expired());
  ASSERT_TRUE(keys.replace({}));
  EXPECT_EQ(KeySet().current().keys().size(), 0U) << "a call on any set";
  EXPECT_TRUE(watched.expired());
}

TEST(KeySet, lets_go_of_the_keys_of_a_set_that_went) {
  std::weak_ptr<const internal::KeyMaterial> watched;
  {
    KeySet keys;
    const PublicKey key = named("gone");
    watched = key.material();
    ASSERT_TRUE(keys.replace({key}));
    EXPECT_NE(keys.current().find("gone"), nullptr);
  }
  EXPECT_TRUE(KeySet().current().keys().empty());
  EXPECT_TRUE(watched.expired());
}

TEST(Jwks, comes_back_from_a_set) {
  KeySet keys;
  ASSERT_TRUE(keys.replace({test_key().public_key(), other_key().public_key()}));
  const auto parsed = KeySet::parse_jwks(keys.snapshot()->jwks());
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed->size(), 2U);
  EXPECT_EQ((*parsed)[1].to_jwk(), other_key().public_key().to_jwk());
}

TEST(Jwks, leaves_out_what_is_no_plain_verification_key) {
  const std::string good = test_key().public_key().to_jwk();
  const std::string json =
      R"({"keys":[{"kty":"oct","k":"AAAA"},{"kty":"EC"},{},{"kty":"RSA","use":"enc","n":"AAAA","e":"AQAB"},)" + good +
      R"(],"note":1})";
  const auto parsed = KeySet::parse_jwks(json);
  ASSERT_TRUE(parsed.ok());
  ASSERT_EQ(parsed->size(), 1U);
  EXPECT_EQ(parsed->front().key_id(), "key-1");
}

TEST(Jwks, refuses_a_key_id_that_comes_twice_among_the_usable) {
  const std::string good = test_key().public_key().to_jwk();
  EXPECT_EQ(cause_of(KeySet::parse_jwks(R"({"keys":[)" + good + "," + good + "]}")), "key_id_duplicate");
  EXPECT_EQ(cause_of(KeySet::parse_jwks(R"({"keys":[)" + good + R"(,{"kty":"oct","kid":"key-1","k":"AAAA"}]})")), "ok");
}

TEST(Jwks, is_an_object_with_an_array_of_objects) {
  for (const char* json : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":null})", R"({"keys":[1]})", R"({"keys":["a"]})",
                           R"({"keys":[],"keys":[]})", R"({"keys":[]} x)"}) {
    EXPECT_EQ(cause_of(KeySet::parse_jwks(json)), "key_malformed") << json;
  }
  EXPECT_EQ(KeySet::parse_jwks(R"({"keys":[]})")->size(), 0U);
}

TEST(Jwks, of_more_than_64_usable_keys_is_refused) {
  std::string json;
  for (int i = 0; i < 65; ++i) json += (i == 0 ? "" : ",") + named("k" + std::to_string(i)).to_jwk();
  EXPECT_EQ(cause_of(KeySet::parse_jwks(R"({"keys":[)" + json + "]}")), "limit_exceeded");
}

}  // namespace
}  // namespace tessera
