# SPDX-License-Identifier: Apache-2.0
"""The one table of the gateway surface: what went wrong -> status and code."""

from dataclasses import dataclass
from typing import Final

from tessera_service.errors import InvalidInput, ServiceError, TokenDead, Unauthorized
from tessera_service.surfaces.gateway.operations import CREATE


@dataclass(frozen=True, slots=True)
class Row:
    """One answer."""

    status: int
    code: str


ROWS: Final = {
    "invalid_input.missing": Row(400, "missing_fields"),
    "invalid_input": Row(400, "invalid_request"),
    "token_too_large": Row(400, "invalid_request"),
    "unauthorized.missing": Row(401, "missing_token"),
    "unauthorized": Row(401, "session_not_found"),
    "token_dead.expired": Row(401, "session_expired"),
    "token_dead.inactive": Row(401, "session_inactive"),
    "token_dead.not_found": Row(401, "session_not_found"),
    "forbidden": Row(403, "forbidden"),
    "session_forbidden": Row(403, "forbidden"),
    "session_not_found": Row(404, "session_not_found"),
    "session_limit_reached": Row(409, "session_creation_failed"),
    "not_found": Row(404, "not_found"),
    "method_not_allowed": Row(405, "method_not_allowed"),
    "body_too_large": Row(413, "payload_too_large"),
    "unsupported_media_type": Row(415, "unsupported_media_type"),
    "rate_limited": Row(429, "rate_limited"),
    "internal_error": Row(500, "validation_error"),
    "store_unavailable": Row(503, "validation_error"),
    "overloaded": Row(503, "validation_error"),
}

# Where an operation words a case in its own way.
OWN_ROWS: Final = {
    (CREATE, "internal_error"): Row(500, "session_creation_failed"),
    (CREATE, "store_unavailable"): Row(503, "session_creation_failed"),
    (CREATE, "overloaded"): Row(503, "session_creation_failed"),
}


def cases_of(error: ServiceError) -> tuple[str, ...]:
    """The names of a case, the closest first."""
    match error:
        case InvalidInput(missing=True):
            return f"{error.code}.missing", error.code
        case Unauthorized() | TokenDead():
            return f"{error.code}.{error.reason}", error.code
        case _:
            return error.code, ServiceError.code


def find_row(error: ServiceError, operation: str | None) -> Row:
    """The row of an error under an operation (None: a path that is none); the internal error if it has none."""
    for case in (*cases_of(error), ServiceError.code):
        row = OWN_ROWS.get((operation or "", case)) or ROWS.get(case)
        if row is not None:
            return row
    raise AssertionError("the internal error has a row")
