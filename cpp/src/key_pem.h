// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "openssl.h"
#include "tessera/result.h"

namespace tessera::internal {

/// Exactly one PEM block (RFC 7468) and white space around it, at most 64 KiB. Nothing is ever asked of a terminal.
/// The key is read but not judged yet.
Result<PkeyPtr> read_public_pem(std::string_view pem);
Result<PkeyPtr> read_private_pem(std::string_view pem, std::string_view password);

/// PKCS#8; encrypted (PBES2) when the password is not empty.
Result<std::string> write_private_pem(const EVP_PKEY* pkey, std::string_view password);

}  // namespace tessera::internal
