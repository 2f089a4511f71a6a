# SPDX-License-Identifier: Apache-2.0
"""The one table of the OAuth surface: what went wrong -> status, code (RFC 6749 section 5.2, RFC 6750 section 3.1,
RFC 7009 section 2.2.1) and text."""

from typing import Final, NamedTuple

from tessera_service.errors import InvalidInput, RevokeInvalid, ServiceError, Unauthorized


class Row(NamedTuple):
    """One answer."""

    status: int
    code: str
    text: str | None = None  # the name of its message, where that is not the code's


ROWS: Final = {
    "invalid_input.missing": Row(400, "invalid_request", "missing_field"),
    "invalid_input": Row(400, "invalid_request"),
    "revoke_invalid.other_kind": Row(400, "unsupported_token_type"),
    "unauthorized.missing": Row(401, "invalid_client", "no_client"),
    "unauthorized": Row(401, "invalid_token"),
    "tenant_mismatch": Row(401, "invalid_token"),
    "client_refused": Row(401, "invalid_client"),
    "client_forbidden": Row(403, "unauthorized_client"),
    "forbidden": Row(403, "insufficient_scope"),
    "session_forbidden": Row(403, "insufficient_scope"),
    "not_found": Row(404, "invalid_request", "not_found"),
    "method_not_allowed": Row(405, "invalid_request", "method_not_allowed"),
    "body_too_large": Row(413, "invalid_request", "body_too_large"),
    "unsupported_media_type": Row(415, "invalid_request", "unsupported_media_type"),
    "rate_limited": Row(429, "temporarily_unavailable", "rate_limited"),
    "internal_error": Row(500, "server_error"),
    "store_unavailable": Row(503, "temporarily_unavailable"),
}


def cases_of(error: ServiceError) -> tuple[str, ...]:
    """The names of a case, the closest first."""
    match error:
        case InvalidInput(missing=True):
            return f"{InvalidInput.code}.missing", InvalidInput.code
        case Unauthorized():
            return f"{error.code}.{error.reason}", error.code
        case RevokeInvalid(other_kind=True):
            return (f"{error.code}.other_kind",)
        case _:
            return (error.code,)


def find_row(error: ServiceError) -> Row:
    """The row of an error; the internal error if it has none."""
    return next((ROWS[case] for case in cases_of(error) if case in ROWS), ROWS[ServiceError.code])
