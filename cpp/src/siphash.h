// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tessera::internal {

/// The 16 secret bytes of SipHash.
using SipKey = std::array<std::uint8_t, 16>;

/// 128 bits of SipHash, as the two little-endian words of the reference's output.
struct SipHash128 {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

/// SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash whose values cannot be predicted, nor collisions be found,
/// without the key. It is what keeps tables from being flooded by chosen ids; it is no integrity check of files.
template <bool kWide>
class SipHasher {
 public:
  explicit SipHasher(const SipKey& key) noexcept {
    const std::uint64_t k0 = load(key.data());
    const std::uint64_t k1 = load(key.data() + 8);
    v0_ = k0 ^ 0x736f6d6570736575U;
    v1_ = k1 ^ 0x646f72616e646f6dU ^ (kWide ? 0xeeU : 0U);
    v2_ = k0 ^ 0x6c7967656e657261U;
    v3_ = k1 ^ 0x7465646279746573U;
  }

  SipHasher& update(std::string_view bytes) noexcept {
    const auto* at = reinterpret_cast<const std::uint8_t*>(bytes.data());
    std::size_t left = bytes.size();
    length_ += left;
    for (; held_ != 0 && left != 0; --left) hold(*at++);
    for (; left >= 8; left -= 8, at += 8) absorb(load(at));
    for (; left != 0; --left) hold(*at++);
    return *this;
  }
  SipHasher& update(std::uint64_t word) noexcept {
    std::array<char, 8> bytes;
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(word >> (8 * i));
    return update(std::string_view(bytes.data(), bytes.size()));
  }

  [[nodiscard]] auto finish() noexcept {
    absorb(tail_ | (length_ << 56));
    v2_ ^= kWide ? 0xeeU : 0xffU;
    const std::uint64_t first = squeeze();
    if constexpr (kWide) {
      v1_ ^= 0xddU;
      return SipHash128{first, squeeze()};
    } else {
      return first;
    }
  }

 private:
  static std::uint64_t load(const std::uint8_t* at) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
  }
  void hold(std::uint8_t byte) noexcept {
    tail_ |= std::uint64_t{byte} << (8 * held_);
    if (++held_ < 8) return;
    absorb(tail_);
    tail_ = 0;
    held_ = 0;
  }
  void absorb(std::uint64_t word) noexcept {
    v3_ ^= word;
    round();
    round();
    v0_ ^= word;
  }
  std::uint64_t squeeze() noexcept {
    for (int i = 0; i < 4; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }
  void round() noexcept {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t tail_ = 0;
  std::uint64_t length_ = 0;
  unsigned held_ = 0;
};

inline std::uint64_t siphash64(const SipKey& key, std::string_view bytes) noexcept {
  return SipHasher<false>(key).update(bytes).finish();
}
inline SipHash128 siphash128(const SipKey& key, std::string_view bytes) noexcept {
  return SipHasher<true>(key).update(bytes).finish();
}

/// Of two strings, so that no two pairs give the same message: the first one's length goes before.
template <bool kWide>
auto siphash_pair(const SipKey& key, std::string_view first, std::string_view second) noexcept {
  return SipHasher<kWide>(key)
      .update(std::uint64_t{first.size()})
      .update(first)
      .update(std::string_view("\0", 1))
      .update(second)
      .finish();
}

}  // namespace tessera::internal
