// SPDX-License-Identifier: Apache-2.0
#include "random.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include <limits>
#include <stdexcept>

namespace tessera::internal {

Result<void> fill_random(std::span<std::uint8_t> bytes) noexcept {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return Error::limit_exceeded;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1) return {};
  ERR_clear_error();
  return Error::crypto_failed;
}

void fill_random_or_throw(std::span<std::uint8_t> bytes) {
  if (!fill_random(bytes)) throw std::runtime_error("the system's random source failed");
}

}  // namespace tessera::internal
