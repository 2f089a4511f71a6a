// SPDX-License-Identifier: Apache-2.0
#include "hmac.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <utility>

namespace tessera::internal {

namespace {

constexpr std::size_t kMaxPooled = 64;  // more threads than this at once make a context each time

const std::uint8_t* data(std::string_view bytes) noexcept {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

bool run(EVP_MAC_CTX* context, std::span<const std::string_view> pieces, HmacTag& tag) noexcept {
  if (EVP_MAC_init(context, nullptr, 0, nullptr) != 1) return false;  // back to the keyed state
  for (const std::string_view piece : pieces) {
    if (EVP_MAC_update(context, data(piece), piece.size()) != 1) return false;
  }
  std::size_t length = 0;
  return EVP_MAC_final(context, tag.data(), &length, tag.size()) == 1 && length == tag.size();
}

}  // namespace

Result<std::unique_ptr<Hmac>> Hmac::create(std::string_view key) {
  const MacPtr mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  MacCtxPtr context(mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  // A null key would mean "the former one"; an empty key is a key.
  const std::uint8_t* const bytes = key.empty() ? reinterpret_cast<const std::uint8_t*>("") : data(key);
  if (context == nullptr || EVP_MAC_init(context.get(), bytes, key.size(), parameters) != 1) {
    return openssl_failure(Error::crypto_failed);
  }
  return std::unique_ptr<Hmac>(new Hmac(std::move(context)));
}

Result<HmacTag> Hmac::tag(std::span<const std::string_view> pieces) const {
  MacCtxPtr context = take();
  HmacTag tag{};
  if (context == nullptr || !run(context.get(), pieces, tag)) return openssl_failure(Error::crypto_failed);
  give_back(std::move(context));
  return tag;
}

MacCtxPtr Hmac::take() const {
  {
    const std::lock_guard lock(mutex_);
    if (!pool_.empty()) {
      MacCtxPtr context = std::move(pool_.back());
      pool_.pop_back();
      return context;
    }
    if (pool_.capacity() == 0) pool_.reserve(kMaxPooled);
  }
  return MacCtxPtr(EVP_MAC_CTX_dup(template_.get()));
}

void Hmac::give_back(MacCtxPtr context) const noexcept {
  const std::lock_guard lock(mutex_);
  if (pool_.size() < kMaxPooled) pool_.push_back(std::move(context));
}

}  // namespace tessera::internal
