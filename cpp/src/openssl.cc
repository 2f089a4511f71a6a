// SPDX-License-Identifier: Apache-2.0
#include "openssl.h"

#include <openssl/err.h>

namespace tessera::internal {

Error openssl_failure(Error otherwise) noexcept {
  Error cause = otherwise;
  while (const unsigned long code = ERR_get_error()) {
    if (ERR_FATAL_ERROR(code)) cause = Error::crypto_failed;
  }
  return cause;
}

}  // namespace tessera::internal
