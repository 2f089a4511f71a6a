// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tessera/result.h"

namespace tessera {

/// What is revoked: token ids, sessions, and cut-offs of subjects, each until an expiry (seconds) that has
/// to outlive what it kills. Ids are kept as 128-bit keyed hashes (96 bits of each, SipHash) under a secret of this
/// object. Reads are lock-free and never wait; writers take turns among themselves and never wait for readers. An entry
/// lives until a purge past its expiry (never, from the year 2106 on); nothing is ever un-revoked: adding again keeps
/// the later expiry and the later cut-off. What a call has revoked, every read that starts after it sees.
class RevocationSet {
 public:
  /// Throws std::runtime_error when the system has no randomness for the secret.
  RevocationSet();
  ~RevocationSet();
  RevocationSet(const RevocationSet&) = delete;
  RevocationSet& operator=(const RevocationSet&) = delete;

  void revoke_jti(std::string_view jti, std::int64_t expires_at);
  void revoke_session(std::string_view session_id, std::int64_t expires_at);
  /// Kills every session of the subject that was created at or before `cutoff_ms` (milliseconds since 1970).
  void cut_off(std::string_view tenant_id, std::string_view subject, std::int64_t cutoff_ms, std::int64_t expires_at);

  [[nodiscard]] bool is_jti_revoked(std::string_view jti) const noexcept;
  [[nodiscard]] bool is_session_revoked(std::string_view session_id) const noexcept;
  [[nodiscard]] bool is_cut_off(std::string_view tenant_id, std::string_view subject,
                                std::int64_t created_ms) const noexcept;

  /// Drops entries whose expiry is <= now_seconds, in bounded steps; returns how many went. Readers go on.
  std::size_t purge(std::int64_t now_seconds);
  [[nodiscard]] std::size_t size() const noexcept;
  /// Memory of the tables, with what was replaced and may still be read.
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// Writes every entry to a file (written beside it, synced, renamed) that only this user can read. The file
  /// holds the hashes and the secret, no id, and ends in a checksum.
  [[nodiscard]] Result<void> save(const std::string& path) const;
  /// Replaces the content and the secret by a saved file: all of it or, on error (io_failed, snapshot_malformed),
  /// nothing. What is revoked while it runs may be lost: load first, then follow the log.
  Result<void> load(const std::string& path);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tessera
