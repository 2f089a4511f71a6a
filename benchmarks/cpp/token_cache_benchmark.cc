// SPDX-License-Identifier: Apache-2.0
// A hit of the cache against the RSA operation that it saves, with few and with many tokens.
#include <cstdio>
#include <string>
#include <vector>

#include "key_material.h"
#include "raw_rsa.h"
#include "sample_token.h"
#include "tessera/token_cache.h"

int main() {
  using namespace tessera;
  using namespace tessera::benchmark;
  const PrivateKey key = sample_key();
  const KeySet keys = sample_keys(key);
  const Result<std::string> token = Signer(keys).sign(sample_claims());
  require(token.ok());
  const Result<VerifiedToken> verified = Verifier(keys, sample_policy()).verify(*token, kNow);
  require(verified.ok());
  RawRsa raw(key.material()->pkey.get(), token->substr(0, token->rfind('.')));

  for (const std::size_t count : {std::size_t{1'000}, std::size_t{100'000}}) {
    TokenCache cache(count * 4'096);
    // Other tokens by another end, which is what the index is made of; the cache asks no more of a token.
    std::vector<std::string> tokens;
    for (std::size_t i = 0; i < count; ++i) {
      tokens.push_back(token->substr(0, token->size() - 10) + std::to_string(1'000'000'000 + i));
      cache.insert(tokens.back(), *verified);
    }
    require(cache.size() == count);
    std::printf("%zu tokens, %zu bytes each\n", count, cache.bytes() / count);
    std::size_t next = 0;
    const auto any = [&]() -> const std::string& { return tokens[next = (next + 7'919) % count]; };
    compare(
        "hit / raw EVP verify", 51, 2'000, [&] { require(cache.find(any()).has_value()); }, [&] { raw.verify(); });
    const std::string unknown = *token + "A";
    compare(
        "miss / raw EVP verify", 51, 2'000, [&] { require(!cache.find(unknown)); }, [&] { raw.verify(); });
  }
  return 0;
}
