// SPDX-License-Identifier: Apache-2.0
#include "token_fixture.h"

#include <cstdlib>

#include "base64url.h"
#include "rs256.h"

namespace tessera::token_tests {

ClaimTexts good_claims() {
  return {{"iss", R"("issuer")"}, {"aud", R"("service")"},       {"sub", R"("alice")"},
          {"jti", R"("id-1")"},   {"iat", std::to_string(kNow)}, {"exp", std::to_string(kNow + 60)}};
}

ClaimTexts with(std::string_view name, std::string_view json) {
  ClaimTexts claims = good_claims();
  claims[std::string(name)] = json;
  return claims;
}

ClaimTexts without(std::string_view name) {
  ClaimTexts claims = good_claims();
  claims.erase(std::string(name));
  return claims;
}

std::string to_json(const ClaimTexts& claims) {
  std::string json = "{";
  for (const auto& [name, value] : claims) {
    if (json.size() > 1) json += ',';
    json += '"' + name + "\":" + value;
  }
  return json + '}';
}

std::string forge(std::string_view header, std::string_view payload, const PrivateKey& key) {
  std::string token = internal::base64url(header) + '.' + internal::base64url(payload);
  const Result<std::string> signature = internal::rs256_sign(key.material(), token);
  if (!signature) std::abort();
  return token + '.' + internal::base64url(*signature);
}

std::string token_of(const ClaimTexts& claims) { return forge(kHeader, to_json(claims)); }

std::string good_token() { return token_of(good_claims()); }

Policy good_policy() {
  Policy policy;
  policy.issuer = "issuer";
  policy.audiences = {"service"};
  return policy;
}

KeySet good_keys() {
  KeySet keys;
  if (!keys.replace({test_key().public_key(), other_key().public_key()}, test_key())) std::abort();
  return keys;
}

std::string verdict(std::string_view token, const Policy& policy, std::int64_t now) {
  return cause_of(Verifier(good_keys(), policy).verify(token, now));
}

}  // namespace tessera::token_tests
