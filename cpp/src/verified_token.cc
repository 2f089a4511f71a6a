// SPDX-License-Identifier: Apache-2.0
#include "verified_token.h"

namespace tessera {

std::string_view VerifiedToken::payload() const noexcept { return data_->payload; }
std::string_view VerifiedToken::header() const noexcept { return data_->header->json; }
std::string_view VerifiedToken::key_id() const noexcept { return *data_->header->key_id; }
std::uint64_t VerifiedToken::key_number() const noexcept { return data_->key_number; }
std::string_view VerifiedToken::type() const noexcept {
  return data_->header->type ? std::string_view(*data_->header->type) : std::string_view();
}
std::string_view VerifiedToken::issuer() const noexcept { return data_->claims.issuer; }
std::string_view VerifiedToken::subject() const noexcept { return data_->claims.subject; }
std::string_view VerifiedToken::jti() const noexcept { return data_->claims.jti; }
std::string_view VerifiedToken::session_id() const noexcept { return data_->claims.session_id; }
std::string_view VerifiedToken::tenant_id() const noexcept { return data_->claims.tenant_id; }
std::string_view VerifiedToken::token_type() const noexcept { return data_->claims.token_type; }
const std::vector<std::string>& VerifiedToken::audiences() const noexcept { return data_->claims.audiences; }
std::int64_t VerifiedToken::expires_at() const noexcept { return data_->claims.expires_at; }
std::int64_t VerifiedToken::issued_at() const noexcept { return data_->claims.issued_at; }
std::int64_t VerifiedToken::not_before() const noexcept { return data_->claims.not_before; }
std::size_t VerifiedToken::footprint() const noexcept { return data_->footprint; }

}  // namespace tessera
