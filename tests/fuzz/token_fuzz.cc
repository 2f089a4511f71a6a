// SPDX-License-Identifier: Apache-2.0
// An input is a token as it stands, and, cut at its first line end, also a header and a payload that get a right
// signature.
#include <algorithm>
#include <string>

#include "base64url.h"
#include "property.h"
#include "tessera/claims.h"
#include "token_fixture.h"

namespace {

using namespace tessera;
using namespace tessera::token_tests;

const Verifier& verifier() {
  static const Verifier instance(good_keys(), good_policy());
  return instance;
}

std::string spelled_again(std::string_view token) {
  std::string again, decoded;
  for (std::size_t start = 0; start <= token.size();) {
    const std::size_t end = std::min(token.find('.', start), token.size());
    fuzz::require(internal::decode_base64url(token.substr(start, end - start), decoded), "a segment is base64url");
    again += (start == 0 ? "" : ".") + internal::base64url(decoded);
    start = end + 1;
  }
  return again;
}

void check_accepted(std::string_view token, const VerifiedToken& verified) {
  fuzz::require(spelled_again(token) == token, "a token has one spelling");
  fuzz::require(check_json(verified.payload()).ok() && check_json(verified.header()).ok(),
                "both parts are strict JSON");
  fuzz::require(verified.issuer() == "issuer" && verified.type() == "at+jwt", "issuer and type are right");
  fuzz::require(!verified.subject().empty() && !verified.jti().empty(), "what is required is there");
  fuzz::require(verified.expires_at() > kNow && verified.issued_at() <= kNow + 5, "it lives now");
  fuzz::require(!verifier().verify(token, verified.expires_at()).ok(), "it dies at exp");
  std::string flipped(token);
  flipped[flipped.size() / 2] = flipped[flipped.size() / 2] == 'A' ? 'B' : 'A';
  fuzz::require(!verifier().verify(flipped, kNow).ok(), "no other bytes are as good");
}

void try_token(std::string_view token) {
  const Result<VerifiedToken> verified = verifier().verify(token, kNow);
  if (verified) check_accepted(token, *verified);
  const Result<SignedPayload> read = Verifier::verify_jws(token, test_key().public_key());
  if (read) fuzz::require(spelled_again(token) == token, "a JWS has one spelling");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  try_token(input);
  const std::size_t cut = input.find('\n');
  if (cut != std::string_view::npos) try_token(forge(input.substr(0, cut), input.substr(cut + 1)));
  return 0;
}
