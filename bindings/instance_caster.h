// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <type_traits>

namespace tessera {

class AccessKeyHasher;
class Checker;
class KeySet;
class PrivateKey;
class PublicKey;
class RevocationSet;
class SessionTable;
class Signer;
class TokenCache;
struct AccessKey;
struct Policy;
struct Verdict;

namespace bindings {

struct BoundVerifier;

template <typename T, typename... Others>
inline constexpr bool kIsOneOf = (std::is_same_v<T, Others> || ...);

template <typename T>
inline constexpr bool kIsBound =
    kIsOneOf<T, AccessKey, AccessKeyHasher, BoundVerifier, Checker, KeySet, Policy, PrivateKey, PublicKey,
             RevocationSet, SessionTable, Signer, TokenCache, Verdict>;

}  // namespace bindings
}  // namespace tessera

namespace pybind11::detail {

/// An object made by `Class.__new__(Class)` holds nothing, and pybind11 would hand out raw memory for it. Here such an
/// object fits no argument, so that the call is a TypeError.
template <typename T>
class type_caster<T, std::enable_if_t<tessera::bindings::kIsBound<T>>> : public type_caster_base<T> {
 public:
  bool load(handle source, bool convert) {
    const bool is_instance = this->typeinfo != nullptr && PyType_IsSubtype(Py_TYPE(source.ptr()), this->typeinfo->type);
    if (!is_instance) return false;
    auto* held = reinterpret_cast<instance*>(source.ptr());
    return held->get_value_and_holder().holder_constructed() && type_caster_base<T>::load(source, convert);
  }
};

}  // namespace pybind11::detail
