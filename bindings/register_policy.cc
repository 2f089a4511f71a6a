// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "define.h"
#include "tessera/policy.h"

namespace tessera::bindings {

namespace {

/// A list of names; a str would be read letter by letter, so it is refused.
std::vector<std::string> names(const py::object& value, const char* name) {
  if (PyUnicode_Check(value.ptr()) || PyBytes_Check(value.ptr())) raise_type_error(name, "a sequence of str", value);
  std::vector<std::string> result;
  for (const py::handle item : py::iter(value)) {
    result.emplace_back(text(item, name));
    if (result.back().empty()) throw py::value_error(std::string(name) + " must not hold an empty name");
  }
  return result;
}

std::vector<std::string> audiences(const py::object& value) {
  if (value.is_none()) return {};
  if (PyUnicode_Check(value.ptr())) return names(py::make_tuple(value), "audience");
  return names(value, "audience");
}

/// Without an issuer or an audience a policy is complete only when the loosening was spelled out.
void demand(bool given, const char* name) {
  if (!given) throw py::value_error(std::string(name) + " is required unless ignore_" + name + " is set");
}

std::shared_ptr<Policy> make_policy(const py::object& issuer, const py::object& audience, const py::object& types,
                                    const py::object& required_claims, const py::object& leeway_seconds,
                                    const py::object& skew_seconds, const py::object& max_lifetime_seconds,
                                    const py::object& max_token_bytes, bool ignore_expiry, bool ignore_issuer,
                                    bool ignore_audience, bool allow_any_type) {
  auto policy = std::make_shared<Policy>();
  policy->issuer = optional_text(issuer, "issuer");
  policy->audiences = audiences(audience);
  policy->types = names(types, "types");
  policy->required_claims = names(required_claims, "required_claims");
  policy->leeway_seconds = integer_from(0, leeway_seconds, "leeway_seconds");
  policy->skew_seconds = integer_from(0, skew_seconds, "skew_seconds");
  policy->max_lifetime_seconds = integer_from(0, max_lifetime_seconds, "max_lifetime_seconds");
  policy->max_token_bytes = static_cast<std::size_t>(integer_from(1, max_token_bytes, "max_token_bytes"));
  policy->ignore_expiry = ignore_expiry;
  policy->ignore_issuer = ignore_issuer;
  policy->ignore_audience = ignore_audience;
  policy->allow_any_type = allow_any_type;
  demand(ignore_issuer || !policy->issuer.empty(), "issuer");
  demand(ignore_audience || !policy->audiences.empty(), "audience");
  if (!allow_any_type && policy->types.empty())
    throw py::value_error("types must name one unless allow_any_type is set");
  return policy;
}

}  // namespace

void register_policy(py::module_& module) {
  py::class_<Policy, std::shared_ptr<Policy>> policy(
      module, "Policy", py::is_final(),
      "What is expected of a token. Immutable; may be shared between threads. Strict by default; each loosening is a\n"
      "visible word.");
  define_init(
      policy,
      "__init__(self, *, issuer=..., audience=..., types=['at+jwt'], required_claims=['sub', 'iat', 'jti'], "
      "leeway_seconds=0, skew_seconds=5, max_lifetime_seconds=0, max_token_bytes=8192, ignore_expiry=False, "
      "ignore_issuer=False, ignore_audience=False, allow_any_type=False)",
      "issuer: what iss has to equal. audience: one str, or several of which aud has to contain one. Both are "
      "demanded\n"
      "unless ignore_issuer / ignore_audience is set (ValueError).\n"
      "types: accepted header typ, compared exactly. required_claims: besides iss, aud and exp.\n"
      "leeway_seconds: added to exp, which is exclusive. skew_seconds: how far nbf and iat may lie in the future.\n"
      "max_lifetime_seconds: of exp - iat, 0 for no limit. max_token_bytes: of the whole token.\n"
      "ignore_expiry: also accept what is over. allow_any_type: any typ, or none.",
      &make_policy, py::kw_only(), py::arg("issuer") = py::none(), py::arg("audience") = py::none(),
      py::arg("types") = py::make_tuple("at+jwt"), py::arg("required_claims") = py::make_tuple("sub", "iat", "jti"),
      py::arg("leeway_seconds") = 0, py::arg("skew_seconds") = 5, py::arg("max_lifetime_seconds") = 0,
      py::arg("max_token_bytes") = 8192, py::arg("ignore_expiry") = false, py::arg("ignore_issuer") = false,
      py::arg("ignore_audience") = false, py::arg("allow_any_type") = false);
}

}  // namespace tessera::bindings
