# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the auth surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.http import documentation as openapi
from tessera_service.http.envelope import ErrorEnvelope
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
_STATUS_TEXTS: Final = openapi.STATUS_TEXTS | {
    400: "The request is not valid, or what it presents was",
    401: "No credential that counts",
    403: "Not allowed, or another tenant's",
    404: "No such session, or an id with a slash in it, which names nothing",
    429: "Over the request limit, or over that of guesses",
}
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


def _responses(operation: str) -> openapi.Responses:
    success = _success_of(operation)
    cases = CASES[operation] if operation != REVOKE else (*CASES[REVOKE], "not_found")
    examples = [_example(case, resolve(case, operation)) for case in cases]
    return {
        success: openapi.success(_ANSWERS[operation], _head(success)),
        **openapi.errors(examples, model=ErrorEnvelope, texts=_STATUS_TEXTS, head=_head),
    }


def _example(case: str, row: Row) -> openapi.Example:
    data = _EXAMPLE_DATA.get(case, {}) | ({"alias": row.alias} if row.alias else {})
    return openapi.Example(row.status, case, openapi.enclosed_error(row.code, TEXTS[row.code].en, data))


def _head(status: int) -> dict[str, Any]:
    language = {"Content-Language": openapi.header("The language of the message: en or vi")} if status >= 400 else {}
    counted = openapi.REQUEST_ID | openapi.TENANT | openapi.RATE_LIMIT
    return {**counted, **language, **openapi.refusal_head(status)}


def _extra(operation: str) -> dict[str, Any]:
    extra: dict[str, Any] = {"parameters": _parameters(operation)}
    if operation in PERMISSIONS:
        extra |= {"x-required-permission": PERMISSIONS[operation], "x-condition": CONDITIONS[operation]}
    if operation not in (LOGIN, REQUEST_OTP):
        extra["security"] = [{"bearer": []}]
    if operation in _BODIES:
        required = operation in (LOGIN, REQUEST_OTP)
        extra["requestBody"] = openapi.body(_BODIES[operation], required=required)
    return extra


def _parameters(operation: str) -> list[dict[str, Any]]:
    parameters = [
        openapi.parameter(
            "X-Tenant-ID", "header", {"type": "string", "pattern": openapi.TENANT_PATTERN}, required=True
        ),
        openapi.parameter("Accept-Language", "header"),
    ]
    if operation == LOGIN:
        parameters += [
            openapi.parameter(DEVICE_TYPE, "header", {"type": "string", "enum": list(DEVICE_TYPES)}),
            openapi.parameter("X-Location", "header", {"type": "string", "maxLength": MAX_LOCATION}),
        ]
    if operation == LIST:
        parameters += [openapi.parameter(name, "query", schema) for name, schema in _QUERY.items()]
    if operation == REVOKE:
        parameters.append(openapi.parameter("id", "path", {"type": "string", "format": "uuid"}, required=True))
    return parameters


_QUERY: Final[dict[str, dict[str, Any]]] = {
    "user_id": {"type": "string", "pattern": f"^{query.ID}$"},
    "status": {"type": "string", "enum": [status.value for status in SessionStatus]},
    "limit": {"type": "integer", "minimum": 1, "maximum": query.MAX_LIMIT, "default": query.DEFAULT_LIMIT},
    "offset": {"type": "integer", "minimum": 0, "maximum": query.MAX_OFFSET, "default": 0},
}
