// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "bound_verifier.h"
#include "define.h"
#include "json.h"
#include "tessera/token_cache.h"
#include "tessera/verifier.h"

namespace tessera::bindings {

namespace {

KeySet key_set(const py::object& keys) {
  if (py::isinstance<KeySet>(keys)) return *instance<KeySet>(keys, "keys");
  if (!py::isinstance<PublicKey>(keys)) raise_type_error("keys", "KeySet or PublicKey", keys);
  KeySet set;
  unwrap(set.replace({*instance<PublicKey>(keys, "keys")}));
  return set;
}

std::shared_ptr<BoundVerifier> make_verifier(const py::object& keys, const py::object& policy, const py::object& cache,
                                             const py::object& revocations) {
  const auto expected = instance<Policy>(policy, "policy");
  return std::make_shared<BoundVerifier>(
      BoundVerifier{std::make_shared<Verifier>(key_set(keys), *expected, optional_instance<TokenCache>(cache, "cache")),
                    optional_instance<RevocationSet>(revocations, "revocations")});
}

VerifiedToken verify(const BoundVerifier& self, const py::object& token, const py::object& now) {
  const std::string_view view = text_or_bytes(token, "token");
  const std::int64_t seconds = seconds_or_now(now);
  return unwrap(without_gil([&] { return self.verify(view, seconds); }));
}

py::object entry(const Result<VerifiedToken>& result) {
  if (!result) return make_exception(result.error());
  try {
    return parse_claims(result.value().payload());
  } catch (py::error_already_set& failure) {
    return py::reinterpret_borrow<py::object>(failure.value());
  }
}

py::list verify_many(const BoundVerifier& self, const py::object& tokens, const py::object& now) {
  // Own references: the list itself may change while the GIL is released.
  const auto held = py::reinterpret_steal<py::tuple>(PySequence_Tuple(tokens.ptr()));
  if (!held) throw py::error_already_set();
  std::vector<std::string_view> views;
  views.reserve(held.size());
  for (const py::handle token : held) views.push_back(text_or_bytes(token, "every token"));
  const std::int64_t seconds = seconds_or_now(now);
  const auto results = without_gil([&] { return self.verify_many(views, seconds); });
  py::list entries(results.size());
  for (std::size_t index = 0; index < results.size(); ++index) entries[index] = entry(results[index]);
  return entries;
}

std::pair<py::bytes, py::bytes> verify_jws(const py::object& token, const py::object& key,
                                           const py::object& max_bytes) {
  const std::string_view view = text_or_bytes(token, "token");
  const auto public_key = instance<PublicKey>(key, "key");
  const auto limit = static_cast<std::size_t>(integer_from(0, max_bytes, "max_bytes"));
  const SignedPayload parts = unwrap(without_gil([&] { return Verifier::verify_jws(view, *public_key, limit); }));
  return {to_bytes(parts.header), to_bytes(parts.payload)};
}

}  // namespace

void register_verifier(py::module_& module) {
  py::class_<BoundVerifier, std::shared_ptr<BoundVerifier>> verifier(
      module, "Verifier", py::is_final(),
      "Verifies tokens against a policy: size, shape, header, key, signature, claims, in this order. Threads may "
      "share\n"
      "it; verify, verify_bytes and verify_many release the GIL.");
  define_init(verifier, "__init__(self, keys, policy, *, cache=None, revocations=None)",
              "`keys`: a KeySet, or one PublicKey. With `revocations`, what was revoked there is refused.",
              &make_verifier, py::arg("keys"), py::arg("policy"), py::kw_only(), py::arg("cache") = py::none(),
              py::arg("revocations") = py::none());
  define_method(
      verifier, "verify(self, token, *, now=None)",
      "The claims. `token`: str or bytes. `now`: seconds since 1970, the present if None. Raises TokenError, of it\n"
      "ExpiredTokenError and, for a revoked jti or sid, RevokedTokenError.",
      [](const BoundVerifier& self, const py::object& token, const py::object& now) {
        return parse_claims(verify(self, token, now).payload());
      },
      py::arg("token"), py::kw_only(), py::arg("now") = py::none());
  define_method(
      verifier, "verify_bytes(self, token, *, now=None)", "As verify, but the payload as it was signed.",
      [](const BoundVerifier& self, const py::object& token, const py::object& now) {
        return to_bytes(verify(self, token, now).payload());
      },
      py::arg("token"), py::kw_only(), py::arg("now") = py::none());
  define_method(verifier, "verify_many(self, tokens, *, now=None)",
                "One entry per token, in order: its claims, or the TokenError (returned, not raised).", &verify_many,
                py::arg("tokens"), py::kw_only(), py::arg("now") = py::none());
  define_function(module, "verify_jws(token, key, *, max_bytes=65536)",
                  "Header and payload (bytes) of a JWS with a right signature; no claim is checked. Releases the GIL.\n"
                  "Raises TokenError.",
                  &verify_jws, py::arg("token"), py::arg("key"), py::kw_only(), py::arg("max_bytes") = 65536);
}

}  // namespace tessera::bindings
