# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the legacy surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.surfaces.legacy_auth import answers
from tessera_service.surfaces.legacy_auth.dialect import describe_error
from tessera_service.surfaces.legacy_auth.errors import OWN_ROWS, ROWS, Row
from tessera_service.surfaces.legacy_auth.operations import LOGOUT, REFRESH, SESSION
from tessera_service.surfaces.legacy_auth.schemas import LegacyLogoutBody, LegacyRefreshBody
from tessera_service.surfaces.legacy_auth.session import QUERY_NAMES

JSON_TYPE: Final = "application/json"

_ALWAYS: Final = ("rate_limited", "internal_error", "store_unavailable")
_OF_BODY: Final = ("invalid_input", "body_too_large", "unsupported_media_type")
CASES: Final = {
    SESSION: (*_ALWAYS, "unauthorized"),
    REFRESH: (*_ALWAYS, *_OF_BODY, "refresh_invalid", "session_ended", "session_not_found", "overloaded"),
    LOGOUT: (*_ALWAYS, *_OF_BODY, "unauthorized", "session_not_found", "session_forbidden"),
}
_BODIES: Final[dict[str, type[BaseModel]]] = {REFRESH: LegacyRefreshBody, LOGOUT: LegacyLogoutBody}
_ANSWERS: Final[dict[str, type[BaseModel]]] = {
    SESSION: answers.LegacySessionAnswer,
    REFRESH: answers.LegacyTokensAnswer,
    LOGOUT: answers.LegacyDoneAnswer,
}
_CONDITIONS: Final = {LOGOUT: "the session is the token's subject's; an expired token: its own session"}
_STATUS_TEXTS: Final = {
    400: "The request is not valid",
    401: "No live token",
    403: "The session is unknown or another subject's",
    413: "The body is over 64 KiB",
    415: "Another content type",
    429: "Over the request limit",
    500: "An error of the service",
    503: "A store does not answer, or a queue is full",
}


def describe(operation: str) -> dict[str, Any]:
    """Keyword arguments of the router's decorators."""
    return {
        "operation_id": f"legacy_{operation}",
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def row_of(operation: str, case: str) -> Row:
    """The row of a documented case."""
    return OWN_ROWS.get((operation, case)) or ROWS[case]


def _responses(operation: str) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {
        200: {"model": _ANSWERS[operation], "description": "Success", "headers": _headers(200)}
    }
    for status, examples in sorted(_examples(operation).items()):
        responses[status] = {
            "model": answers.LegacyNoSession if operation == SESSION else answers.LegacyErrorAnswer,
            "description": _STATUS_TEXTS[status],
            "headers": _headers(status),
            "content": {JSON_TYPE: {"examples": examples}},
        }
    return responses


def _examples(operation: str) -> dict[int, dict[str, Any]]:
    examples: dict[int, dict[str, Any]] = {}
    for case in CASES[operation]:
        row = row_of(operation, case)
        examples.setdefault(row.status, {})[case] = {"value": describe_error(row.text.en, operation)}
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
    text = {"type": "string"}
    parameters = [{"name": "X-Tenant-ID", "in": "header", "required": False, "schema": text}]
    extra: dict[str, Any] = {"parameters": parameters}
    if operation in _CONDITIONS:
        extra["x-condition"] = _CONDITIONS[operation]
    if operation == SESSION:
        extra["security"] = [{"bearer": []}, {}]
        named = {"name": QUERY_NAMES[0], "in": "query", "required": False, "schema": text}
        note = "Instead of the bearer, which is preferred; off with LEGACY_QUERY_TOKEN=false"
        parameters.append({**named, "deprecated": True, "description": note})
    else:
        schema = {"$ref": f"#/components/schemas/{_BODIES[operation].__name__}"}
        extra["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": schema}}}
    return extra
