// SPDX-License-Identifier: Apache-2.0
// Making a token, with its JSON check and base64url, against the RSA operation alone.
#include "key_material.h"
#include "raw_rsa.h"
#include "sample_token.h"

int main() {
  using namespace tessera;
  using namespace tessera::benchmark;
  const PrivateKey key = sample_key();
  const Signer signer(sample_keys(key));
  const std::string claims = sample_claims();
  RawRsa raw(key.material()->pkey.get(), claims);
  const auto base = [&raw] { raw.sign(); };
  compare(
      "sign / raw EVP", 15, 300, [&] { require(signer.sign(claims).ok()); }, base);
  compare(
      "build claims and sign / raw EVP", 15, 300, [&] { require(signer.sign(sample_claims()).ok()); }, base);
  return 0;
}
