// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "interleaved.h"
#include "tessera/signer.h"
#include "tessera/verifier.h"

namespace tessera::benchmark {

inline constexpr std::int64_t kNow = 1'700'000'000;

/// The claims of an access token as the service makes it: 11 of them, a token of about 900 bytes.
inline std::string sample_claims() {
  Claims claims;
  claims.set("iss", "https://sessions.example.com").set("sub", "alice").set("aud", "dx-vas");
  claims.set("iat", kNow).set("nbf", kNow).set("exp", kNow + 900);
  claims.set("jti", "018bcfe5-6800-7000-8000-000000000001").set("sid", "018bcfe5-6800-7000-8000-000000000002");
  claims.set("tenant_id", "tenant-a").set("token_type", "access").set("scope", "orders.read orders.write profile.read");
  Result<std::string> json = claims.take();
  require(json.ok());
  return *json;
}

inline Policy sample_policy() {
  Policy policy;
  policy.issuer = "https://sessions.example.com";
  policy.audiences = {"dx-vas"};
  return policy;
}

inline PrivateKey sample_key(int bits = 2048) {
  Result<PrivateKey> key = PrivateKey::generate(bits);
  require(key.ok());
  return *key;
}

inline KeySet sample_keys(const PrivateKey& key) {
  KeySet keys;
  require(keys.replace({}, key).ok());
  return keys;
}

}  // namespace tessera::benchmark
