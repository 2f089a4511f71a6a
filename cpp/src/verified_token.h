// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "compact.h"
#include "tessera/verifier.h"
#include "token_claims.h"

namespace tessera {

/// Never moves: the views of `claims` point into `payload`.
struct VerifiedToken::Data {
  Data() = default;
  Data(const Data&) = delete;
  Data& operator=(const Data&) = delete;
  ~Data() = default;

  std::shared_ptr<const internal::JwsHeader> header;
  std::string payload;
  internal::TokenClaims claims;
  std::uint64_t key_number = 0;
  std::size_t footprint = 0;
};

}  // namespace tessera
