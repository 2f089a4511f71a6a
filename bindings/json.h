// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bindings.h"

namespace tessera::bindings {

/// Claims that the core has checked, through Python's own JSON scanner. claims_malformed for what Python cannot hold
/// (an integer of more digits than sys.get_int_max_str_digits()).
py::object parse_claims(std::string_view payload);

/// The payload to be signed: the bytes as they are, or a mapping written as compact JSON in UTF-8. What json cannot
/// write is its own TypeError or ValueError; too deep, or a lone surrogate, is claims_malformed.
py::bytes claims_to_bytes(py::handle claims);

}  // namespace tessera::bindings
