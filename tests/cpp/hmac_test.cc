// SPDX-License-Identifier: Apache-2.0
#include "hmac.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "state_fixture.h"

namespace tessera::internal {
namespace {

Result<HmacTag> tag_of(std::string_view key, std::string_view message) {
  const std::array<std::string_view, 1> pieces = {message};
  return Hmac::create(key).value()->tag(pieces);
}

std::string unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

/// The value of the next member of that name; the vectors hold no escapes.
std::string member(const std::string& json, std::size_t from, const std::string& name) {
  const std::size_t at = json.find('"' + name + '"', from);
  const std::size_t begin = json.find('"', json.find(':', at)) + 1;
  return json.substr(begin, json.find('"', begin) - begin);
}

std::filesystem::path vectors() {
  if (const char* told = std::getenv("TESSERA_VECTORS")) return told;
  return std::filesystem::path(__FILE__).parent_path() / "../../../shared/vectors";
}

TEST(HmacTest, AgreesWithTheWycheproofVectors) {
  const auto path = vectors() / "wycheproof" / "hmac_sha256_test.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no vectors: set TESSERA_VECTORS";
  const std::string json = testing::read_file(path.string());
  int compared = 0;
  for (std::size_t at = json.find("\"tcId\""); at != std::string::npos; at = json.find("\"tcId\"", at + 1)) {
    const std::string tag = unhex(member(json, at, "tag"));
    const auto own = tag_of(unhex(member(json, at, "key")), unhex(member(json, at, "msg"))).value();
    const bool equal = std::string(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(tag.size())) == tag;
    EXPECT_EQ(member(json, at, "result") == "valid", equal) << member(json, at, "comment");
    ++compared;
  }
  EXPECT_EQ(174, compared);
}

// RFC 4231 section 4.3.
TEST(HmacTest, AgreesWithTheRfc) {
  const auto tag = tag_of("Jefe", "what do ya want for nothing?").value();
  EXPECT_EQ(unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            std::string(tag.begin(), tag.end()));
}

TEST(HmacTest, TakesAnEmptyKeyAsAKeyAndNotAsTheFormerOne) {
  EXPECT_EQ(tag_of("", "message").value(), tag_of(std::string(64, '\0'), "message").value());
  EXPECT_NE(tag_of("", "message").value(), tag_of("key", "message").value());
}

TEST(HmacTest, PiecesAreOneMessage) {
  const auto hmac = Hmac::create("key").value();
  const std::array<std::string_view, 4> pieces = {"mess", "", "a", "ge"};
  EXPECT_EQ(tag_of("key", "message").value(), hmac->tag(pieces).value());
  EXPECT_EQ(tag_of("key", "").value(), hmac->tag({}).value());
}

TEST(HmacTest, OneCallLeavesNothingBehindForTheNext) {
  const auto hmac = Hmac::create("key").value();
  const std::array<std::string_view, 1> one = {"one"};
  const std::array<std::string_view, 1> other = {"other"};
  const auto first = hmac->tag(one).value();
  EXPECT_NE(first, hmac->tag(other).value());
  EXPECT_EQ(first, hmac->tag(one).value());
}

TEST(HmacTest, MoreThreadsThanPooledContextsGetRightTags) {
  const auto hmac = Hmac::create("key").value();
  const auto expected = tag_of("key", "message").value();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 80; ++t) {
    threads.emplace_back([&] {
      const std::array<std::string_view, 1> pieces = {"message"};
      for (int i = 0; i < 50; ++i) wrong += hmac->tag(pieces).value() == expected ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(0, wrong.load());
}

}  // namespace
}  // namespace tessera::internal
