// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tessera {

/// What is expected of a token. The defaults are the strict ones; each loosening is a
/// visible word. All times are seconds.
struct Policy {
  std::string issuer;                           ///< iss has to equal it; required
  std::vector<std::string> audiences;           ///< aud has to contain one of them; required
  std::vector<std::string> types = {"at+jwt"};  ///< accepted typ, compared exactly
  /// Claims that have to be present, besides iss, aud, exp. Registered string claims (sub, jti, sid,
  /// tenant_id, token_type) are non-empty strings of at most 256 bytes wherever they occur.
  std::vector<std::string> required_claims = {"sub", "iat", "jti"};
  std::int64_t leeway_seconds = 0;        ///< added to exp; exp + leeway is exclusive
  std::int64_t skew_seconds = 5;          ///< how far nbf and iat may lie in the future
  std::int64_t max_lifetime_seconds = 0;  ///< of exp - iat; 0: no limit
  std::size_t max_token_bytes = 8 * 1024;

  bool ignore_expiry = false;    ///< for revoking tokens that are already dead
  bool ignore_issuer = false;    ///< accepts any iss, or none
  bool ignore_audience = false;  ///< accepts any aud, or none
  bool allow_any_type = false;   ///< accepts any typ, or none
};

}  // namespace tessera
