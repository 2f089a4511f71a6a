// SPDX-License-Identifier: Apache-2.0
#include "tessera/access_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tessera {
namespace {

const std::string kPepper(32, 'p');

AccessKeyHasher make_hasher(const std::string& pepper = kPepper) { return AccessKeyHasher::create(pepper).value(); }

TEST(AccessKeyTest, HasTheDocumentedShape) {
  for (int i = 0; i < 1000; ++i) {
    const AccessKey key = AccessKey::generate().value();
    EXPECT_TRUE(AccessKey::is_well_formed_id(key.id)) << key.id;
    EXPECT_EQ(AccessKey::kSecretLength, key.secret.size());
    EXPECT_EQ(std::string::npos,
              key.secret.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"));
  }
}

TEST(AccessKeyTest, NeverRepeats) {
  std::set<std::string> ids;
  std::set<std::string> secrets;
  for (int i = 0; i < 2000; ++i) {
    const AccessKey key = AccessKey::generate().value();
    EXPECT_TRUE(ids.insert(key.id).second);
    EXPECT_TRUE(secrets.insert(key.secret).second);
  }
}

// With 80,000 draws of 64 letters each letter comes 1250 times, give or take 35; six of those are never seen.
TEST(AccessKeyTest, UsesEveryLetterAboutEquallyOften) {
  std::array<int, 256> seen{};
  for (int i = 0; i < 2000; ++i) {
    const AccessKey key = AccessKey::generate().value();
    for (const char letter : key.secret) ++seen[static_cast<unsigned char>(letter)];
  }
  EXPECT_EQ(64, std::count_if(seen.begin(), seen.end(), [](int count) { return count != 0; }));
  for (const int count : seen) EXPECT_TRUE(count == 0 || (count > 1040 && count < 1460)) << count;
}

TEST(AccessKeyTest, KnowsAWellFormedIdFromOthers) {
  EXPECT_TRUE(AccessKey::is_well_formed_id("TSRAABCDEFGHIJKLMNOP"));
  EXPECT_TRUE(AccessKey::is_well_formed_id("TSRAQRSTUVWXYZ234567"));
  for (const char* id : {"", "TSRA", "TSRAABCDEFGHIJKLMNO", "TSRAABCDEFGHIJKLMNOPQ", "tsraABCDEFGHIJKLMNOP",
                         "XSRAABCDEFGHIJKLMNOP", "TSRAabcdefghijklmnop", "TSRAABCDEFGHIJKLMNO0", "TSRAABCDEFGHIJKLMNO1",
                         "TSRAABCDEFGHIJKLMNO8", "TSRAABCDEFGHIJKLMNO=", "TSRAABCDEFGHIJKLMNO "}) {
    EXPECT_FALSE(AccessKey::is_well_formed_id(id)) << id;
  }
  EXPECT_FALSE(AccessKey::is_well_formed_id(std::string("TSRAABCDEFGHIJKLMNO\0", 20)));
}

TEST(AccessKeyHasherTest, DemandsAPepperOf32Bytes) {
  EXPECT_EQ(Error::limit_exceeded, AccessKeyHasher::create("").error());
  EXPECT_EQ(Error::limit_exceeded, AccessKeyHasher::create(std::string(31, 'p')).error());
  EXPECT_TRUE(AccessKeyHasher::create(std::string(32, 'p')).ok());
  EXPECT_TRUE(AccessKeyHasher::create(std::string(1000, '\0')).ok());
}

// HMAC-SHA-256 with a key of 32 "p" over "id", 0x00, "secret", computed by another implementation.
TEST(AccessKeyHasherTest, IsTheDocumentedHmac) {
  const AccessKeyHasher::Hash expected = {0xb1, 0x18, 0x8a, 0x19, 0x85, 0xff, 0x33, 0xa2, 0xd3, 0x49, 0xd7,
                                          0xf6, 0x01, 0x70, 0x00, 0xab, 0x3b, 0x89, 0xae, 0xd3, 0xfd, 0x79,
                                          0xab, 0xc1, 0xd1, 0xb5, 0xd9, 0x87, 0xb9, 0xaa, 0x29, 0xa8};
  EXPECT_EQ(expected, make_hasher().hash("id", "secret").value());
}

TEST(AccessKeyHasherTest, VerifiesTheRightPairOnly) {
  const AccessKey key = AccessKey::generate().value();
  const AccessKeyHasher hasher = make_hasher();
  const auto hash = hasher.hash(key.id, key.secret).value();
  EXPECT_TRUE(hasher.verify(key.id, key.secret, hash));
  EXPECT_FALSE(hasher.verify(key.id, key.secret + "A", hash));
  EXPECT_FALSE(hasher.verify(key.id, key.secret.substr(1), hash));
  EXPECT_FALSE(hasher.verify(key.id, "", hash));
  EXPECT_FALSE(hasher.verify("", key.secret, hash));
  EXPECT_FALSE(hasher.verify(AccessKey::generate().value().id, key.secret, hash));
  EXPECT_FALSE(make_hasher(std::string(32, 'q')).verify(key.id, key.secret, hash));
}

TEST(AccessKeyHasherTest, RefusesAHashWithAnyBitFlipped) {
  const AccessKeyHasher hasher = make_hasher();
  const auto hash = hasher.hash("id", "secret").value();
  for (std::size_t bit = 0; bit < hash.size() * 8; ++bit) {
    auto other = hash;
    other[bit / 8] = static_cast<std::uint8_t>(other[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(hasher.verify("id", "secret", other)) << bit;
  }
}

TEST(AccessKeyHasherTest, TheBorderBetweenIdAndSecretCannotMove) {
  const AccessKeyHasher hasher = make_hasher();
  EXPECT_NE(hasher.hash("ab", "c").value(), hasher.hash("a", "bc").value());
  const auto hash = hasher.hash("a", std::string("b\0c", 3)).value();
  EXPECT_EQ(Error::limit_exceeded, hasher.hash(std::string("a\0b", 3), "c").error());
  EXPECT_FALSE(hasher.verify(std::string("a\0b", 3), "c", hash));
}

TEST(AccessKeyHasherTest, CopiesAndThreadsShareOneHasher) {
  const AccessKeyHasher hasher = make_hasher();
  const auto expected = hasher.hash("id", "secret").value();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, copy = hasher] {
      for (int i = 0; i < 500; ++i) {
        if (!copy.verify("id", "secret", expected)) ++wrong;
        if (copy.verify("id", "Secret", expected)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(0, wrong.load());
}

}  // namespace
}  // namespace tessera
