// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "tessera/claims.h"
#include "tessera/keyset.h"

namespace tessera {

/// Makes RS256 compact JWS (RFC 7515 section 7.1). Header members: alg, typ, kid. RS256 is
/// deterministic: the same payload bytes, typ and key give the same token. Safe to share
/// between threads; OpenSSL contexts persist per thread.
class Signer {
 public:
  /// Signs with the signing key of the set at the time of each call.
  explicit Signer(KeySet keys) : keys_(std::move(keys)) {}

  /// `payload`: a strict JSON object, copied to the token byte for byte. `type`: printable ASCII
  /// without quote or backslash, 1..64 bytes. Errors: claims_malformed, signing_key_missing, limit_exceeded
  /// (payload over 64 KiB), crypto_failed.
  [[nodiscard]] Result<std::string> sign(std::string_view payload, std::string_view type = "at+jwt") const;

  /// The same with one named key, also one that no longer signs for the set.
  static Result<std::string> sign_with(const PrivateKey& key, std::string_view payload,
                                       std::string_view type = "at+jwt");

  /// Signs any bytes under a caller's own header (a strict JSON object whose alg is "RS256"; no kid is
  /// demanded): plain JWS for other protocols. `header` is copied to the token byte for byte; one that the verifier
  /// would refuse is refused here (header_malformed, header_forbidden, algorithm_not_allowed).
  static Result<std::string> sign_jws(const PrivateKey& key, std::string_view header, std::string_view payload);

 private:
  KeySet keys_;
};

}  // namespace tessera
