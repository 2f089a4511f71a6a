// SPDX-License-Identifier: Apache-2.0
// The library's random source can only be replaced through the interface that OpenSSL 3.0 deprecates.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "random.h"

#include <gtest/gtest.h>
#include <openssl/rand.h>

#include <stdexcept>

#include "tessera/access_key.h"
#include "tessera/revocation_set.h"
#include "tessera/session_table.h"
#include "tessera/token_cache.h"

namespace tessera::internal {
namespace {

/// While it lives, the system has no randomness.
class NoRandomness {
 public:
  NoRandomness() : former_(RAND_get_rand_method()) {
    static const RAND_METHOD failing = {nullptr, fail, nullptr, nullptr, fail, nullptr};
    RAND_set_rand_method(&failing);
  }
  NoRandomness(const NoRandomness&) = delete;
  NoRandomness& operator=(const NoRandomness&) = delete;
  ~NoRandomness() { RAND_set_rand_method(former_); }

 private:
  static int fail(unsigned char*, int) { return 0; }
  const RAND_METHOD* former_;
};

TEST(RandomTest, FillsWithOtherBytesEachTime) {
  const auto one = random_secret<32>();
  const auto other = random_secret<32>();
  EXPECT_NE(one, other);
}

TEST(RandomTest, FillsNothing) { EXPECT_TRUE(fill_random({}).ok()); }

TEST(RandomTest, TellsWhenTheSourceFails) {
  const NoRandomness dark;
  std::array<std::uint8_t, 16> bytes{};
  const auto filled = fill_random(bytes);
  ASSERT_FALSE(filled.ok());
  EXPECT_EQ(Error::crypto_failed, filled.error());
  EXPECT_THROW(random_secret<16>(), std::runtime_error);
}

TEST(RandomTest, NoAccessKeyIsMadeWithoutRandomness) {
  const NoRandomness dark;
  const auto key = AccessKey::generate();
  ASSERT_FALSE(key.ok());
  EXPECT_EQ(Error::crypto_failed, key.error());
}

TEST(RandomTest, NoTableComesToLifeWithAGuessableSecret) {
  const NoRandomness dark;
  EXPECT_THROW(RevocationSet(), std::runtime_error);
  EXPECT_THROW(SessionTable(), std::runtime_error);
  EXPECT_THROW(TokenCache(), std::runtime_error);
}

}  // namespace
}  // namespace tessera::internal
