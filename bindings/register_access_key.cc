// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "define.h"
#include "tessera/access_key.h"

namespace tessera::bindings {

namespace {

AccessKeyHasher::Hash hash_from(const py::object& value) {
  const std::string_view view = bytes(value, "expected");
  AccessKeyHasher::Hash hash{};
  if (view.size() != hash.size()) throw py::value_error("expected must have 32 bytes");
  std::copy(view.begin(), view.end(), hash.begin());
  return hash;
}

void register_key(py::module_& module) {
  py::class_<AccessKey, std::shared_ptr<AccessKey>> key(
      module, "AccessKey", py::is_final(),
      "A key pair for programs: an id of 20 characters and a secret of 40. Immutable; may be shared between threads.\n"
      "Its repr shows the id only; it cannot be pickled or copied.");
  refuse_init(key, "generate");
  define_static(key, "generate()", "A new pair from the system's random source.",
                [] { return std::make_shared<AccessKey>(unwrap(AccessKey::generate())); });
  define_static(
      key, "is_well_formed_id(id)", "The right length and alphabet; says nothing about existence.",
      [](const py::object& id) { return AccessKey::is_well_formed_id(text_or_bytes(id, "id")); }, py::arg("id"));
  key.def_property_readonly(
      "id", [](const AccessKey& self) { return to_str(self.id); }, "20 characters.");
  key.def_property_readonly(
      "secret", [](const AccessKey& self) { return to_str(self.secret); },
      "40 characters; shown to its owner once and kept as a hash.");
  key.def("__repr__", [](const AccessKey& self) { return py::str("<tessera.AccessKey id={!r}>").format(self.id); });
}

}  // namespace

void register_access_key(py::module_& module) {
  register_key(module);
  py::class_<AccessKeyHasher, std::shared_ptr<AccessKeyHasher>> hasher(
      module, "AccessKeyHasher", py::is_final(),
      "Keyed HMAC-SHA-256 of access-key secrets, bound to their ids. Threads may share it.");
  define_init(
      hasher, "__init__(self, pepper)", "`pepper`: at least 32 secret bytes, else LimitError.",
      [](const py::object& pepper) {
        return std::make_shared<AccessKeyHasher>(unwrap(AccessKeyHasher::create(bytes(pepper, "pepper"))));
      },
      py::arg("pepper"));
  define_method(
      hasher, "hash(self, id, secret)", "32 bytes to be stored. LimitError for an id with a NUL in it.",
      [](const AccessKeyHasher& self, const py::object& id, const py::object& secret) {
        const auto hash = unwrap(self.hash(text_or_bytes(id, "id"), text_or_bytes(secret, "secret")));
        return py::bytes(reinterpret_cast<const char*>(hash.data()), hash.size());
      },
      py::arg("id"), py::arg("secret"));
  define_method(
      hasher, "verify(self, id, secret, *, expected)",
      "Whether `expected` (32 bytes) is the hash of this pair; compared in constant time.",
      [](const AccessKeyHasher& self, const py::object& id, const py::object& secret, const py::object& expected) {
        return self.verify(text_or_bytes(id, "id"), text_or_bytes(secret, "secret"), hash_from(expected));
      },
      py::arg("id"), py::arg("secret"), py::kw_only(), py::arg("expected"));
}

}  // namespace tessera::bindings
