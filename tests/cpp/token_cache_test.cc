// SPDX-License-Identifier: Apache-2.0
#include "tessera/token_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "state_fixture.h"

namespace tessera {
namespace {

using testing::kNow;
using testing::sign;

std::string token_of(const std::string& jti) {
  testing::TokenFacts facts;
  facts.jti = jti;
  return sign(facts);
}
bool has(const TokenCache& cache, const std::string& token) { return cache.find(token).has_value(); }
std::size_t cost_of(const std::string& token) {
  TokenCache cache;
  cache.insert(token, testing::verify(token));
  return cache.bytes();
}

TEST(TokenCacheTest, GivesBackWhatWasInserted) {
  TokenCache cache;
  const std::string token = token_of("jti-1");
  EXPECT_FALSE(has(cache, token));
  cache.insert(token, testing::verify(token));
  const auto hit = cache.find(token);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ("jti-1", hit->jti());
  EXPECT_EQ(1U, cache.size());
}

TEST(TokenCacheTest, AForgedTokenWithACopiedSignatureMisses) {
  TokenCache cache;
  const std::string token = token_of("jti-1");
  const std::string other = token_of("jti-2");
  cache.insert(token, testing::verify(token));
  const std::string signature = token.substr(token.rfind('.'));
  EXPECT_FALSE(has(cache, other.substr(0, other.rfind('.')) + signature));
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(has(cache, forged)) << i;
  }
  EXPECT_FALSE(has(cache, token + "A"));
  EXPECT_FALSE(has(cache, token.substr(1)));
  EXPECT_FALSE(has(cache, token.substr(token.size() - 64)));
  EXPECT_FALSE(has(cache, ""));
}

TEST(TokenCacheTest, ShortTextsAreTokensLikeOthers) {
  TokenCache cache;
  const VerifiedToken verified = testing::verify(token_of("jti-1"));
  for (const char* text : {"", "a", "b", "ab"}) cache.insert(text, verified);
  EXPECT_EQ(4U, cache.size());
  for (const char* text : {"", "a", "b", "ab"}) EXPECT_TRUE(has(cache, text)) << text;
  EXPECT_FALSE(has(cache, "ba"));
}

TEST(TokenCacheTest, InsertingAgainKeepsOneEntry) {
  TokenCache cache;
  const std::string token = token_of("jti-1");
  cache.insert(token, testing::verify(token));
  const std::size_t bytes = cache.bytes();
  cache.insert(token, testing::verify(token));
  EXPECT_EQ(1U, cache.size());
  EXPECT_EQ(bytes, cache.bytes());
}

TEST(TokenCacheTest, CountsTheTokenAndItsFootprint) {
  const std::string token = token_of("jti-1");
  EXPECT_GE(cost_of(token), token.size() + testing::verify(token).footprint());
  TokenCache cache;
  EXPECT_EQ(0U, cache.bytes());
  cache.insert(token, testing::verify(token));
  cache.erase(token);
  EXPECT_EQ(0U, cache.bytes());
}

TEST(TokenCacheTest, EraseTakesThatTokenOnly) {
  TokenCache cache;
  const std::string one = token_of("jti-1");
  const std::string two = token_of("jti-2");
  cache.insert(one, testing::verify(one));
  cache.insert(two, testing::verify(two));
  std::string same_end = one;
  same_end[0] = 'A';
  cache.erase(same_end);
  EXPECT_EQ(2U, cache.size());
  cache.erase(one);
  EXPECT_FALSE(has(cache, one));
  EXPECT_TRUE(has(cache, two));
}

TEST(TokenCacheTest, TheOldestGoFirst) {
  std::vector<std::string> tokens;
  for (int i = 0; i < 6; ++i) tokens.push_back(token_of("jti-" + std::to_string(i)));
  const std::size_t cost = cost_of(tokens[0]);
  TokenCache cache(4 * cost);
  for (const auto& token : tokens) cache.insert(token, testing::verify(token));
  EXPECT_EQ(4U, cache.size());
  EXPECT_EQ(4 * cost, cache.bytes());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(i >= 2, has(cache, tokens[static_cast<std::size_t>(i)])) << i;
}

TEST(TokenCacheTest, ATokenThatFillsTheCacheFitsAndOneByteMoreDoesNot) {
  const std::string token = token_of("jti-1");
  const std::size_t cost = cost_of(token);
  TokenCache enough(cost);
  enough.insert(token, testing::verify(token));
  EXPECT_TRUE(has(enough, token));
  TokenCache tight(cost - 1);
  tight.insert(token, testing::verify(token));
  EXPECT_FALSE(has(tight, token));
  TokenCache none(0);
  none.insert(token, testing::verify(token));
  EXPECT_EQ(0U, none.size());
}

TEST(TokenCacheTest, ATokenThatDoesNotFitDrivesNoOtherOut) {
  const std::string token = token_of("jti-1");
  TokenCache cache(cost_of(token));
  cache.insert(token, testing::verify(token));
  cache.insert(token_of("jti-" + std::string(200, 'x')), testing::verify(token));
  EXPECT_TRUE(has(cache, token));
}

TEST(TokenCacheTest, NeverGrowsBeyondItsBound) {
  const std::string token = token_of("jti-1");
  const VerifiedToken verified = testing::verify(token);
  constexpr std::size_t kBound = 1024 * 1024;
  TokenCache cache(kBound);
  for (int i = 0; i < 20'000; ++i) {
    cache.insert(token + std::to_string(i), verified);
    if (i % 1000 == 0) {
      EXPECT_LE(cache.bytes(), kBound);
    }
  }
  EXPECT_LE(cache.bytes(), kBound);
  EXPECT_GT(cache.bytes(), kBound * 9 / 10);
}

TEST(TokenCacheTest, DropKeyTakesTheTokensOfThatKey) {
  TokenCache cache;
  std::vector<std::string> ours;
  std::vector<std::string> others;
  for (int i = 0; i < 10; ++i) {
    testing::TokenFacts facts;
    facts.jti = std::to_string(i);
    ours.push_back(sign(facts));
    others.push_back(sign(facts, testing::other_key()));
    cache.insert(ours.back(), testing::verify(ours.back()));
    cache.insert(others.back(), testing::verify(others.back()));
  }
  cache.drop_key(testing::verify(ours[0]).key_number());
  EXPECT_EQ(10U, cache.size());
  for (const auto& token : ours) EXPECT_FALSE(has(cache, token));
  for (const auto& token : others) EXPECT_TRUE(has(cache, token));
}

TEST(TokenCacheTest, ClearTakesEverything) {
  TokenCache cache;
  const std::string token = token_of("jti-1");
  cache.insert(token, testing::verify(token));
  cache.clear();
  EXPECT_EQ(0U, cache.size());
  EXPECT_EQ(0U, cache.bytes());
  EXPECT_FALSE(has(cache, token));
  cache.insert(token, testing::verify(token));
  EXPECT_TRUE(has(cache, token));
}

TEST(TokenCacheTest, AHitOutlivesItsEntry) {
  auto cache = std::make_unique<TokenCache>();
  const std::string token = token_of("jti-1");
  cache->insert(token, testing::verify(token));
  const auto hit = cache->find(token);
  cache.reset();
  EXPECT_EQ("jti-1", hit->jti());
}

TEST(TokenCacheTest, AHitIsJudgedAgainByTheVerifier) {
  auto cache = std::make_shared<TokenCache>();
  KeySet keys = testing::both_keys();
  const Verifier verifier(keys, testing::lenient_policy(), cache);
  const std::string token = token_of("jti-1");
  ASSERT_TRUE(verifier.verify(token, kNow).ok());
  ASSERT_TRUE(has(*cache, token));
  EXPECT_EQ(Error::token_expired, verifier.verify(token, kNow + 900).error());
  ASSERT_TRUE(keys.replace({testing::other_key().public_key()}).ok());
  EXPECT_EQ(Error::key_unknown, verifier.verify(token, kNow).error());
}

}  // namespace
}  // namespace tessera
