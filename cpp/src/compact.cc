// SPDX-License-Identifier: Apache-2.0
#include "compact.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base64url.h"
#include "json.h"
#include "key_material.h"

namespace tessera::internal {
namespace {

using HeaderHandle = std::shared_ptr<const JwsHeader>;

// crit has no extension that we understand (RFC 7515 section 4.1.11), b64 changes what is signed (RFC 7797), zip and
// enc are those of JWE; the others offer a key of the sender's choice.
constexpr std::array<std::string_view, 10> kForbidden = {"crit", "b64", "jwk",      "jku", "x5u",
                                                         "x5c",  "x5t", "x5t#S256", "zip", "enc"};

bool has_control_character(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(),
                     [](char character) { return static_cast<unsigned char>(character) < 0x20 || character == 0x7F; });
}

bool is_usable_key_id(std::string_view key_id) noexcept {
  return !key_id.empty() && key_id.size() <= kMaxKeyIdBytes && !has_control_character(key_id);
}

class HeaderMembers : public JsonVisitor {
 public:
  explicit HeaderMembers(JwsHeader& header) : header_(header) {}

  void on_member(std::string_view name, const JsonValue& value) override {
    if (name == "alg") {
      is_rs256 = value.is_string() && value.string() == "RS256";
    } else if (name == "typ") {
      header_.type_is_invalid = !value.is_string();
      if (value.is_string()) header_.type = value.string();
    } else if (name == "kid") {
      take_key_id(value);
    } else if (std::find(kForbidden.begin(), kForbidden.end(), name) != kForbidden.end()) {
      has_forbidden = true;
    }
  }

  bool is_rs256 = false;
  bool has_forbidden = false;

 private:
  void take_key_id(const JsonValue& value) {
    std::string key_id = value.is_string() ? value.string() : std::string();
    header_.key_id_is_invalid = !is_usable_key_id(key_id);
    if (!header_.key_id_is_invalid) header_.key_id = std::move(key_id);
  }
  JwsHeader& header_;
};

// Issuers send the same header with nearly every token. Only the reading is remembered, never the key.
class LastHeader {
 public:
  [[nodiscard]] const HeaderHandle* find(std::string_view encoded) const noexcept {
    return header_ && encoded == encoded_ ? &header_ : nullptr;
  }
  void keep(std::string_view encoded, const HeaderHandle& header) {
    if (encoded.size() > kMaxBytes) return;
    encoded_ = encoded;
    header_ = header;
  }

 private:
  static constexpr std::size_t kMaxBytes = 1024;
  std::string encoded_;
  HeaderHandle header_;
};

thread_local LastHeader last_header;

struct Segments {
  std::string_view header, payload, signature, signing_input;
};

Result<Segments> split(std::string_view token) noexcept {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return Error::token_malformed;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return Error::token_malformed;
  }
  return Segments{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
                  token.substr(0, second)};
}

}  // namespace

Result<HeaderHandle> read_jws_header(std::string json) {
  auto header = std::make_shared<JwsHeader>();
  header->json = std::move(json);
  HeaderMembers members(*header);
  if (!read_json_object(header->json, JsonLimits{}, members)) return Error::header_malformed;
  if (members.has_forbidden) return Error::header_forbidden;
  if (!members.is_rs256) return Error::algorithm_not_allowed;
  return HeaderHandle(std::move(header));
}

Result<CompactJws> read_compact(std::string_view token) {
  const Result<Segments> segments = split(token);
  if (!segments) return segments.error();
  CompactJws jws;
  jws.signing_input = segments->signing_input;
  const HeaderHandle* const known = last_header.find(segments->header);
  std::string header_json;
  if (known == nullptr && !decode_base64url(segments->header, header_json)) return Error::token_malformed;
  if (!decode_base64url(segments->payload, jws.payload)) return Error::token_malformed;
  if (!decode_base64url(segments->signature, jws.signature)) return Error::token_malformed;
  if (known != nullptr) {
    jws.header = *known;
    return jws;
  }
  Result<HeaderHandle> header = read_jws_header(std::move(header_json));
  if (!header) return header.error();
  last_header.keep(segments->header, *header);
  jws.header = std::move(*header);
  return jws;
}

}  // namespace tessera::internal
