# SPDX-License-Identifier: Apache-2.0
"""The one table of the legacy surface: what went wrong -> status and text."""

from dataclasses import dataclass
from typing import Final

from tessera_service.errors import ServiceError
from tessera_service.messages.legacy_auth import TEXTS
from tessera_service.messages.text import Text
from tessera_service.surfaces.legacy_auth.operations import LOGOUT, REFRESH


@dataclass(frozen=True, slots=True)
class Row:
    """One answer. There are no codes here: the text is all that the client gets."""

    status: int
    text: Text


_DEAD_REFRESH: Final = Row(401, TEXTS["dead_refresh_token"])
_FOREIGN: Final = Row(403, TEXTS["foreign_session"])
_UNAVAILABLE: Final = Row(503, TEXTS["unavailable"])

ROWS: Final = {
    "invalid_input": Row(400, TEXTS["invalid_input"]),
    "unauthorized": Row(401, TEXTS["dead_session"]),
    "not_found": Row(404, TEXTS["not_found"]),
    "method_not_allowed": Row(405, TEXTS["method_not_allowed"]),
    "body_too_large": Row(413, TEXTS["body_too_large"]),
    "unsupported_media_type": Row(415, TEXTS["unsupported_media_type"]),
    "rate_limited": Row(429, TEXTS["rate_limited"]),
    "internal_error": Row(500, TEXTS["unavailable"]),
    "store_unavailable": _UNAVAILABLE,
    "overloaded": _UNAVAILABLE,
}

# Where an operation words a case in its own way.
OWN_ROWS: Final = {
    (REFRESH, "refresh_invalid"): _DEAD_REFRESH,
    (REFRESH, "session_ended"): _DEAD_REFRESH,
    (REFRESH, "session_not_found"): _DEAD_REFRESH,
    (LOGOUT, "unauthorized"): Row(401, TEXTS["dead_access_token"]),
    (LOGOUT, "session_not_found"): _FOREIGN,
    (LOGOUT, "session_forbidden"): _FOREIGN,
}


def find_row(error: ServiceError, operation: str | None) -> Row:
    """The row of an error under an operation (None: a path that is none); the internal error if it has none."""
    return OWN_ROWS.get((operation or "", error.code)) or ROWS.get(error.code) or ROWS[ServiceError.code]
