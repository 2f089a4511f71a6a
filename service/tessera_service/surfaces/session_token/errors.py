# SPDX-License-Identifier: Apache-2.0
"""The one table of the session-token surface: what went wrong -> status and message (contract section 5)."""

from dataclasses import dataclass
from typing import Final

from tessera_service.errors import InvalidInput, ServiceError
from tessera_service.surfaces.session_token import messages


@dataclass(frozen=True, slots=True)
class Row:
    """One answer; the surface has no codes."""

    status: int
    message: str


ROWS: Final = {
    "invalid_input.missing": Row(400, messages.MISSING_FIELD),
    "invalid_input": Row(400, messages.INVALID_REQUEST),
    "revoke_invalid": Row(400, messages.NO_SESSION_TOKEN),
    "unauthorized": Row(401, messages.WRONG_KEY),
    "not_found": Row(404, messages.NOT_FOUND),
    "method_not_allowed": Row(405, messages.METHOD_NOT_ALLOWED),
    "body_too_large": Row(413, messages.TOO_LARGE),
    "unsupported_media_type": Row(415, messages.UNSUPPORTED),
    "rate_limited": Row(429, messages.RATE_LIMITED),
    "internal_error": Row(500, messages.UNAVAILABLE),
    "store_unavailable": Row(503, messages.UNAVAILABLE),
    "overloaded": Row(503, messages.UNAVAILABLE),
}


def find_row(error: ServiceError) -> Row:
    """The row of an error; the internal error if it has none."""
    case = f"{error.code}.missing" if isinstance(error, InvalidInput) and error.missing else error.code
    return ROWS.get(case, ROWS[ServiceError.code])
