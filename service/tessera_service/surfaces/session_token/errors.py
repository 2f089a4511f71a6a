# SPDX-License-Identifier: Apache-2.0
"""The one table of the session-token surface: what went wrong -> status and message."""

from dataclasses import dataclass
from typing import Final

from tessera_service.errors import InvalidInput, ServiceError
from tessera_service.messages.session_token import TEXTS
from tessera_service.messages.text import Text


@dataclass(frozen=True, slots=True)
class Row:
    """One answer; the surface has no codes."""

    status: int
    text: Text


ROWS: Final = {
    "invalid_input.missing": Row(400, TEXTS["missing_field"]),
    "invalid_input": Row(400, TEXTS["invalid_input"]),
    "revoke_invalid": Row(400, TEXTS["no_session_token"]),
    "unauthorized": Row(401, TEXTS["wrong_key"]),
    "not_found": Row(404, TEXTS["not_found"]),
    "method_not_allowed": Row(405, TEXTS["method_not_allowed"]),
    "body_too_large": Row(413, TEXTS["body_too_large"]),
    "unsupported_media_type": Row(415, TEXTS["unsupported_media_type"]),
    "rate_limited": Row(429, TEXTS["rate_limited"]),
    "internal_error": Row(500, TEXTS["unavailable"]),
    "store_unavailable": Row(503, TEXTS["unavailable"]),
    "overloaded": Row(503, TEXTS["unavailable"]),
}


def find_row(error: ServiceError) -> Row:
    """The row of an error; the internal error if it has none."""
    case = f"{error.code}.missing" if isinstance(error, InvalidInput) and error.missing else error.code
    return ROWS.get(case, ROWS[ServiceError.code])
