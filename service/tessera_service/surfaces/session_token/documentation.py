# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the session-token surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.surfaces.session_token import answers
from tessera_service.surfaces.session_token.dialect import describe_error
from tessera_service.surfaces.session_token.errors import ROWS
from tessera_service.surfaces.session_token.operations import CREATE, REVOKE, VALIDATE
from tessera_service.surfaces.session_token.schemas import (
    CreateSessionTokenBody,
    RevokeSessionTokenBody,
    ValidateSessionTokenBody,
)

JSON_TYPE: Final = "application/json"

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
_STATUS_TEXTS: Final = {
    400: "The request is not valid",
    401: "No access key with that id and secret",
    413: "The body is over 64 KiB",
    415: "Another content type",
    429: "Over the request limit",
    500: "An error of the service",
    503: "A store does not answer, or a queue is full",
}


def describe(operation: str, *, method: str = "") -> dict[str, Any]:
    """Keyword arguments of the router's decorators. `method`: of the second route of one operation."""
    return {
        "operation_id": "_".join(("session_token", operation, *filter(None, [method.lower()]))),
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def _responses(operation: str) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {
        200: {"model": _ANSWERS[operation], "description": "Success", "headers": _headers(200)}
    }
    for status, examples in sorted(_examples(operation).items()):
        responses[status] = {
            "model": answers.SessionTokenError,
            "description": _STATUS_TEXTS[status],
            "headers": _headers(status),
            "content": {JSON_TYPE: {"examples": examples}},
        }
    return responses


def _examples(operation: str) -> dict[int, dict[str, Any]]:
    examples: dict[int, dict[str, Any]] = {}
    for case in CASES[operation]:
        row = ROWS[case]
        examples.setdefault(row.status, {})[case] = {"value": describe_error(row.text.en)}
    return examples


def _headers(status: int) -> dict[str, Any]:
    headers = {
        "X-Request-ID": _header("The request's id: the caller's, or a new one"),
        "RateLimit-Limit": _header("Requests in a window, per tenant and client", "integer"),
        "RateLimit-Remaining": _header("Requests left in the window; absent at 0", "integer"),
    }
    if status == 401:
        headers["WWW-Authenticate"] = _header("RFC 6750")
    if status in (429, 503):
        headers["Retry-After"] = _header("Seconds to wait", "integer")
    return headers


def _header(text: str, kind: str = "string") -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


def _extra(operation: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{_BODIES[operation].__name__}"}
    extra: dict[str, Any] = {
        "parameters": [_parameter("X-Tenant-ID")],
        "requestBody": {"required": operation != REVOKE, "content": {JSON_TYPE: {"schema": schema}}},
    }
    if operation == REVOKE:
        extra["parameters"].append(_parameter("X-Session-Token"))
        extra["security"] = [{}, {"bearer": []}]
    return extra


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}
