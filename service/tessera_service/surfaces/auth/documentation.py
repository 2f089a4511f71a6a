# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the auth surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.http.envelope import JSON_TYPE, ErrorEnvelope
from tessera_service.messages.auth import TEXTS
from tessera_service.models import SessionStatus
from tessera_service.surfaces.auth import query
from tessera_service.surfaces.auth.answers import LoginAnswer, SessionListAnswer, SuccessAnswer
from tessera_service.surfaces.auth.device import DEVICE_TYPE, DEVICE_TYPES, MAX_LOCATION
from tessera_service.surfaces.auth.errors import Row, resolve
from tessera_service.surfaces.auth.operations import CONDITIONS, LIST, LOGIN, LOGOUT, PERMISSIONS, REQUEST_OTP, REVOKE
from tessera_service.surfaces.auth.schemas import LoginRequest, LogoutRequest, OtpRequest, RevokeSessionRequest

_ALWAYS: Final = (
    *("invalid_input.tenant", "unknown_tenant", "rate_limited"),
    *("internal_error", "store_unavailable"),
)
_OF_BODY: Final = ("invalid_input", "body_too_large", "unsupported_media_type")
_OF_TOKEN: Final = ("unauthorized", "tenant_mismatch")
CASES: Final[dict[str, tuple[str, ...]]] = {
    LOGIN: (
        *(*_ALWAYS, *_OF_BODY, "credentials_refused", "code_refused", "code_expired"),
        *("token_too_large", "overloaded"),
    ),
    REQUEST_OTP: (*_ALWAYS, *_OF_BODY),
    LOGOUT: (*_ALWAYS, *_OF_BODY, *_OF_TOKEN, "token_already_revoked"),
    LIST: (*_ALWAYS, *_OF_TOKEN, "invalid_input", "session_forbidden"),
    REVOKE: (*_ALWAYS, *_OF_BODY, *_OF_TOKEN, "forbidden", "session_not_found"),
}
_BODIES: Final[dict[str, type[BaseModel]]] = {
    LOGIN: LoginRequest,
    REQUEST_OTP: OtpRequest,
    LOGOUT: LogoutRequest,
    REVOKE: RevokeSessionRequest,
}
_ANSWERS: Final[dict[str, type[BaseModel]]] = {
    LOGIN: LoginAnswer,
    REQUEST_OTP: SuccessAnswer,
    LOGOUT: SuccessAnswer,
    LIST: SessionListAnswer,
    REVOKE: SuccessAnswer,
}
_STATUS_TEXTS: Final = {
    400: "The request is not valid, or what it presents was",
    401: "No credential that counts",
    403: "Not allowed, or another tenant's",
    404: "No such session, or an id with a slash in it, which names nothing",
    413: "The body is over 64 KiB",
    415: "Another content type",
    429: "Over the request limit, or over that of guesses",
    500: "An error of the service",
    503: "A store does not answer, or a queue is full",
}
_EXAMPLE_META: Final = {"request_id": "req-001", "timestamp": "2026-01-31T14:35:00Z"}
_EXAMPLE_DATA: Final[dict[str, dict[str, Any]]] = {
    "credentials_refused": {"attempts_left": 0, "lockout_duration": 900},
    "code_refused": {"attempts_left": 4},
}


def describe(operation: str) -> dict[str, Any]:
    """Keyword arguments of the router's decorators."""
    return {
        "operation_id": f"auth_{operation}",
        "status_code": _success_of(operation),
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def _success_of(operation: str) -> int:
    return 202 if operation == REQUEST_OTP else 200


def _responses(operation: str) -> dict[int | str, dict[str, Any]]:
    success = _success_of(operation)
    responses: dict[int | str, dict[str, Any]] = {
        success: {"model": _ANSWERS[operation], "description": "Success", "headers": _headers(success)}
    }
    for status, examples in sorted(_examples(operation).items()):
        responses[status] = {
            "model": ErrorEnvelope,
            "description": _STATUS_TEXTS[status],
            "headers": _headers(status),
            "content": {JSON_TYPE: {"examples": examples}},
        }
    return responses


def _examples(operation: str) -> dict[int, dict[str, Any]]:
    examples: dict[int, dict[str, Any]] = {}
    for case in CASES[operation]:
        row = resolve(case, operation)
        examples.setdefault(row.status, {})[case] = {"value": _example(row, _EXAMPLE_DATA.get(case, {}))}
    if operation == REVOKE:
        path = resolve("not_found", operation)
        examples[404]["not_found"] = {"value": _example(path, {})}
    return examples


def _example(row: Row, data: dict[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": row.code, "message": TEXTS[row.code].en}
    if data := data | ({"alias": row.alias} if row.alias else {}):
        error["data"] = data
    return {"error": error, "meta": _EXAMPLE_META}


def _headers(status: int) -> dict[str, Any]:
    headers = {
        "X-Request-ID": _header("The request's id: the caller's, or a new one"),
        "X-Tenant-ID": _header("The tenant, once it is known"),
        "RateLimit-Limit": _header("Requests in a window, per tenant and client", "integer"),
        "RateLimit-Remaining": _header("Requests left in the window; absent at 0", "integer"),
    }
    if status >= 400:
        headers["Content-Language"] = _header("The language of the message: en or vi")
    if status == 401:
        headers["WWW-Authenticate"] = _header("RFC 6750")
    if status in (429, 503):
        headers["Retry-After"] = _header("Seconds to wait", "integer")
    return headers


def _header(text: str, kind: str = "string") -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


def _extra(operation: str) -> dict[str, Any]:
    extra: dict[str, Any] = {"parameters": _parameters(operation)}
    if operation in PERMISSIONS:
        extra |= {"x-required-permission": PERMISSIONS[operation], "x-condition": CONDITIONS[operation]}
    if operation not in (LOGIN, REQUEST_OTP):
        extra["security"] = [{"bearer": []}]
    if operation in _BODIES:
        schema = {"$ref": f"#/components/schemas/{_BODIES[operation].__name__}"}
        required = operation in (LOGIN, REQUEST_OTP)
        extra["requestBody"] = {"required": required, "content": {JSON_TYPE: {"schema": schema}}}
    return extra


def _parameters(operation: str) -> list[dict[str, Any]]:
    parameters = [
        _parameter("X-Tenant-ID", "header", {"type": "string", "pattern": r"^[A-Za-z0-9._-]{1,64}$"}, required=True),
        _parameter("Accept-Language", "header", {"type": "string"}),
    ]
    if operation == LOGIN:
        parameters += [
            _parameter(DEVICE_TYPE, "header", {"type": "string", "enum": list(DEVICE_TYPES)}),
            _parameter("X-Location", "header", {"type": "string", "maxLength": MAX_LOCATION}),
        ]
    if operation == LIST:
        parameters += [_parameter(name, "query", schema) for name, schema in _QUERY.items()]
    if operation == REVOKE:
        parameters.append(_parameter("id", "path", {"type": "string", "format": "uuid"}, required=True))
    return parameters


_QUERY: Final[dict[str, dict[str, Any]]] = {
    "user_id": {"type": "string", "pattern": f"^{query.ID}$"},
    "status": {"type": "string", "enum": [status.value for status in SessionStatus]},
    "limit": {"type": "integer", "minimum": 1, "maximum": query.MAX_LIMIT, "default": query.DEFAULT_LIMIT},
    "offset": {"type": "integer", "minimum": 0, "maximum": query.MAX_OFFSET, "default": 0},
}


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}
