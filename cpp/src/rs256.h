// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "key_material.h"
#include "tessera/result.h"

namespace tessera::internal {

using KeyHandle = std::shared_ptr<const KeyMaterial>;
using Sha256Digest = std::array<std::uint8_t, 32>;

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3, RFC 8017 section 8.2). Contexts persist per thread and key,
/// few of them; they go when their key has gone, on this thread's next call, and after any failure that is not a wrong
/// signature. Errors: signature_invalid, crypto_failed.
Result<void> rs256_verify(const KeyHandle& key, std::string_view input, std::string_view signature);

/// The key has to have its private half. Errors: crypto_failed.
Result<std::string> rs256_sign(const KeyHandle& key, std::string_view input);

/// Through this thread's own context. Errors: crypto_failed.
Result<void> sha256(std::string_view input, Sha256Digest& digest);

/// How many keys have a context on this thread: for tests of the bound.
[[nodiscard]] std::size_t rs256_contexts_of_this_thread() noexcept;
inline constexpr std::size_t kMaxRs256Contexts = 8;

}  // namespace tessera::internal
