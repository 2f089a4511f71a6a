// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tessera/claims.h"
#include "tessera/key.h"
#include "tessera/keyset.h"
#include "tessera/policy.h"
#include "tessera/signer.h"
#include "tessera/verifier.h"

namespace tessera::testing {

inline constexpr std::int64_t kNow = 1'800'000'000;

/// What one token says; an empty text leaves the claim out.
struct TokenFacts {
  std::string jti = "jti-1";
  std::string session_id = "session-1";
  std::string tenant_id = "tenant-a";
  std::string subject = "alice";
  std::int64_t expires_at = kNow + 900;
};

/// A key that is made once for all tests, since making one takes long.
inline const PrivateKey& signing_key() {
  static const PrivateKey key = PrivateKey::generate().value();
  return key;
}
inline const PrivateKey& other_key() {
  static const PrivateKey key = PrivateKey::generate().value();
  return key;
}

inline std::string sign(const TokenFacts& facts, const PrivateKey& key = signing_key()) {
  Claims claims;
  claims.set("iss", "https://issuer.example").set("aud", "dx-vas").set("iat", kNow - 10).set("exp", facts.expires_at);
  if (!facts.jti.empty()) claims.set("jti", facts.jti);
  if (!facts.session_id.empty()) claims.set("sid", facts.session_id);
  if (!facts.tenant_id.empty()) claims.set("tenant_id", facts.tenant_id);
  if (!facts.subject.empty()) claims.set("sub", facts.subject);
  return Signer::sign_with(key, claims.take().value()).value();
}

inline KeySet both_keys() {
  KeySet keys;
  EXPECT_TRUE(keys.replace({signing_key().public_key(), other_key().public_key()}).ok());
  return keys;
}

inline Policy lenient_policy() {
  Policy policy;
  policy.issuer = "https://issuer.example";
  policy.audiences = {"dx-vas"};
  policy.required_claims = {};
  return policy;
}

inline VerifiedToken verify(const std::string& token) {
  static const Verifier verifier(both_keys(), lenient_policy());
  return verifier.verify(token, kNow).value();
}

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "tessera-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}
inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

}  // namespace tessera::testing
