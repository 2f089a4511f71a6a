// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "key_material.h"
#include "tessera/result.h"

namespace tessera::internal {

/// A key as a JWK gives it, read but its numbers not judged yet.
struct JwkKey {
  PkeyPtr pkey;
  std::string key_id;  ///< empty when the JWK names none
};

/// One JWK (RFC 7517) for RS256, strict JSON. x5u and other members that are not needed are ignored, nothing is
/// fetched.
Result<JwkKey> read_jwk(std::string_view json, KeyHalf half);

}  // namespace tessera::internal
