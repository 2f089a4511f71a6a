// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "tessera/session_snapshot.h"

namespace tessera {

/// Live sessions by id, bounded in entries (the least recently used go). A snapshot says that the record was there and
/// active when it was read; the revocation log drops it. Safe to share between threads.
///
/// A fill that races an invalidation must lose: take ticket() before reading the store and pass it to
/// put(); the put is refused if that id or subject was dropped, or the table cleared, since.
class SessionTable {
 public:
  using Ticket = std::uint64_t;
  static constexpr std::size_t kDefaultMaxEntries = 1'000'000;
  /// Throws std::runtime_error when the system has no randomness for its hashes.
  explicit SessionTable(std::size_t max_entries = kDefaultMaxEntries);
  ~SessionTable();
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  [[nodiscard]] Ticket ticket() const noexcept;
  /// False when the ticket is too old (see above); the caller reads again or goes without.
  bool put(Ticket ticket, SessionSnapshot snapshot);
  /// A copy; nothing when unknown or when now_seconds >= expires_at.
  [[nodiscard]] std::optional<SessionSnapshot> find(std::string_view id, std::int64_t now_seconds) const;
  void drop(std::string_view id);
  void drop_subject(std::string_view tenant_id, std::string_view subject);
  void clear();
  [[nodiscard]] std::size_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessera
