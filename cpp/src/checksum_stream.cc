// SPDX-License-Identifier: Apache-2.0
#include "checksum_stream.h"

#include <algorithm>

namespace tessera::internal {

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  const MdPtr sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  if (context_ != nullptr && EVP_DigestInit_ex2(context_.get(), sha256.get(), nullptr) != 1) context_.reset();
}

Result<void> Sha256Stream::update(std::span<const std::uint8_t> bytes) {
  if (context_ != nullptr && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1) return {};
  return openssl_failure(Error::crypto_failed);
}

Result<Sha256> Sha256Stream::finish() {
  Sha256 sum{};
  unsigned length = 0;
  if (context_ != nullptr && EVP_DigestFinal_ex(context_.get(), sum.data(), &length) == 1 && length == sum.size()) {
    return sum;
  }
  return openssl_failure(Error::crypto_failed);
}

void ChecksumWriter::bytes(std::span<const std::uint8_t> data) {
  for (const std::uint8_t value : data) byte(value);
}

void ChecksumWriter::byte(std::uint8_t value) {
  buffer_.push_back(value);
  if (buffer_.size() == kBufferBytes) flush();
}

void ChecksumWriter::flush() {
  if (outcome_.ok()) outcome_ = checksum_.update(buffer_);
  if (outcome_.ok()) outcome_ = file_.write(buffer_);
  buffer_.clear();
}

Result<void> ChecksumWriter::finish() {
  flush();
  if (!outcome_.ok()) return outcome_;
  const auto sum = checksum_.finish();
  if (!sum) return sum.error();
  return file_.write(*sum);
}

ChecksumReader::ChecksumReader(const File& file, std::uint64_t size)
    : file_(file), unread_(size - std::min<std::uint64_t>(size, Sha256{}.size())) {
  if (size < Sha256{}.size()) outcome_ = Error::snapshot_malformed;
}

void ChecksumReader::bytes(std::span<std::uint8_t> data) {
  for (std::uint8_t& value : data) value = byte();
}

std::uint8_t ChecksumReader::byte() {
  if (at_ == buffer_.size()) refill();
  return outcome_.ok() ? buffer_[at_++] : std::uint8_t{0};
}

void ChecksumReader::refill() {
  if (outcome_.ok() && unread_ == 0) outcome_ = Error::snapshot_malformed;
  if (!outcome_.ok()) return;
  buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(unread_, kBufferBytes)));
  at_ = 0;
  unread_ -= buffer_.size();
  outcome_ = file_.read(buffer_);
  if (outcome_.ok()) outcome_ = checksum_.update(buffer_);
}

Result<void> ChecksumReader::finish() {
  if (outcome_.ok() && left() != 0) outcome_ = Error::snapshot_malformed;
  if (!outcome_.ok()) return outcome_;
  Sha256 told{};
  if (const auto got = file_.read(told); !got) return got;
  const auto sum = checksum_.finish();
  if (!sum) return sum.error();
  if (*sum != told) return Error::snapshot_malformed;
  return {};
}

}  // namespace tessera::internal
