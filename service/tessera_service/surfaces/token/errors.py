# SPDX-License-Identifier: Apache-2.0
"""The one table of the token surface: what went wrong -> status, code and alias."""

from dataclasses import dataclass
from typing import Final

from tessera_service.errors import InvalidInput, RefreshInvalid, ServiceError, SessionEnded, Unauthorized
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, REFRESH, REVOKE

OWN: Final = ""  # stands for the operation's own code for bad input


@dataclass(frozen=True, slots=True)
class Row:
    """`alias`: the other code that clients may know the case by; not sent where it is the same."""

    status: int
    code: str
    alias: str | None = None
    text: str | None = None  # the name of its message, where that is not the code's


BAD_INPUT: Final = {
    ISSUE: "common.validation_error",
    REFRESH: "auth.refresh.invalid",
    REVOKE: "auth.revoke.invalid",
    INTROSPECT: "auth.introspect.invalid",
}

ROWS: Final = {
    "invalid_input.missing": Row(400, OWN, "common.missing_param"),
    "invalid_input": Row(400, OWN, "common.validation_error"),
    "invalid_input.out_of_range": Row(422, "common.validation_error"),
    "unknown_tenant": Row(400, OWN, "common.validation_error"),
    "unauthorized": Row(401, "auth.unauthorized", "common.unauthorized"),
    "credentials_refused": Row(401, "auth.unauthorized", "common.unauthorized", "credentials_refused"),
    "forbidden": Row(403, "common.forbidden"),
    "tenant_mismatch": Row(403, "auth.tenant.mismatch"),
    "refresh_invalid.invalid": Row(400, "auth.refresh.invalid", "token.invalid"),
    "refresh_invalid.expired": Row(400, "auth.refresh.invalid", "token.expired"),
    "session_ended.revoked": Row(403, "auth.session.revoked", "token.revoked"),
    "session_ended.inactive": Row(403, "auth.session.revoked", "session.inactive"),
    "session_not_found": Row(404, "auth.session.not_found"),
    "session_forbidden": Row(403, "auth.session.forbidden", "common.forbidden"),
    "revoke_invalid": Row(400, "auth.revoke.invalid", "common.validation_error"),
    "unknown_jti": Row(400, "token.unknown_jti"),
    "token_too_large": Row(422, "common.validation_error"),
    "not_found": Row(404, "common.not_found"),
    "method_not_allowed": Row(405, "common.method_not_allowed"),
    "body_too_large": Row(413, "common.payload_too_large"),
    "unsupported_media_type": Row(415, "common.unsupported_media_type"),
    "rate_limited": Row(429, "common.rate_limited"),
    "internal_error": Row(500, "common.internal_error"),
    "store_unavailable": Row(503, "common.internal_error"),
    "overloaded": Row(503, "common.internal_error"),
}

# Where an operation words a case in its own way.
OWN_ROWS: Final = {
    (INTROSPECT, "unauthorized"): Row(401, "auth.unauthorized", "token.invalid"),
    (INTROSPECT, "unauthorized.expired"): Row(401, "auth.unauthorized", "token.expired"),
    (INTROSPECT, "unauthorized.revoked"): Row(401, "auth.unauthorized", "token.revoked"),
    (REVOKE, "session_not_found"): Row(404, "auth.session.not_found", "session.not_found"),
}


def cases_of(error: ServiceError) -> tuple[str, ...]:
    """The names of a case, the closest first."""
    match error:
        case InvalidInput(missing=True):
            return f"{InvalidInput.code}.missing", InvalidInput.code
        case InvalidInput(out_of_range=True):
            return f"{InvalidInput.code}.out_of_range", InvalidInput.code
        case Unauthorized() | RefreshInvalid() | SessionEnded():
            return f"{error.code}.{error.reason}", error.code
        case _:
            return (error.code,)


def find_row(error: ServiceError, operation: str | None) -> Row:
    """The row of an error under an operation (None: a path that is none); the internal error if it has none."""
    for case in cases_of(error):
        row = OWN_ROWS.get((operation or "", case)) or ROWS.get(case)
        if row is not None:
            return resolve(row, operation)
    return ROWS[ServiceError.code]


def resolve(row: Row, operation: str | None) -> Row:
    """The row as the operation sends it: its own code for bad input, no alias that says the same."""
    code = row.code or BAD_INPUT.get(operation or "", BAD_INPUT[ISSUE])
    return Row(row.status, code, None if row.alias == code else row.alias, row.text)
