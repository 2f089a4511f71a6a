// SPDX-License-Identifier: Apache-2.0
#include "tessera/signer.h"

#include <algorithm>
#include <cstddef>

#include "base64url.h"
#include "compact.h"
#include "json.h"
#include "rs256.h"

namespace tessera {
namespace {

constexpr std::size_t kMaxPayloadBytes = 64 * 1024;
constexpr std::size_t kMaxTypeBytes = 64;

bool is_type(std::string_view type) noexcept {
  const auto is_plain = [](char c) { return c >= 0x20 && c <= 0x7E && c != '"' && c != '\\'; };
  return !type.empty() && type.size() <= kMaxTypeBytes && std::all_of(type.begin(), type.end(), is_plain);
}

std::string write_header(std::string_view type, std::string_view key_id) {
  std::string header = R"({"alg":"RS256","typ":)";
  internal::append_json_string(header, type);
  header += R"(,"kid":)";
  internal::append_json_string(header, key_id);
  return header + '}';
}

Result<std::string> sign_compact(const internal::KeyHandle& key, std::string_view header, std::string_view payload) {
  std::string token;
  token.reserve((header.size() + payload.size() + key->signature_bytes) * 4 / 3 + 8);
  internal::append_base64url(token, header);
  token += '.';
  internal::append_base64url(token, payload);
  const Result<std::string> signature = internal::rs256_sign(key, token);
  if (!signature) return signature.error();
  token += '.';
  internal::append_base64url(token, *signature);
  return token;
}

}  // namespace

Result<std::string> Signer::sign(std::string_view payload, std::string_view type) const {
  // A reference of its own: the key stays while it signs, whatever happens to the set.
  const std::optional<PrivateKey> key = keys_.current().signing_key();
  if (!key) return Error::signing_key_missing;
  return sign_with(*key, payload, type);
}

Result<std::string> Signer::sign_with(const PrivateKey& key, std::string_view payload, std::string_view type) {
  if (payload.size() > kMaxPayloadBytes || !is_type(type)) return Error::limit_exceeded;
  internal::JsonVisitor ignore;
  if (!internal::read_json_object(payload, JsonLimits{}, ignore)) return Error::claims_malformed;
  return sign_compact(key.material(), write_header(type, key.key_id()), payload);
}

Result<std::string> Signer::sign_jws(const PrivateKey& key, std::string_view header, std::string_view payload) {
  if (payload.size() > kMaxPayloadBytes) return Error::limit_exceeded;
  if (const auto checked = internal::read_jws_header(std::string(header)); !checked) return checked.error();
  return sign_compact(key.material(), header, payload);
}

}  // namespace tessera
