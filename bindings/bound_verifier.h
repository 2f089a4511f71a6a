// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "tessera/revocation_set.h"
#include "tessera/verifier.h"

namespace tessera::bindings {

/// What a Verifier of Python holds: the core's own, and what was revoked, if it was given.
struct BoundVerifier {
  std::shared_ptr<const Verifier> verifier;
  std::shared_ptr<const RevocationSet> revocations;

  [[nodiscard]] Result<VerifiedToken> verify(std::string_view token, std::int64_t now_seconds) const {
    return unless_revoked(verifier->verify(token, now_seconds));
  }

  [[nodiscard]] std::vector<Result<VerifiedToken>> verify_many(std::span<const std::string_view> tokens,
                                                               std::int64_t now_seconds) const {
    auto results = verifier->verify_many(tokens, now_seconds);
    for (auto& result : results) result = unless_revoked(std::move(result));
    return results;
  }

 private:
  [[nodiscard]] Result<VerifiedToken> unless_revoked(Result<VerifiedToken> result) const {
    if (!revocations || !result) return result;
    const VerifiedToken& token = result.value();
    if (!token.jti().empty() && revocations->is_jti_revoked(token.jti())) return Error::token_revoked;
    if (!token.session_id().empty() && revocations->is_session_revoked(token.session_id())) {
      return Error::session_revoked;
    }
    return result;
  }
};

}  // namespace tessera::bindings
