// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "bindings.h"

namespace tessera::bindings {

/// What Python shows of a callable: its first line is read back by inspect.signature and help(), as CPython's own
/// builtins do it (name, signature, "--", text).
class Documented {
 public:
  Documented(std::string signature, const char* text)
      : name_(signature.substr(0, signature.find('('))), signature_(std::move(signature)) {
    doc_ = signature_ + "\n--\n\n" + text;
  }
  [[nodiscard]] const char* name() const { return name_.c_str(); }
  [[nodiscard]] const char* doc() const { return doc_.c_str(); }
  /// pybind11's own answer to a call that fits nothing quotes every argument: it could be a key or a token.
  [[nodiscard]] auto refusal() const {
    return [text = "the arguments do not fit " + signature_](const py::args&, const py::kwargs&) -> py::object {
      throw py::type_error(text);
    };
  }

 private:
  std::string name_;
  std::string signature_;
  std::string doc_;
};

template <typename Class, typename Function, typename... Extra>
void define_method(Class& target, std::string signature, const char* text, Function&& function, const Extra&... extra) {
  const Documented documented(std::move(signature), text);
  target.def(documented.name(), std::forward<Function>(function), extra..., documented.doc());
  target.def(documented.name(), documented.refusal());
}

template <typename Class, typename Function, typename... Extra>
void define_static(Class& target, std::string signature, const char* text, Function&& function, const Extra&... extra) {
  const Documented documented(std::move(signature), text);
  target.def_static(documented.name(), std::forward<Function>(function), extra..., documented.doc());
  target.def_static(documented.name(), documented.refusal());
}

/// `factory` returns a shared_ptr. `signature` begins with "__init__(self".
template <typename Class, typename Factory, typename... Extra>
void define_init(Class& target, std::string signature, const char* text, Factory&& factory, const Extra&... extra) {
  const Documented documented(std::move(signature), text);
  target.def(py::init(std::forward<Factory>(factory)), extra..., documented.doc());
  target.def(py::init([refusal = documented.refusal()](const py::args& args, const py::kwargs& kwargs) {
    refusal(args, kwargs);
    return std::shared_ptr<typename Class::type>();
  }));
}

/// For a class whose objects come from elsewhere: `made_by` says from where.
template <typename Class>
void refuse_init(Class& target, const char* made_by) {
  const std::string text = py::str(target.attr("__name__")).template cast<std::string>() + " is made by " + made_by;
  const Documented documented("__init__(self)", "Raises TypeError: see the static methods.");
  target.def(py::init([text](const py::args&, const py::kwargs&) -> std::shared_ptr<typename Class::type> {
               throw py::type_error(text);
             }),
             documented.doc());
}

template <typename Function, typename... Extra>
void define_function(py::module_& module, std::string signature, const char* text, Function&& function,
                     const Extra&... extra) {
  const Documented documented(std::move(signature), text);
  module.def(documented.name(), std::forward<Function>(function), extra..., documented.doc());
  module.def(documented.name(), documented.refusal());
}

}  // namespace tessera::bindings
