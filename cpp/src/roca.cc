// SPDX-License-Identifier: Apache-2.0
#include "roca.h"

#include <algorithm>
#include <array>

namespace tessera::internal {
namespace {

// The primes that divide the generator's modulus for every key size.
constexpr std::array<BN_ULONG, 38> kPrimes = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                              47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                              107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};
constexpr BN_ULONG kGenerator = 65537;

bool is_power_of_generator(BN_ULONG residue, BN_ULONG prime) noexcept {
  BN_ULONG power = 1;
  do {
    if (power == residue) return true;
    power = power * kGenerator % prime;
  } while (power != 1);
  return false;
}

}  // namespace

bool has_roca_shape(const BIGNUM* modulus) noexcept {
  return std::all_of(kPrimes.begin(), kPrimes.end(),
                     [modulus](BN_ULONG prime) { return is_power_of_generator(BN_mod_word(modulus, prime), prime); });
}

}  // namespace tessera::internal
