// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "tessera/verifier.h"
#include "test_keys.h"

namespace tessera::token_tests {

/// The moment at which the tokens of the tests are checked.
inline constexpr std::int64_t kNow = 1'700'000'000;
inline constexpr std::string_view kHeader = R"({"alg":"RS256","typ":"at+jwt","kid":"key-1"})";

/// Claims by name, each value as JSON text.
using ClaimTexts = std::map<std::string, std::string>;
/// iss, aud, sub, jti, iat = kNow, exp = kNow + 60.
ClaimTexts good_claims();
/// The same with one claim set to other JSON text, or without it.
ClaimTexts with(std::string_view name, std::string_view json);
ClaimTexts without(std::string_view name);
std::string to_json(const ClaimTexts& claims);

/// Any three segments, rightly signed with RS256 over whatever they say.
std::string forge(std::string_view header, std::string_view payload, const PrivateKey& key = test_key());
std::string token_of(const ClaimTexts& claims);
/// A token that is right in everything.
std::string good_token();

/// Issuer "issuer", audience "service", everything else as it comes.
Policy good_policy();
/// key-1 (signing) and key-2.
KeySet good_keys();

/// The code of a failed result, or "ok": reads well when a comparison fails.
template <typename T>
std::string cause_of(const Result<T>& result) {
  return result ? "ok" : std::string(code(result.error()));
}
/// What a Verifier of good_keys() says at `now`.
std::string verdict(std::string_view token, const Policy& policy = good_policy(), std::int64_t now = kNow);

}  // namespace tessera::token_tests
