// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/result.h"

namespace tessera::internal {

/// A strict JOSE header: alg is RS256 and nothing forbidden is there. Immutable.
struct JwsHeader {
  std::string json;
  std::optional<std::string> type;    ///< typ
  std::optional<std::string> key_id;  ///< kid: 1..128 bytes without control characters
  bool type_is_invalid = false;       ///< typ is there and not a string
  bool key_id_is_invalid = false;     ///< kid is there and not as above
};

/// Errors: header_malformed, header_forbidden, algorithm_not_allowed.
Result<std::shared_ptr<const JwsHeader>> read_jws_header(std::string json);

/// A compact JWS (RFC 7515 section 7.1), decoded; its signature was not looked at.
struct CompactJws {
  std::string_view signing_input;
  std::shared_ptr<const JwsHeader> header;
  std::string payload;
  std::string signature;
};

/// The shape of the whole token first, then its header. A header that is spelled like the last good one of this thread
/// is not read again; which key it means is asked each time. Errors: token_malformed and those of read_jws_header.
Result<CompactJws> read_compact(std::string_view token);

}  // namespace tessera::internal
