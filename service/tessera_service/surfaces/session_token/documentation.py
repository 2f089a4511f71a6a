# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the session-token surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.http import documentation as openapi
from tessera_service.surfaces.session_token import answers
from tessera_service.surfaces.session_token.dialect import describe_error
from tessera_service.surfaces.session_token.errors import ROWS
from tessera_service.surfaces.session_token.operations import CREATE, REVOKE, VALIDATE
from tessera_service.surfaces.session_token.schemas import (
    CreateSessionTokenBody,
    RevokeSessionTokenBody,
    ValidateSessionTokenBody,
)

_EVERYWHERE: Final = (
    *("invalid_input.missing", "invalid_input", "body_too_large", "unsupported_media_type", "rate_limited"),
    *("internal_error", "store_unavailable"),
)
CASES: Final = {
    CREATE: (*_EVERYWHERE, "unauthorized", "overloaded"),
    VALIDATE: _EVERYWHERE,
    REVOKE: (*_EVERYWHERE, "revoke_invalid"),
}
_BODIES: Final[dict[str, type[BaseModel]]] = {
    CREATE: CreateSessionTokenBody,
    VALIDATE: ValidateSessionTokenBody,
    REVOKE: RevokeSessionTokenBody,
}
_ANSWERS: Final[dict[str, type[BaseModel]]] = {
    CREATE: answers.SessionTokenCreated,
    VALIDATE: answers.SessionTokenValidity,
    REVOKE: answers.SessionTokenRevoked,
}
_STATUS_TEXTS: Final = openapi.STATUS_TEXTS | {
    400: "The request is not valid",
    401: "No access key with that id and secret",
}


def describe(operation: str, *, method: str = "") -> dict[str, Any]:
    """Keyword arguments of the router's decorators. `method`: of the second route of one operation."""
    return {
        "operation_id": "_".join(("session_token", operation, *filter(None, [method.lower()]))),
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def _responses(operation: str) -> openapi.Responses:
    examples = [
        openapi.Example(ROWS[case].status, case, describe_error(ROWS[case].text.en)) for case in CASES[operation]
    ]
    return {
        200: openapi.success(_ANSWERS[operation], openapi.limited_head(200)),
        **openapi.errors(examples, model=answers.SessionTokenError, texts=_STATUS_TEXTS, head=openapi.limited_head),
    }


def _extra(operation: str) -> dict[str, Any]:
    extra: dict[str, Any] = {
        "parameters": [openapi.parameter("X-Tenant-ID", "header")],
        "requestBody": openapi.body(_BODIES[operation], required=operation != REVOKE),
    }
    if operation == REVOKE:
        extra["parameters"].append(openapi.parameter("X-Session-Token", "header"))
        extra["security"] = [{}, {"bearer": []}]
    return extra
