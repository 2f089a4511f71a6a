// SPDX-License-Identifier: Apache-2.0
#include "bindings.h"

namespace tessera::bindings {

namespace {

std::string_view view_of_bytes(py::handle value) {
  return {PyBytes_AS_STRING(value.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(value.ptr()))};
}

/// Null data when the str has no UTF-8 form; the Python error is set then.
std::string_view view_of_str(py::handle value) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
  return data == nullptr ? std::string_view() : std::string_view(data, static_cast<std::size_t>(size));
}

}  // namespace

void raise_type_error(const char* name, const char* expected, py::handle value) {
  PyErr_Format(PyExc_TypeError, "%s must be %s, not %.100s", name, expected, Py_TYPE(value.ptr())->tp_name);
  throw py::error_already_set();
}

std::string_view text_or_bytes(py::handle value, const char* name) {
  if (PyBytes_Check(value.ptr())) return view_of_bytes(value);
  if (!PyUnicode_Check(value.ptr())) raise_type_error(name, "str or bytes", value);
  const std::string_view view = view_of_str(value);
  if (view.data() != nullptr) return view;
  if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) == 0) throw py::error_already_set();
  PyErr_Clear();
  return kNotUtf8;
}

std::string_view text(py::handle value, const char* name) {
  if (!PyUnicode_Check(value.ptr())) raise_type_error(name, "str", value);
  const std::string_view view = view_of_str(value);
  if (view.data() == nullptr) throw py::error_already_set();
  return view;
}

std::string_view optional_text(py::handle value, const char* name) {
  return value.is_none() ? std::string_view() : text(value, name);
}

std::string_view optional_text_or_bytes(py::handle value, const char* name) {
  return value.is_none() ? std::string_view() : text_or_bytes(value, name);
}

std::string_view bytes(py::handle value, const char* name) {
  if (!PyBytes_Check(value.ptr())) raise_type_error(name, "bytes", value);
  return view_of_bytes(value);
}

std::int64_t integer(py::handle value, const char* name) {
  if (!PyLong_Check(value.ptr()) || PyBool_Check(value.ptr())) raise_type_error(name, "int", value);
  const long long number = PyLong_AsLongLong(value.ptr());
  if (number == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return number;
}

std::int64_t integer_from(std::int64_t lowest, py::handle value, const char* name) {
  const std::int64_t number = integer(value, name);
  if (number < lowest) throw py::value_error(std::string(name) + " must be at least " + std::to_string(lowest));
  return number;
}

std::int64_t seconds_or_now(py::handle value) {
  return value.is_none() ? static_cast<std::int64_t>(std::time(nullptr)) : integer(value, "now");
}

}  // namespace tessera::bindings
