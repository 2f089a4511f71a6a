// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace tessera {

/// Every reason why the core refuses something. One value per cause; the text of
/// `code()` is stable and is what bindings, logs and metrics carry. A cause never
/// contains a piece of the input.
enum class Error : std::uint8_t {
  // A token, in the order in which it is checked.
  token_too_large,         ///< longer than Policy::max_token_bytes
  token_malformed,         ///< not three canonical base64url segments (RFC 7515 section 3.1)
  header_malformed,        ///< the header is not a strict JSON object
  header_forbidden,        ///< crit, b64, jwk, jku, x5u, x5c, x5t, x5t#S256, zip or enc is present
  algorithm_not_allowed,   ///< alg is not exactly "RS256"
  type_not_allowed,        ///< typ is missing or not one of Policy::types
  key_id_missing,          ///< kid is absent, empty, not a string or longer than 128 bytes
  key_unknown,             ///< no key of that kid in the key set
  signature_invalid,       ///< wrong length or wrong signature (RFC 8017 section 8.2.2)
  claims_malformed,        ///< the payload is not a strict JSON object
  claim_missing,           ///< a required claim is absent
  claim_invalid,           ///< a registered claim has the wrong type, range or length
  issuer_mismatch,         ///< iss is not Policy::issuer
  audience_mismatch,       ///< aud contains none of Policy::audiences
  token_not_yet_valid,     ///< nbf is later than now + skew
  token_issued_in_future,  ///< iat is later than now + skew
  lifetime_too_long,       ///< exp - iat exceeds Policy::max_lifetime_seconds
  token_expired,           ///< exp <= now: reported only when all else is right

  // State, told by Checker.
  token_revoked,    ///< the jti is revoked
  session_revoked,  ///< the session is revoked
  subject_cut_off,  ///< a cut-off of the subject is at or after the session's creation
  session_expired,  ///< the session's record has passed its expiry

  // JSON.
  json_too_large,
  json_too_deep,
  json_malformed,         ///< grammar (RFC 8259), trailing data, NaN, comments, BOM
  json_duplicate_member,  ///< the same member name twice, also when spelled with escapes
  json_invalid_string,    ///< not UTF-8, a lone surrogate, or a control character

  // Keys.
  key_malformed,             ///< not PEM / not a JWK / inconsistent or ROCA-weak numbers
  key_type_not_allowed,      ///< not a plain RSA key
  key_size_not_allowed,      ///< modulus outside 2048..4096 bit
  key_exponent_not_allowed,  ///< even, or below 65537, or above 2^32
  key_use_not_allowed,       ///< use, key_ops or alg of the JWK forbid RS256 signatures
  key_password_wrong,        ///< encrypted PEM and no password, or not this one
  key_id_invalid,            ///< kid empty, over 128 bytes or not printable ASCII
  key_id_duplicate,          ///< one kid names two keys of a set
  signing_key_missing,       ///< the key set has no signing key

  // The rest.
  limit_exceeded,      ///< an argument is over its documented limit
  snapshot_malformed,  ///< saved state is truncated, corrupt or of another version
  io_failed,           ///< reading or writing a file failed
  crypto_failed,       ///< an OpenSSL call failed that cannot fail on valid state
};

/// The stable snake_case name of a cause, for example "token_expired".
[[nodiscard]] std::string_view code(Error error) noexcept;

/// One English sentence for people, without any piece of the input.
[[nodiscard]] std::string_view message(Error error) noexcept;

}  // namespace tessera
