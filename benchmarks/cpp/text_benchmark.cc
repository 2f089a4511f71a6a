// SPDX-License-Identifier: Apache-2.0
// The strict readers of base64url and JSON, against OpenSSL's block decoder and against copying the text.
#include <cstring>
#include <string>

#include "base64url.h"
#include "json.h"
#include "raw_rsa.h"
#include "sample_token.h"
#include "token_claims.h"

int main() {
  using namespace tessera;
  using namespace tessera::benchmark;
  const std::string claims = sample_claims();
  const std::string bytes(684, '\x5a');
  const std::string text = internal::base64url(bytes);
  std::string decoded;
  std::string block(text.size(), '\0');
  compare(
      "base64url decode / EVP_DecodeBlock, 912 characters", 15, 100'000,
      [&] { require(internal::decode_base64url(text, decoded)); },
      [&] {
        require(EVP_DecodeBlock(reinterpret_cast<unsigned char*>(block.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size())) > 0);
      });
  std::string copy;
  const auto copy_claims = [&] {
    copy.assign(claims);
    require(copy.size() == claims.size());
  };
  compare(
      "check_json / copy, claims", 15, 100'000, [&] { require(check_json(claims).ok()); }, copy_claims);
  compare(
      "read claims / copy", 15, 100'000,
      [&] {
        internal::TokenClaims read;
        require(internal::read_token_claims(claims, read).ok());
      },
      copy_claims);
  return 0;
}
