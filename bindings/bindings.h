// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "instance_caster.h"
#include "tessera/result.h"

namespace tessera::bindings {

namespace py = pybind11;

// The list of module.cc; each is defined in register_<subject>.cc.
void register_errors(py::module_& module);
void register_json(py::module_& module);
void register_keys(py::module_& module);
void register_key_set(py::module_& module);
void register_policy(py::module_& module);
void register_signer(py::module_& module);
void register_token_cache(py::module_& module);
void register_revocation_set(py::module_& module);
void register_verifier(py::module_& module);
void register_session_table(py::module_& module);
void register_checker(py::module_& module);
void register_access_key(py::module_& module);

/// The Python exception of a cause, not raised.
py::object make_exception(Error cause);
/// Raises it.
[[noreturn]] void raise(Error cause);

/// The value, or the cause as an exception.
template <typename T>
T unwrap(Result<T>&& result) {
  if (!result) raise(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

/// Runs `work` while other Python threads go on. It must touch no Python object: only views of immutable ones that the
/// caller holds.
template <typename Work>
auto without_gil(Work&& work) {
  py::gil_scoped_release released;
  return std::forward<Work>(work)();
}

// Arguments. Only str and bytes are read, since their bytes cannot change while the GIL is released (those of a
// bytearray can). The views live as long as the object. A TypeError names the argument and its type, never its value.

/// What stands for a str that has no UTF-8 form (a lone surrogate): no token, key or JSON begins with this byte.
inline constexpr std::string_view kNotUtf8 = "\x80";

/// str or bytes; a str with a lone surrogate is read as kNotUtf8, which the core refuses with its own cause.
std::string_view text_or_bytes(py::handle value, const char* name);
/// str only; a lone surrogate is a UnicodeEncodeError (a ValueError).
std::string_view text(py::handle value, const char* name);
/// str, or empty for None.
std::string_view optional_text(py::handle value, const char* name);
/// str or bytes, or empty for None.
std::string_view optional_text_or_bytes(py::handle value, const char* name);
/// bytes only.
std::string_view bytes(py::handle value, const char* name);
/// int and not bool; OverflowError beyond 64 bits.
std::int64_t integer(py::handle value, const char* name);
/// As integer; ValueError below `lowest`.
std::int64_t integer_from(std::int64_t lowest, py::handle value, const char* name);
/// Seconds since 1970: `value`, or the present for None.
std::int64_t seconds_or_now(py::handle value);

[[noreturn]] void raise_type_error(const char* name, const char* expected, py::handle value);

/// The object that an argument of a class of this module holds.
template <typename T>
std::shared_ptr<T> instance(py::handle value, const char* name) {
  if (!py::isinstance<T>(value)) {
    raise_type_error(name, py::str(py::type::of<T>().attr("__name__")).cast<std::string>().c_str(), value);
  }
  try {
    return value.cast<std::shared_ptr<T>>();
  } catch (const py::cast_error&) {  // made by __new__ alone: it holds nothing
    raise_type_error(name, "an object that was initialised", value);
  }
}

/// As instance, or null for None.
template <typename T>
std::shared_ptr<T> optional_instance(py::handle value, const char* name) {
  return value.is_none() ? nullptr : instance<T>(value, name);
}

inline py::str to_str(std::string_view value) { return py::str(value.data(), value.size()); }
inline py::bytes to_bytes(std::string_view value) { return py::bytes(value.data(), value.size()); }

}  // namespace tessera::bindings
