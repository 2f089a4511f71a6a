# SPDX-License-Identifier: Apache-2.0
"""The one table of the legacy surface: what went wrong -> status and text (contract section 6)."""

from dataclasses import dataclass
from typing import Final

from tessera_service.errors import ServiceError
from tessera_service.surfaces.legacy_auth.operations import LOGOUT, REFRESH


@dataclass(frozen=True, slots=True)
class Row:
    """One answer. There are no codes here: the text is all that the client gets."""

    status: int
    message: str


_DEAD_REFRESH: Final = Row(401, "The refresh token is not valid.")
_UNAVAILABLE: Final = Row(503, "The service cannot answer at the moment.")

ROWS: Final = {
    "invalid_input": Row(400, "The request is not valid."),
    "unauthorized": Row(401, "The session is not valid."),
    "not_found": Row(404, "There is nothing at this path."),
    "method_not_allowed": Row(405, "This path does not take this method."),
    "body_too_large": Row(413, "The body is too large."),
    "unsupported_media_type": Row(415, "The body's content type or encoding is not supported."),
    "rate_limited": Row(429, "Too many requests: try again later."),
    "internal_error": Row(500, "The service cannot answer at the moment."),
    "store_unavailable": _UNAVAILABLE,
    "overloaded": _UNAVAILABLE,
}

# Where an operation words a case in its own way.
OWN_ROWS: Final = {
    (REFRESH, "refresh_invalid"): _DEAD_REFRESH,
    (REFRESH, "session_ended"): _DEAD_REFRESH,
    (REFRESH, "session_not_found"): _DEAD_REFRESH,
    (LOGOUT, "unauthorized"): Row(401, "The access token is not valid."),
    (LOGOUT, "session_not_found"): Row(403, "The session does not belong to the token."),
    (LOGOUT, "session_forbidden"): Row(403, "The session does not belong to the token."),
}


def find_row(error: ServiceError, operation: str | None) -> Row:
    """The row of an error under an operation (None: a path that is none); the internal error if it has none."""
    return OWN_ROWS.get((operation or "", error.code)) or ROWS.get(error.code) or ROWS[ServiceError.code]
