// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "tessera/revocation_set.h"
#include "tessera/session_table.h"
#include "tessera/verifier.h"

namespace tessera {

/// The outcome of Checker::check.
struct Verdict {
  enum class Status : std::uint8_t {
    alive,      ///< everything is right; token and session are set
    dead,       ///< cause says why; token is set if the signature and claims were right
    no_record,  ///< alive so far, but no snapshot of its record here: read it from the store, put, check again
    ask_store,  ///< alive so far, but the mirror is stale: only the store can tell
  };
  Status status = Status::dead;
  Error cause{};  ///< only for dead
  std::optional<VerifiedToken> token;
  std::optional<SessionSnapshot> session;
};

/// The hot path in one call: verify (through the verifier's cache), jti or session revoked?, mirror fresh?, record
/// there?, cut-off of the subject? A token with a sid is looked up under its sid, one without under its jti. The
/// snapshot has to name the token's tenant and subject, else the token is dead (claim_invalid). No I/O. Safe to share
/// between threads.
class Checker {
 public:
  Checker(std::shared_ptr<const Verifier> verifier, std::shared_ptr<const RevocationSet> revocations,
          std::shared_ptr<const SessionTable> sessions);

  [[nodiscard]] Verdict check(std::string_view token, std::int64_t now_seconds) const;

  /// Until when the mirror may answer, in nanoseconds of CLOCK_BOOTTIME (so that a woken machine is stale at once).
  /// Starts in the past: closed until the first snapshot is in. Only ever moves on by the caller's word; an
  /// earlier deadline than the present one is ignored, close() apart.
  void keep_fresh_until(std::int64_t boottime_ns) noexcept;
  void close() noexcept;
  [[nodiscard]] bool is_fresh() const noexcept;
  /// CLOCK_BOOTTIME now, nanoseconds.
  [[nodiscard]] static std::int64_t boottime_ns() noexcept;

 private:
  [[nodiscard]] Verdict check_record(VerifiedToken token, std::int64_t now_seconds, bool fresh) const;
  std::shared_ptr<const Verifier> verifier_;
  std::shared_ptr<const RevocationSet> revocations_;
  std::shared_ptr<const SessionTable> sessions_;
  std::atomic<std::int64_t> fresh_until_ns_{0};
};

}  // namespace tessera
