// SPDX-License-Identifier: Apache-2.0
#include "siphash.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace tessera::internal {
namespace {

SipKey counting_key() {
  SipKey key;
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  return key;
}
std::string counting_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

std::vector<std::uint8_t> openssl_siphash(const SipKey& key, const std::string& bytes, std::size_t size) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(mac);
  std::size_t wanted = size;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &wanted),
                                   OSSL_PARAM_construct_end()};
  std::vector<std::uint8_t> tag(size);
  std::size_t length = 0;
  EXPECT_EQ(1, EVP_MAC_init(context, key.data(), key.size(), parameters));
  EXPECT_EQ(1, EVP_MAC_update(context, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
  EXPECT_EQ(1, EVP_MAC_final(context, tag.data(), &length, tag.size()));
  EXPECT_EQ(size, length);
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  return tag;
}

std::uint64_t word(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
  return value;
}

TEST(SipHashTest, GivesTheValueOfThePapersAppendix) {
  EXPECT_EQ(0xa129ca6149be45e5U, siphash64(counting_key(), counting_bytes(15)));
}

TEST(SipHashTest, GivesTheFirstReferenceVectors) {
  EXPECT_EQ(0x726fdb47dd0e0e31U, siphash64(counting_key(), ""));
  EXPECT_EQ(0x74f839c593dc67fdU, siphash64(counting_key(), counting_bytes(1)));
  const SipHash128 wide = siphash128(counting_key(), "");
  EXPECT_EQ(0xe6a825ba047f81a3U, wide.first);
  EXPECT_EQ(0x930255c71472f66dU, wide.second);
}

TEST(SipHashTest, AgreesWithOpensslAtEveryLengthAndKey) {
  std::mt19937_64 random(7);
  for (std::size_t size = 0; size < 300; ++size) {
    SipKey key;
    for (auto& byte : key) byte = static_cast<std::uint8_t>(random());
    std::string bytes(size, '\0');
    for (auto& byte : bytes) byte = static_cast<char>(random());
    EXPECT_EQ(word(openssl_siphash(key, bytes, 8), 0), siphash64(key, bytes)) << size;
    const auto wide = openssl_siphash(key, bytes, 16);
    EXPECT_EQ(word(wide, 0), siphash128(key, bytes).first) << size;
    EXPECT_EQ(word(wide, 8), siphash128(key, bytes).second) << size;
  }
}

TEST(SipHashTest, DoesNotCareHowTheBytesAreCut) {
  const std::string bytes = counting_bytes(41);
  const std::uint64_t whole = siphash64(counting_key(), bytes);
  for (std::size_t a = 0; a <= bytes.size(); ++a) {
    for (std::size_t b = a; b <= bytes.size(); ++b) {
      const std::string_view view = bytes;
      SipHasher<false> hasher(counting_key());
      hasher.update(view.substr(0, a)).update(view.substr(a, b - a)).update(view.substr(b));
      ASSERT_EQ(whole, hasher.finish()) << a << " " << b;
    }
  }
}

TEST(SipHashTest, APairIsNotThePairWithAnotherBorder) {
  const SipKey key = counting_key();
  EXPECT_NE(siphash_pair<false>(key, "ab", "c"), siphash_pair<false>(key, "a", "bc"));
  EXPECT_NE(siphash_pair<false>(key, std::string("a\0", 2), "b"), siphash_pair<false>(key, "a", std::string("\0b", 2)));
  EXPECT_NE(siphash_pair<true>(key, "", "a").first, siphash_pair<true>(key, "a", "").first);
}

}  // namespace
}  // namespace tessera::internal
