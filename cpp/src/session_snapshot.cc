// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <limits>
#include <stdexcept>

#include "tessera/session_table.h"

namespace tessera {

namespace {

// What stands in front of the texts, which follow in the order of their lengths.
struct Header {
  std::int64_t created_ms;
  std::int64_t expires_at;
  std::uint32_t id;
  std::uint32_t tenant_id;
  std::uint32_t subject;
  std::uint32_t bytes;

  [[nodiscard]] std::size_t texts() const noexcept { return std::size_t{id} + tenant_id + subject + bytes; }
};

std::uint32_t length(std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) throw std::length_error("a session's text is too long");
  return static_cast<std::uint32_t>(text.size());
}

Header header(const char* packed) noexcept {
  Header read;
  std::memcpy(&read, packed, sizeof read);
  return read;
}

std::string_view text(const char* packed, std::size_t offset, std::uint32_t size) noexcept {
  return {packed + sizeof(Header) + offset, size};
}

std::unique_ptr<char[]> copied(const char* packed) {
  if (packed == nullptr) return nullptr;
  const std::size_t size = sizeof(Header) + header(packed).texts();
  std::unique_ptr<char[]> copy(new char[size]);  // not make_unique, which would clear it first
  std::memcpy(copy.get(), packed, size);
  return copy;
}

}  // namespace

SessionSnapshot::SessionSnapshot(const Fields& fields) {
  const Header sizes{fields.created_ms,        fields.expires_at,      length(fields.id),
                     length(fields.tenant_id), length(fields.subject), length(fields.bytes)};
  packed_.reset(new char[sizeof sizes + sizes.texts()]);
  std::memcpy(packed_.get(), &sizes, sizeof sizes);
  char* end = packed_.get() + sizeof sizes;
  for (const std::string_view part : {fields.id, fields.tenant_id, fields.subject, fields.bytes}) {
    end += part.copy(end, part.size());
  }
}

SessionSnapshot::SessionSnapshot(const SessionSnapshot& other) : packed_(copied(other.packed_.get())) {}

SessionSnapshot& SessionSnapshot::operator=(const SessionSnapshot& other) {
  if (this != &other) packed_ = copied(other.packed_.get());
  return *this;
}

std::string_view SessionSnapshot::id() const noexcept { return text(packed_.get(), 0, header(packed_.get()).id); }

std::string_view SessionSnapshot::tenant_id() const noexcept {
  const Header sizes = header(packed_.get());
  return text(packed_.get(), sizes.id, sizes.tenant_id);
}

std::string_view SessionSnapshot::subject() const noexcept {
  const Header sizes = header(packed_.get());
  return text(packed_.get(), std::size_t{sizes.id} + sizes.tenant_id, sizes.subject);
}

std::string_view SessionSnapshot::bytes() const noexcept {
  const Header sizes = header(packed_.get());
  return text(packed_.get(), sizes.texts() - sizes.bytes, sizes.bytes);
}

std::int64_t SessionSnapshot::created_ms() const noexcept { return header(packed_.get()).created_ms; }
std::int64_t SessionSnapshot::expires_at() const noexcept { return header(packed_.get()).expires_at; }

}  // namespace tessera
