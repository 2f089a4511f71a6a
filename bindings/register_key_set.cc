// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "define.h"
#include "tessera/keyset.h"

namespace tessera::bindings {

namespace {

std::vector<PublicKey> public_keys(const py::object& keys) {
  std::vector<PublicKey> result;
  for (const py::handle key : py::iter(keys)) result.push_back(*instance<PublicKey>(key, "every key"));
  return result;
}

void replace(KeySet& set, const py::object& keys, const py::object& signing_key) {
  std::optional<PrivateKey> signer;
  if (const auto key = optional_instance<PrivateKey>(signing_key, "signing_key")) signer = *key;
  unwrap(set.replace(public_keys(keys), std::move(signer)));
}

std::shared_ptr<KeySet> make_set(const py::object& keys, const py::object& signing_key) {
  auto set = std::make_shared<KeySet>();
  replace(*set, keys, signing_key);
  return set;
}

std::shared_ptr<KeySet> set_from_jwks(const py::object& jwks) {
  auto set = std::make_shared<KeySet>();
  unwrap(set->replace(unwrap(KeySet::parse_jwks(text_or_bytes(jwks, "jwks")))));
  return set;
}

py::list kids(const KeySet& set) {
  py::list result;
  for (const PublicKey& key : set.snapshot()->keys()) result.append(to_str(key.key_id()));
  return result;
}

py::object signing_kid(const KeySet& set) {
  const auto snapshot = set.snapshot();
  return snapshot->signing_key() ? py::object(to_str(snapshot->signing_key()->key_id())) : py::none();
}

void define_reading(py::class_<KeySet, std::shared_ptr<KeySet>>& set) {
  define_method(set, "jwks(self)", "The public keys as a JWKS document (RFC 7517 section 5), JSON text.",
                [](const KeySet& self) { return to_str(self.snapshot()->jwks()); });
  set.def_property_readonly("generation", &KeySet::generation, "Grows with each replace().");
  set.def_property_readonly("kids", &kids, "The kids, in the order given.");
  set.def_property_readonly("signing_kid", &signing_kid, "The kid of the key that signs, or None.");
  set.def("__len__", [](const KeySet& self) { return self.snapshot()->keys().size(); });
  set.def("__contains__", [](const KeySet& self, const py::object& kid) {
    return PyUnicode_Check(kid.ptr()) && self.snapshot()->find(text_or_bytes(kid, "kid")) != nullptr;
  });
  set.def("__repr__", [](const KeySet& self) {
    return py::str("<tessera.KeySet kids={!r} signing_kid={!r}>").format(kids(self), signing_kid(self));
  });
}

}  // namespace

void register_key_set(py::module_& module) {
  py::class_<KeySet, std::shared_ptr<KeySet>> set(
      module, "KeySet", py::is_final(),
      "The keys that count and the one that signs, at most 64. Threads may share it: replace() swaps all keys at once\n"
      "while others verify, and verifying never waits for it. Verifiers and signers made from it follow each "
      "replace().");
  define_init(set, "__init__(self, keys=(), *, signing_key=None)",
              "`keys`: PublicKey objects. `signing_key`: a PrivateKey, added to `keys` unless it is among them.\n"
              "Raises InvalidKeyError when one kid names two keys, LimitError over 64 keys.",
              &make_set, py::arg("keys") = py::tuple(), py::kw_only(), py::arg("signing_key") = py::none());
  define_static(set, "from_jwks(jwks)",
                "Reads a public JWKS (JSON as bytes or str). Keys that are not plain RS256 verification keys are left\n"
                "out; a kid twice among the usable ones is an InvalidKeyError.",
                &set_from_jwks, py::arg("jwks"));
  define_method(set, "replace(self, keys, *, signing_key=None)",
                "Replaces all keys and the signing key at once; on an error nothing changes. Errors as in __init__.",
                &replace, py::arg("keys"), py::kw_only(), py::arg("signing_key") = py::none());
  define_reading(set);
}

}  // namespace tessera::bindings
