// SPDX-License-Identifier: Apache-2.0
#include "tessera/error.h"

#include <array>
#include <cstddef>

namespace tessera {
namespace {

struct Text {
  Error error;
  std::string_view code;
  std::string_view message;
};

constexpr std::array kTexts = {
    Text{Error::token_too_large, "token_too_large", "The token is longer than allowed."},
    Text{Error::token_malformed, "token_malformed", "The token is not three canonical base64url segments."},
    Text{Error::header_malformed, "header_malformed", "The token's header is not a strict JSON object."},
    Text{Error::header_forbidden, "header_forbidden", "The token's header has a forbidden member."},
    Text{Error::algorithm_not_allowed, "algorithm_not_allowed", "The token's algorithm is not RS256."},
    Text{Error::type_not_allowed, "type_not_allowed", "The token's type is not accepted here."},
    Text{Error::key_id_missing, "key_id_missing", "The token names no usable key id."},
    Text{Error::key_unknown, "key_unknown", "No key with the token's key id is known."},
    Text{Error::signature_invalid, "signature_invalid", "The token's signature is wrong."},
    Text{Error::claims_malformed, "claims_malformed", "The claims are not a strict JSON object."},
    Text{Error::claim_missing, "claim_missing", "A required claim is missing."},
    Text{Error::claim_invalid, "claim_invalid", "A claim has the wrong type, range or length."},
    Text{Error::issuer_mismatch, "issuer_mismatch", "The token comes from another issuer."},
    Text{Error::audience_mismatch, "audience_mismatch", "The token is meant for another audience."},
    Text{Error::token_not_yet_valid, "token_not_yet_valid", "The token is not valid yet."},
    Text{Error::token_issued_in_future, "token_issued_in_future", "The token was issued in the future."},
    Text{Error::lifetime_too_long, "lifetime_too_long", "The token lives longer than allowed."},
    Text{Error::token_expired, "token_expired", "The token has expired."},
    Text{Error::token_revoked, "token_revoked", "The token is revoked."},
    Text{Error::session_revoked, "session_revoked", "The token's session is revoked."},
    Text{Error::subject_cut_off, "subject_cut_off", "All sessions of the subject up to then are revoked."},
    Text{Error::session_expired, "session_expired", "The token's session has expired."},
    Text{Error::json_too_large, "json_too_large", "The JSON text is longer than allowed."},
    Text{Error::json_too_deep, "json_too_deep", "The JSON text is nested too deeply."},
    Text{Error::json_malformed, "json_malformed", "The text is not strict JSON."},
    Text{Error::json_duplicate_member, "json_duplicate_member", "A JSON object names a member twice."},
    Text{Error::json_invalid_string, "json_invalid_string", "A JSON string is not valid Unicode text."},
    Text{Error::key_malformed, "key_malformed", "The key cannot be read, or its numbers are inconsistent."},
    Text{Error::key_type_not_allowed, "key_type_not_allowed", "The key is not a plain RSA key of the wanted kind."},
    Text{Error::key_size_not_allowed, "key_size_not_allowed", "The key's modulus is not of 2048 to 4096 bits."},
    Text{Error::key_exponent_not_allowed, "key_exponent_not_allowed", "The key's public exponent is not allowed."},
    Text{Error::key_use_not_allowed, "key_use_not_allowed", "The key is not meant for RS256 signatures."},
    Text{Error::key_password_wrong, "key_password_wrong", "The key's password is missing or wrong."},
    Text{Error::key_id_invalid, "key_id_invalid", "A key id has to be 1 to 128 printable ASCII characters."},
    Text{Error::key_id_duplicate, "key_id_duplicate", "One key id names two keys."},
    Text{Error::signing_key_missing, "signing_key_missing", "There is no signing key."},
    Text{Error::limit_exceeded, "limit_exceeded", "An argument is outside its documented limit."},
    Text{Error::snapshot_malformed, "snapshot_malformed",
         "The saved state is truncated, corrupt or of another version."},
    Text{Error::io_failed, "io_failed", "A file could not be read or written."},
    Text{Error::crypto_failed, "crypto_failed", "A cryptographic operation failed."},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    if (static_cast<std::size_t>(kTexts[i].error) != i) return false;
  }
  return true;
}
static_assert(is_in_order(), "one row per cause, in the order of the enum");
static_assert(kTexts.size() == static_cast<std::size_t>(Error::crypto_failed) + 1);

}  // namespace

std::string_view code(Error error) noexcept { return kTexts[static_cast<std::size_t>(error)].code; }

std::string_view message(Error error) noexcept { return kTexts[static_cast<std::size_t>(error)].message; }

}  // namespace tessera
