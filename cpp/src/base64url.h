// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace tessera::internal {

/// Appends the base64url of `bytes`, without padding (RFC 4648 section 5, RFC 7515 section 2).
void append_base64url(std::string& out, std::string_view bytes);
[[nodiscard]] std::string base64url(std::string_view bytes);

/// Replaces `out` by the decoded bytes. Takes the one canonical spelling only: no padding, no white space, no other
/// alphabet, unused bits zero (RFC 4648 section 3.5). On false `out` holds nothing of use.
[[nodiscard]] bool decode_base64url(std::string_view text, std::string& out);

}  // namespace tessera::internal
