// SPDX-License-Identifier: Apache-2.0
#include "bindings.h"
#include "tessera/version.h"

namespace tessera::bindings {

namespace {

/// A pickle would carry key material, or nothing: refused for every class (copies included).
void refuse_pickling(py::module_& module) {
  for (const auto& [name, member] : module.attr("__dict__").cast<py::dict>()) {
    if (!PyType_Check(member.ptr()) || PyExceptionClass_Check(member.ptr())) continue;
    member.attr("__module__") = "tessera";
    const std::string text = "cannot pickle or copy a tessera." + name.cast<std::string>();
    member.attr("__reduce_ex__") =
        py::cpp_function([text](const py::object&, const py::object&) -> py::object { throw py::type_error(text); },
                         py::name("__reduce_ex__"), py::is_method(member));
  }
}

}  // namespace

}  // namespace tessera::bindings

PYBIND11_MODULE(_core, module) {
  using namespace tessera::bindings;
  py::options options;
  options.disable_function_signatures();  // define.h writes them as Python does
  module.doc() = "The compiled core of tessera; import tessera instead.";
  module.attr("__version__") = tessera::kVersion;
  register_errors(module);
  register_json(module);
  register_keys(module);
  register_key_set(module);
  register_policy(module);
  register_signer(module);
  register_token_cache(module);
  register_revocation_set(module);
  register_verifier(module);
  register_session_table(module);
  register_checker(module);
  register_access_key(module);
  refuse_pickling(module);
  module.attr("_Type") = py::type::handle_of(module.attr("KeySet"));
}
