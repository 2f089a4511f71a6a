// SPDX-License-Identifier: Apache-2.0
#include "tessera/session_snapshot.h"

#include <cstddef>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace tessera {

namespace {

// What stands in front of the texts, which follow in the order of their lengths.
struct Header {
  std::int64_t created_ms;
  std::int64_t expires_at;
  std::uint32_t bytes;
  std::uint16_t id;
  std::uint16_t tenant_id;
  std::uint16_t subject;

  [[nodiscard]] std::size_t texts() const noexcept { return std::size_t{bytes} + id + tenant_id + subject; }
};
constexpr std::size_t kHeaderBytes = offsetof(Header, subject) + sizeof(Header::subject);  // without padding

template <typename Length>
Length length(std::string_view text) {
  if (text.size() > std::numeric_limits<Length>::max()) throw std::length_error("a session's text is too long");
  return static_cast<Length>(text.size());
}

Header header(const char* packed) noexcept {
  Header read{};
  std::memcpy(&read, packed, kHeaderBytes);
  return read;
}

std::string_view text(const char* packed, std::size_t offset, std::size_t size) noexcept {
  return {packed + kHeaderBytes + offset, size};
}

std::unique_ptr<char[]> copied(const char* packed) {
  if (packed == nullptr) return nullptr;
  const std::size_t size = kHeaderBytes + header(packed).texts();
  std::unique_ptr<char[]> copy(new char[size]);  // not make_unique, which would clear it first
  std::memcpy(copy.get(), packed, size);
  return copy;
}

}  // namespace

SessionSnapshot::SessionSnapshot(const Fields& fields) {
  const Header sizes{.created_ms = fields.created_ms,
                     .expires_at = fields.expires_at,
                     .bytes = length<std::uint32_t>(fields.bytes),
                     .id = length<std::uint16_t>(fields.id),
                     .tenant_id = length<std::uint16_t>(fields.tenant_id),
                     .subject = length<std::uint16_t>(fields.subject)};
  packed_.reset(new char[kHeaderBytes + sizes.texts()]);
  std::memcpy(packed_.get(), &sizes, kHeaderBytes);
  char* end = packed_.get() + kHeaderBytes;
  for (const std::string_view part : {fields.bytes, fields.id, fields.tenant_id, fields.subject}) {
    end += part.copy(end, part.size());
  }
}

SessionSnapshot::SessionSnapshot(const SessionSnapshot& other) : packed_(copied(other.packed_.get())) {}

SessionSnapshot& SessionSnapshot::operator=(const SessionSnapshot& other) {
  if (this != &other) packed_ = copied(other.packed_.get());
  return *this;
}

std::string_view SessionSnapshot::bytes() const noexcept { return text(packed_.get(), 0, header(packed_.get()).bytes); }

std::string_view SessionSnapshot::id() const noexcept {
  const Header sizes = header(packed_.get());
  return text(packed_.get(), sizes.bytes, sizes.id);
}

std::string_view SessionSnapshot::tenant_id() const noexcept {
  const Header sizes = header(packed_.get());
  return text(packed_.get(), std::size_t{sizes.bytes} + sizes.id, sizes.tenant_id);
}

std::string_view SessionSnapshot::subject() const noexcept {
  const Header sizes = header(packed_.get());
  return text(packed_.get(), sizes.texts() - sizes.subject, sizes.subject);
}

std::int64_t SessionSnapshot::created_ms() const noexcept { return header(packed_.get()).created_ms; }
std::int64_t SessionSnapshot::expires_at() const noexcept { return header(packed_.get()).expires_at; }

}  // namespace tessera
