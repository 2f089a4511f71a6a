// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/bn.h>

namespace tessera::internal {

/// Whether a modulus has the shape that the key generator of ROCA (CVE-2017-15361) gives: modulo each small prime it is
/// a power of 65537. Such a key can be factored. A sound modulus looks so once in about 2^28.
[[nodiscard]] bool has_roca_shape(const BIGNUM* modulus) noexcept;

}  // namespace tessera::internal
