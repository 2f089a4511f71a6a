// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tessera/key.h"

namespace tessera::token_tests {

/// Fixed keys of 2048 bit with the key ids "key-1" and "key-2".
const PrivateKey& test_key();
const PrivateKey& other_key();
/// "key-3072" and "key-4096".
const PrivateKey& key_of_3072_bits();
const PrivateKey& key_of_4096_bits();

}  // namespace tessera::token_tests
