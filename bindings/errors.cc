// SPDX-License-Identifier: Apache-2.0
// The one table from a cause of the core to the exception of Python.
#include <string>

#include "bindings.h"

namespace tessera::bindings {

namespace {

/// The classes live as long as the process, as builtin exceptions do.
struct Exceptions {
  PyObject* error = nullptr;
  PyObject* token = nullptr;
  PyObject* expired_token = nullptr;
  PyObject* revoked_token = nullptr;
  PyObject* json = nullptr;
  PyObject* invalid_key = nullptr;
  PyObject* limit = nullptr;
  PyObject* state = nullptr;
};

Exceptions& exceptions() {
  static Exceptions classes;
  return classes;
}

PyObject* class_of(Error cause) {
  const Exceptions& classes = exceptions();
  switch (cause) {
    case Error::token_too_large:
    case Error::token_malformed:
    case Error::header_malformed:
    case Error::header_forbidden:
    case Error::algorithm_not_allowed:
    case Error::type_not_allowed:
    case Error::key_id_missing:
    case Error::key_unknown:
    case Error::signature_invalid:
    case Error::claims_malformed:
    case Error::claim_missing:
    case Error::claim_invalid:
    case Error::issuer_mismatch:
    case Error::audience_mismatch:
    case Error::token_not_yet_valid:
    case Error::token_issued_in_future:
    case Error::lifetime_too_long:
    case Error::session_expired:
      return classes.token;
    case Error::token_expired:
      return classes.expired_token;
    case Error::token_revoked:
    case Error::session_revoked:
    case Error::subject_cut_off:
      return classes.revoked_token;
    case Error::json_too_large:
    case Error::json_too_deep:
    case Error::json_malformed:
    case Error::json_duplicate_member:
    case Error::json_invalid_string:
      return classes.json;
    case Error::key_malformed:
    case Error::key_type_not_allowed:
    case Error::key_size_not_allowed:
    case Error::key_exponent_not_allowed:
    case Error::key_use_not_allowed:
    case Error::key_password_wrong:
    case Error::key_id_invalid:
    case Error::key_id_duplicate:
    case Error::signing_key_missing:
      return classes.invalid_key;
    case Error::limit_exceeded:
      return classes.limit;
    case Error::snapshot_malformed:
    case Error::io_failed:
    case Error::crypto_failed:
      return classes.state;
  }
  return classes.error;
}

/// `code` on the class is what an exception made by hand carries; a raised one carries its own cause.
PyObject* add_class(py::module_& module, const char* name, const py::object& bases, const char* code, const char* doc) {
  py::dict members;
  members["code"] = code;
  const std::string qualified = std::string("tessera.") + name;
  PyObject* made = PyErr_NewExceptionWithDoc(qualified.c_str(), doc, bases.ptr(), members.ptr());
  if (made == nullptr) throw py::error_already_set();
  module.add_object(name, py::handle(made));
  return made;
}

}  // namespace

void register_errors(py::module_& module) {
  Exceptions& classes = exceptions();
  const auto both = [](PyObject* first, PyObject* second) {
    return py::make_tuple(py::handle(first), py::handle(second));
  };
  classes.error = add_class(module, "Error", py::make_tuple(py::handle(PyExc_Exception)), "error",
                            "Anything that the core refuses. `code` is stable; the text never contains a piece of the "
                            "input.");
  const py::tuple base = py::make_tuple(py::handle(classes.error));
  const py::tuple value_base = both(classes.error, PyExc_ValueError);
  classes.token = add_class(module, "TokenError", base, "token_malformed",
                            "A token that is not accepted. `code` is one of the causes of `tessera/error.h`.");
  const py::tuple token_base = py::make_tuple(py::handle(classes.token));
  classes.expired_token = add_class(module, "ExpiredTokenError", token_base, "token_expired",
                                    "The token is genuine and everything else is right, but its time is over "
                                    "(`token_expired`).");
  classes.revoked_token = add_class(module, "RevokedTokenError", token_base, "token_revoked",
                                    "Token, session or subject were revoked (`token_revoked`, `session_revoked`, "
                                    "`subject_cut_off`).");
  classes.json =
      add_class(module, "JsonError", value_base, "json_malformed", "Text that is not strict JSON (`json_*`).");
  classes.invalid_key = add_class(module, "InvalidKeyError", value_base, "key_malformed",
                                  "A key that is malformed or against the policy (`key_*`, `signing_key_missing`).");
  classes.limit = add_class(module, "LimitError", value_base, "limit_exceeded",
                            "An argument is over its documented limit (`limit_exceeded`).");
  classes.state = add_class(module, "StateError", base, "io_failed",
                            "Saved state, files or the crypto library failed (`snapshot_malformed`, `io_failed`, "
                            "`crypto_failed`).");
}

py::object make_exception(Error cause) {
  const std::string_view text = message(cause);
  py::object made = py::reinterpret_borrow<py::object>(class_of(cause))(to_str(text));
  made.attr("code") = to_str(code(cause));
  return made;
}

void raise(Error cause) {
  const py::object made = make_exception(cause);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
  throw py::error_already_set();
}

}  // namespace tessera::bindings
