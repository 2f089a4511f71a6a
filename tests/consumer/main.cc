// SPDX-License-Identifier: Apache-2.0
// Signs, verifies and revokes one token through the installed headers alone.
#include <iostream>
#include <utility>

#include "tessera/claims.h"
#include "tessera/keyset.h"
#include "tessera/revocation_set.h"
#include "tessera/signer.h"
#include "tessera/verifier.h"
#include "tessera/version.h"

namespace {

int fail(tessera::Error error) {
  std::cerr << tessera::code(error) << '\n';
  return 1;
}

}  // namespace

int main() {
  constexpr std::int64_t kNow = 1'700'000'000;
  auto key = tessera::PrivateKey::generate();
  if (!key) return fail(key.error());
  tessera::KeySet keys;
  if (auto replaced = keys.replace({}, *key); !replaced) return fail(replaced.error());

  tessera::Claims claims;
  claims.set("iss", "https://issuer.example").set("aud", "shop").set("sub", "alice").set("jti", "first");
  claims.set("iat", kNow).set("exp", kNow + 60);
  auto payload = claims.take();
  if (!payload) return fail(payload.error());
  auto token = tessera::Signer(keys).sign(*payload);
  if (!token) return fail(token.error());

  tessera::Policy policy;
  policy.issuer = "https://issuer.example";
  policy.audiences = {"shop"};
  const tessera::Verifier verifier(keys, policy);
  auto verified = verifier.verify(*token, kNow);
  if (!verified) return fail(verified.error());
  if (verifier.verify(*token, kNow + 60).ok()) return fail(tessera::Error::token_expired);

  tessera::RevocationSet revoked;
  revoked.revoke_jti(verified->jti(), verified->expires_at());
  if (!revoked.is_jti_revoked("first")) return fail(tessera::Error::token_revoked);
  std::cout << tessera::kVersion << ' ' << verified->subject() << '\n';
  return 0;
}
