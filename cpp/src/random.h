// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tessera/result.h"

namespace tessera::internal {

/// Fills `bytes` from the system's random source; crypto_failed when it has none to give.
Result<void> fill_random(std::span<std::uint8_t> bytes) noexcept;

/// For constructors, which have no Result: throws std::runtime_error without randomness. An object with a guessable
/// secret must not come to life.
void fill_random_or_throw(std::span<std::uint8_t> bytes);

template <std::size_t kSize>
std::array<std::uint8_t, kSize> random_secret() {
  std::array<std::uint8_t, kSize> secret;
  fill_random_or_throw(secret);
  return secret;
}

}  // namespace tessera::internal
