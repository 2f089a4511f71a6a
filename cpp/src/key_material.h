// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "openssl.h"
#include "tessera/result.h"

namespace tessera::internal {

inline constexpr std::size_t kMaxKeyIdBytes = 128;

/// A checked RSA key and everything that is derived from it once. Immutable.
struct KeyMaterial {
  KeyMaterial() = default;
  KeyMaterial(const KeyMaterial&) = delete;
  KeyMaterial& operator=(const KeyMaterial&) = delete;
  ~KeyMaterial();

  PkeyPtr pkey;
  std::string key_id;
  std::string thumbprint;
  std::string public_pem;
  std::string public_jwk;
  int bits = 0;
  std::size_t signature_bytes = 0;
  std::uint64_t number = 0;
};

enum class KeyHalf : bool { public_only, with_private };

/// Checks the key (type, size, exponent, consistent numbers) and derives the rest. An empty key id stands for the
/// thumbprint.
Result<std::shared_ptr<const KeyMaterial>> make_key_material(PkeyPtr pkey, KeyHalf half, std::string_view key_id);

/// Printable ASCII, 1..128 bytes.
[[nodiscard]] bool is_key_id(std::string_view key_id) noexcept;

/// How many keys this process has dropped: contexts that persist per thread look for theirs when it moves.
[[nodiscard]] std::uint64_t dropped_keys() noexcept;

}  // namespace tessera::internal
