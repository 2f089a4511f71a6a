# SPDX-License-Identifier: Apache-2.0
"""The one table of the auth surface: what went wrong -> status, code and alias."""

from dataclasses import dataclass
from typing import Final

from tessera_service.errors import InvalidInput, ServiceError
from tessera_service.http.tenant import TENANT_ID
from tessera_service.surfaces.auth.operations import LIST

OWN: Final = ""  # stands for the operation's own code for bad input


@dataclass(frozen=True, slots=True)
class Row:
    """`alias`: another code for the same case."""

    status: int
    code: str
    alias: str | None = None


ROWS: Final = {
    "invalid_input.tenant": Row(400, "auth.tenant_not_found", "missing_tenant_id"),
    "unknown_tenant": Row(400, "auth.tenant_not_found"),
    "invalid_input": Row(400, OWN),
    "token_too_large": Row(400, OWN),
    "credentials_refused": Row(401, "auth.invalid_credentials"),
    "code_refused": Row(400, "auth.otp.invalid"),
    "code_expired": Row(400, "auth.otp.expired"),
    "unauthorized": Row(401, "auth.token.invalid"),
    "token_already_revoked": Row(400, "auth.token.already_revoked"),
    "tenant_mismatch": Row(403, "auth.tenant_mismatch"),
    "forbidden": Row(403, "auth.forbidden"),
    "session_forbidden": Row(403, "auth.forbidden"),
    "session_not_found": Row(404, "session.not_found"),
    "not_found": Row(404, "auth.not_found"),
    "method_not_allowed": Row(405, "auth.method_not_allowed"),
    "body_too_large": Row(413, "auth.payload_too_large"),
    "unsupported_media_type": Row(415, "auth.unsupported_media_type"),
    "rate_limited": Row(429, "auth.rate_limited"),
    "internal_error": Row(500, "auth.internal_error"),
    "store_unavailable": Row(503, "auth.internal_error"),
    "overloaded": Row(503, "auth.internal_error"),
}


def find_row(error: ServiceError, operation: str | None) -> Row:
    """The row of an error under an operation (None: a path that is none); the internal error if it has none."""
    return resolve(_case_of(error), operation)


def resolve(case: str, operation: str | None) -> Row:
    """The row of a case as the operation sends it: with its own code for bad input."""
    row = ROWS[case]
    own = "auth.invalid_query" if operation == LIST else "auth.invalid_request"
    return Row(row.status, row.code or own, row.alias)


def _case_of(error: ServiceError) -> str:
    if isinstance(error, InvalidInput) and error.field == TENANT_ID:
        return "invalid_input.tenant"
    return error.code if error.code in ROWS else ServiceError.code
