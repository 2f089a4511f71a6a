// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "file.h"
#include "openssl.h"

namespace tessera::internal {

using Sha256 = std::array<std::uint8_t, 32>;

/// SHA-256 of what passes.
class Sha256Stream {
 public:
  Sha256Stream();
  Result<void> update(std::span<const std::uint8_t> bytes);
  Result<Sha256> finish();

 private:
  MdCtxPtr context_;  // null: the library failed, and so does every call
};

/// Little-endian numbers and bytes into a file, buffered. The first failure is remembered and told by finish().
class ChecksumWriter {
 public:
  explicit ChecksumWriter(const File& file) : file_(file) { buffer_.reserve(kBufferBytes); }

  void bytes(std::span<const std::uint8_t> data);
  template <typename Number>
  void number(Number value) {
    for (std::size_t i = 0; i < sizeof value; ++i) byte(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  /// Writes the checksum of all before it, and all that is buffered.
  Result<void> finish();

 private:
  static constexpr std::size_t kBufferBytes = 64 * 1024;
  void byte(std::uint8_t value);
  void flush();

  const File& file_;
  Sha256Stream checksum_;
  std::vector<std::uint8_t> buffer_;
  Result<void> outcome_;
};

/// The other way. After a failure numbers are 0, and finish() tells the failure.
class ChecksumReader {
 public:
  /// `size`: of the file. Where it cannot even hold a checksum, snapshot_malformed.
  ChecksumReader(const File& file, std::uint64_t size);

  void bytes(std::span<std::uint8_t> data);
  template <typename Number>
  Number number() {
    Number value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value |= static_cast<Number>(Number{byte()} << (8 * i));
    return value;
  }
  [[nodiscard]] bool ok() const noexcept { return outcome_.ok(); }
  /// Why reading failed, or, if it did not, what is to be said of content that makes no sense.
  [[nodiscard]] Error failure() const noexcept { return ok() ? Error::snapshot_malformed : outcome_.error(); }
  /// How many bytes are left before the checksum.
  [[nodiscard]] std::uint64_t left() const noexcept { return unread_ + (buffer_.size() - at_); }
  /// Reads the checksum; snapshot_malformed if it is another, or does not end the file.
  Result<void> finish();

 private:
  static constexpr std::size_t kBufferBytes = 64 * 1024;
  std::uint8_t byte();
  void refill();

  const File& file_;
  std::uint64_t unread_;
  Sha256Stream checksum_;
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0;
  Result<void> outcome_;
};

}  // namespace tessera::internal
