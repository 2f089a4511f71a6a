// SPDX-License-Identifier: Apache-2.0
#include "tessera/access_key.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "hmac.h"
#include "random.h"

namespace tessera {

namespace {

constexpr std::string_view kPrefix = "TSRA";
constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kSecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kMinPepperBytes = 32;

/// Random bytes that are wiped when they go.
template <std::size_t kSize>
struct WipedBytes {
  WipedBytes() = default;
  WipedBytes(const WipedBytes&) = delete;
  WipedBytes& operator=(const WipedBytes&) = delete;
  ~WipedBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

  std::array<std::uint8_t, kSize> bytes{};
};

/// Reads `source` as one string of bits, kBits a letter: every letter is equally likely, none is rejected.
template <unsigned kBits, std::size_t kSize>
void append_letters(std::string& text, const std::array<std::uint8_t, kSize>& source, std::string_view alphabet) {
  static_assert(kSize * 8 % kBits == 0, "no bit is left over");
  unsigned held = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : source) {
    held = (held << 8 | byte) & 0xffffU;
    for (bits += 8; bits >= kBits; bits -= kBits) text += alphabet[held >> (bits - kBits) & ((1U << kBits) - 1)];
  }
}

}  // namespace

Result<AccessKey> AccessKey::generate() {
  WipedBytes<(kIdLength - kPrefix.size()) * 5 / 8> id;
  WipedBytes<kSecretLength * 6 / 8> secret;
  if (const auto filled = internal::fill_random(id.bytes); !filled) return filled.error();
  if (const auto filled = internal::fill_random(secret.bytes); !filled) return filled.error();
  AccessKey key;
  key.id.reserve(kIdLength);
  key.id = kPrefix;
  append_letters<5>(key.id, id.bytes, kIdAlphabet);
  key.secret.reserve(kSecretLength);  // at once, so that no piece of it stays behind in a freed buffer
  append_letters<6>(key.secret, secret.bytes, kSecretAlphabet);
  return key;
}

bool AccessKey::is_well_formed_id(std::string_view id) noexcept {
  return id.size() == kIdLength && id.starts_with(kPrefix) &&
         id.find_first_not_of(kIdAlphabet, kPrefix.size()) == std::string_view::npos;
}

struct AccessKeyHasher::Impl {
  std::unique_ptr<internal::Hmac> hmac;
};

Result<AccessKeyHasher> AccessKeyHasher::create(std::string_view pepper) {
  if (pepper.size() < kMinPepperBytes) return Error::limit_exceeded;
  auto hmac = internal::Hmac::create(pepper);
  if (!hmac) return hmac.error();
  return AccessKeyHasher(std::make_shared<const Impl>(Impl{std::move(hmac).value()}));
}

Result<AccessKeyHasher::Hash> AccessKeyHasher::hash(std::string_view id, std::string_view secret) const {
  // The separator has to be the first 0x00, else one hash would fit two pairs.
  if (id.find('\0') != std::string_view::npos) return Error::limit_exceeded;
  const std::array<std::string_view, 3> pieces = {id, std::string_view("\0", 1), secret};
  return impl_->hmac->tag(pieces);
}

bool AccessKeyHasher::verify(std::string_view id, std::string_view secret, const Hash& expected) const {
  const auto actual = hash(id, secret);
  return actual.ok() && CRYPTO_memcmp(actual.value().data(), expected.data(), expected.size()) == 0;
}

}  // namespace tessera
