// SPDX-License-Identifier: Apache-2.0
#include "token_claims.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "json.h"

namespace tessera::internal {
namespace {

struct StringClaim {
  std::string_view name;
  ClaimBit bit;
  std::string_view TokenClaims::*field;
};
constexpr std::array<StringClaim, 6> kStrings = {{
    {"iss", kIss, &TokenClaims::issuer},
    {"sub", kSub, &TokenClaims::subject},
    {"jti", kJti, &TokenClaims::jti},
    {"sid", kSid, &TokenClaims::session_id},
    {"tenant_id", kTenantId, &TokenClaims::tenant_id},
    {"token_type", kTokenType, &TokenClaims::token_type},
}};

struct TimeClaim {
  std::string_view name;
  ClaimBit bit;
  std::int64_t TokenClaims::*field;
  std::int64_t least;
};
constexpr std::array<TimeClaim, 3> kTimes = {{
    {"exp", kExp, &TokenClaims::expires_at, 1},
    {"iat", kIat, &TokenClaims::issued_at, 0},
    {"nbf", kNbf, &TokenClaims::not_before, 0},
}};

bool is_registered_text(std::string_view text) noexcept {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return !text.empty() && text.size() <= kMaxClaimBytes && std::none_of(text.begin(), text.end(), is_control);
}

class Audiences : public JsonVisitor {
 public:
  explicit Audiences(std::vector<std::string>& out) : out_(out) {}
  void on_element(const JsonValue& value) override {
    std::string audience = value.is_string() ? value.string() : std::string();
    is_valid = is_valid && is_registered_text(audience) && out_.size() < kMaxAudiences;
    if (is_valid) out_.push_back(std::move(audience));
  }
  bool is_valid = true;

 private:
  std::vector<std::string>& out_;
};

class ClaimMembers : public JsonVisitor {
 public:
  explicit ClaimMembers(TokenClaims& claims) : claims_(claims) {}

  void on_member(std::string_view name, const JsonValue& value) override {
    const std::uint32_t bit = claim_bit(name);
    if (bit == 0) return;
    claims_.present |= bit;
    if (!take(name, value)) claims_.has_invalid = true;
  }

 private:
  bool take(std::string_view name, const JsonValue& value) {
    if (name == "aud") return take_audiences(value);
    for (const TimeClaim& time : kTimes) {
      if (name == time.name) return take_time(time, value);
    }
    for (const StringClaim& string : kStrings) {
      if (name == string.name) return take_string(string, value);
    }
    return false;
  }

  bool take_string(const StringClaim& claim, const JsonValue& value) {
    if (!value.is_string()) return false;
    const std::string_view text = value.escaped ? claims_.unescaped.emplace_front(value.string()) : value.text;
    claims_.*claim.field = text;
    return is_registered_text(text);
  }

  bool take_time(const TimeClaim& claim, const JsonValue& value) {
    const std::optional<std::int64_t> seconds = value.integer();
    if (!seconds || *seconds < claim.least || *seconds > kMaxClaimTime) return false;
    claims_.*claim.field = *seconds;
    return true;
  }

  // RFC 7519 section 4.1.3: one string, or an array of strings.
  bool take_audiences(const JsonValue& value) {
    Audiences audiences(claims_.audiences);
    if (value.is_string()) {
      audiences.on_element(value);
    } else if (value.kind != JsonKind::array || !read_json_array(value.text, JsonLimits{}, audiences)) {
      return false;
    }
    return audiences.is_valid && !claims_.audiences.empty();
  }

  TokenClaims& claims_;
};

class Names : public JsonVisitor {
 public:
  explicit Names(std::vector<std::string> wanted) : missing(std::move(wanted)) {}
  void on_member(std::string_view name, const JsonValue&) override { std::erase(missing, name); }
  std::vector<std::string> missing;
};

}  // namespace

std::uint32_t claim_bit(std::string_view name) noexcept {
  if (name == "aud") return kAud;
  for (const TimeClaim& time : kTimes) {
    if (name == time.name) return time.bit;
  }
  for (const StringClaim& string : kStrings) {
    if (name == string.name) return string.bit;
  }
  return 0;
}

Result<void> read_token_claims(std::string_view payload, TokenClaims& claims) {
  ClaimMembers members(claims);
  if (!read_json_object(payload, JsonLimits{}, members)) return Error::claims_malformed;
  return {};
}

bool has_members(std::string_view payload, const std::vector<std::string>& names) {
  Names members(names);
  return read_json_object(payload, JsonLimits{}, members).ok() && members.missing.empty();
}

}  // namespace tessera::internal
