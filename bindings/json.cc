// SPDX-License-Identifier: Apache-2.0
#include "json.h"

#include <pybind11/gil_safe_call_once.h>

namespace tessera::bindings {

namespace {

using Once = py::gil_safe_call_once_and_store<py::object>;

/// JSONDecoder().raw_decode: what json.loads calls after it has guessed an encoding and skipped white space.
const py::object& raw_decode() {
  PYBIND11_CONSTINIT static Once storage;
  return storage
      .call_once_and_store_result(
          [] { return py::object(py::module_::import("json").attr("JSONDecoder")().attr("raw_decode")); })
      .get_stored();
}

const py::object& encode() {
  PYBIND11_CONSTINIT static Once storage;
  return storage
      .call_once_and_store_result([] {
        const py::object encoder = py::module_::import("json").attr("JSONEncoder")(
            py::arg("separators") = py::make_tuple(",", ":"), py::arg("ensure_ascii") = false,
            py::arg("allow_nan") = false);
        return py::object(encoder.attr("encode"));
      })
      .get_stored();
}

}  // namespace

py::object parse_claims(std::string_view payload) {
  const std::size_t start = payload.find_first_not_of(" \t\r\n");
  const py::str text = to_str(payload.substr(start == std::string_view::npos ? payload.size() : start));
  try {
    return py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(py::tuple(raw_decode()(text)).ptr(), 0));
  } catch (py::error_already_set& failure) {
    if (!failure.matches(PyExc_ValueError)) throw;
  }
  raise(Error::claims_malformed);
}

py::bytes claims_to_bytes(py::handle claims) {
  if (PyBytes_Check(claims.ptr())) return py::reinterpret_borrow<py::bytes>(claims);
  const bool is_mapping = PyDict_Check(claims.ptr()) || py::hasattr(claims, "keys");
  if (!is_mapping) raise_type_error("claims", "a mapping or bytes", claims);
  try {
    const py::object text = encode()(PyDict_Check(claims.ptr()) ? py::reinterpret_borrow<py::dict>(claims)
                                                                : py::dict(py::reinterpret_borrow<py::object>(claims)));
    PyObject* utf8 = PyUnicode_AsUTF8String(text.ptr());
    if (utf8 == nullptr) throw py::error_already_set();
    return py::reinterpret_steal<py::bytes>(utf8);
  } catch (py::error_already_set& failure) {
    if (!failure.matches(PyExc_RecursionError) && !failure.matches(PyExc_UnicodeEncodeError)) throw;
  }
  raise(Error::claims_malformed);
}

}  // namespace tessera::bindings
