// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "openssl.h"
#include "tessera/result.h"

namespace tessera::internal {

using MacPtr = OpensslPtr<EVP_MAC, EVP_MAC_free>;
using MacCtxPtr = OpensslPtr<EVP_MAC_CTX, EVP_MAC_CTX_free>;
using HmacTag = std::array<std::uint8_t, 32>;

/// HMAC-SHA-256 (RFC 2104) under one key. Keyed contexts persist: each call takes one from a pool that belongs to this
/// object, so that the key goes (OpenSSL cleanses it) when the object does. Safe to share between threads.
class Hmac {
 public:
  static Result<std::unique_ptr<Hmac>> create(std::string_view key);

  /// Of the pieces, one after the other.
  [[nodiscard]] Result<HmacTag> tag(std::span<const std::string_view> pieces) const;

 private:
  explicit Hmac(MacCtxPtr keyed) : template_(std::move(keyed)) {}
  [[nodiscard]] MacCtxPtr take() const;
  void give_back(MacCtxPtr context) const noexcept;

  const MacCtxPtr template_;
  mutable std::mutex mutex_;
  mutable std::vector<MacCtxPtr> pool_;
};

}  // namespace tessera::internal
