// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "revocation_state.h"
#include "tessera/result.h"

namespace tessera::internal {

// The file, all numbers little-endian:
//   "TSRAREVO", u32 version, u32 zero, the secret;
//   blocks of ids: u32 count, and so many of u64 first half of the fingerprint, u32 second half, u32 expiry; a count of
//   0 ends them; blocks of cut-offs in the same way, each with a u64 more, the milliseconds in two's complement;
//   SHA-256 of all before it.

/// Runs a short step in which no entry of the state changes.
using QuietStep = std::function<void(const std::function<void()>&)>;

/// Writes beside `path`, mode 0600, syncs, renames. io_failed, crypto_failed.
Result<void> save_revocations(const std::string& path, const RevocationState& state, const QuietStep& quietly);

struct LoadedRevocations {
  std::unique_ptr<RevocationState> state;
  std::size_t entries = 0;
};
/// io_failed, snapshot_malformed, crypto_failed.
Result<LoadedRevocations> load_revocations(const std::string& path);

}  // namespace tessera::internal
