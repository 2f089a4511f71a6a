// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace tessera {

/// What a SessionTable knows of one session (or, under its jti, of one service token). Immutable. A table may hold a
/// million of them, so each is one allocation of exactly what it says.
class SessionSnapshot {
 public:
  struct Fields {
    std::string_view id;
    std::string_view tenant_id;
    std::string_view subject;
    std::int64_t created_ms = 0;  ///< milliseconds; compared with cut-offs
    std::int64_t expires_at = 0;  ///< seconds, exclusive; past it the snapshot is a miss, not a verdict
    std::string_view bytes;       ///< the caller's own, opaque
  };

  /// Copies what the fields view. Throws std::length_error for bytes of 4 GiB, or another text of 64 KiB, and more.
  explicit SessionSnapshot(const Fields& fields);
  SessionSnapshot(const SessionSnapshot& other);
  SessionSnapshot& operator=(const SessionSnapshot& other);
  SessionSnapshot(SessionSnapshot&&) noexcept = default;
  SessionSnapshot& operator=(SessionSnapshot&&) noexcept = default;
  ~SessionSnapshot() = default;

  /// Holds nothing; so does one that was moved from. Only to be assigned to.
  SessionSnapshot() noexcept = default;
  [[nodiscard]] bool is_empty() const noexcept { return packed_ == nullptr; }

  [[nodiscard]] std::string_view id() const noexcept;
  [[nodiscard]] std::string_view tenant_id() const noexcept;
  [[nodiscard]] std::string_view subject() const noexcept;
  [[nodiscard]] std::int64_t created_ms() const noexcept;
  [[nodiscard]] std::int64_t expires_at() const noexcept;
  [[nodiscard]] std::string_view bytes() const noexcept;

 private:
  std::unique_ptr<char[]> packed_;  // a header, then the four texts; null: empty
};

}  // namespace tessera
