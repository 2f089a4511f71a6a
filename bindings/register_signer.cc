// SPDX-License-Identifier: Apache-2.0
#include "define.h"
#include "json.h"
#include "tessera/signer.h"

namespace tessera::bindings {

namespace {

std::shared_ptr<Signer> make_signer(const py::object& key) {
  if (py::isinstance<KeySet>(key)) return std::make_shared<Signer>(*instance<KeySet>(key, "key"));
  if (!py::isinstance<PrivateKey>(key)) raise_type_error("key", "PrivateKey or KeySet", key);
  KeySet keys;
  unwrap(keys.replace({}, *instance<PrivateKey>(key, "key")));
  return std::make_shared<Signer>(std::move(keys));
}

py::str sign(const Signer& signer, const py::object& claims, const py::object& type) {
  const py::bytes payload = claims_to_bytes(claims);
  const std::string_view payload_view = bytes(payload, "claims");
  const std::string_view type_view = text_or_bytes(type, "type");
  return to_str(unwrap(without_gil([&] { return signer.sign(payload_view, type_view); })));
}

py::str sign_jws(const py::object& key, const py::object& header, const py::object& payload) {
  const auto private_key = instance<PrivateKey>(key, "key");
  const std::string_view header_view = bytes(header, "header");
  const std::string_view payload_view = bytes(payload, "payload");
  return to_str(unwrap(without_gil([&] { return Signer::sign_jws(*private_key, header_view, payload_view); })));
}

}  // namespace

void register_signer(py::module_& module) {
  py::class_<Signer, std::shared_ptr<Signer>> signer(
      module, "Signer", py::is_final(),
      "Makes RS256 tokens with a key, or with the signing key that a set has at each call. Threads may share it; sign\n"
      "releases the GIL.");
  define_init(signer, "__init__(self, key)", "`key`: a PrivateKey, or a KeySet.", &make_signer, py::arg("key"));
  define_method(
      signer, "sign(self, claims, *, type='at+jwt')",
      "The compact token. `claims`: a mapping, or the exact payload bytes (a strict JSON object, at most 64\n"
      "KiB). `type`: header typ, 1..64 bytes. RS256 is deterministic: same bytes, type and key, same token.\n"
      "Raises TypeError or ValueError for what json cannot write, TokenError (claims_malformed), LimitError,\n"
      "InvalidKeyError (signing_key_missing).",
      &sign, py::arg("claims"), py::kw_only(), py::arg("type") = "at+jwt");
  define_function(module, "sign_jws(key, header, payload)",
                  "Plain JWS: any payload under the caller's own header (bytes; strict JSON, alg RS256). Releases the\n"
                  "GIL. Raises TokenError (header_malformed, algorithm_not_allowed, ...).",
                  &sign_jws, py::arg("key"), py::arg("header"), py::arg("payload"));
}

}  // namespace tessera::bindings
