// SPDX-License-Identifier: Apache-2.0
#include "define.h"
#include "tessera/claims.h"

namespace tessera::bindings {

void register_json(py::module_& module) {
  define_function(
      module, "check_json(data, *, max_bytes=65536, max_depth=32)",
      "Raises JsonError unless `data` (bytes or str) is one strict JSON value (RFC 8259): UTF-8 without BOM, no\n"
      "duplicate members, no lone surrogates, no NaN, no trailing data, at most `max_bytes` bytes and `max_depth`\n"
      "levels of arrays and objects. Keeps the GIL.",
      [](const py::object& data, const py::object& max_bytes, const py::object& max_depth) {
        const JsonLimits limits{static_cast<std::size_t>(integer_from(0, max_bytes, "max_bytes")),
                                static_cast<std::size_t>(integer_from(0, max_depth, "max_depth"))};
        unwrap(check_json(text_or_bytes(data, "data"), limits));
      },
      py::arg("data"), py::kw_only(), py::arg("max_bytes") = 65536, py::arg("max_depth") = 32);
}

}  // namespace tessera::bindings
