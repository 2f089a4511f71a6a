# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the gateway surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.http import documentation as openapi
from tessera_service.messages.gateway import TEXTS
from tessera_service.surfaces.gateway import answers
from tessera_service.surfaces.gateway.dialect import describe_error
from tessera_service.surfaces.gateway.errors import OWN_ROWS, ROWS, Row
from tessera_service.surfaces.gateway.operations import (
    CONDITIONS,
    CREATE,
    HEALTH,
    LIST,
    LOGOUT,
    PERMISSIONS,
    REFRESH,
    REVOKE,
    REVOKE_USER,
    STATS,
    VALIDATE,
)
from tessera_service.surfaces.gateway.schemas import CreateBody, LogoutBody, ValidateBody

_ALWAYS: Final = ("rate_limited", "internal_error", "store_unavailable")
_OF_BODY: Final = ("invalid_input", "body_too_large", "unsupported_media_type")
_OF_TOKEN: Final = (
    *("unauthorized.missing", "unauthorized", "token_dead.expired", "token_dead.inactive", "token_dead.not_found"),
)
CASES: Final[dict[str, tuple[str, ...]]] = {
    HEALTH: (),
    VALIDATE: (*_ALWAYS, *_OF_BODY, "invalid_input.missing"),
    CREATE: (
        *(*_ALWAYS, *_OF_BODY, "invalid_input.missing", "token_too_large", "forbidden", "session_limit_reached"),
        "overloaded",
    ),
    REFRESH: (*_ALWAYS, *_OF_TOKEN, "body_too_large", "unsupported_media_type", "overloaded"),
    LOGOUT: (*_ALWAYS, *_OF_BODY, *_OF_TOKEN),
    STATS: (*_ALWAYS, "forbidden"),
    LIST: (*_ALWAYS, *_OF_TOKEN, "session_forbidden", "not_found"),
    REVOKE: (*_ALWAYS, *_OF_TOKEN, "session_forbidden", "session_not_found", "not_found"),
    REVOKE_USER: (*_ALWAYS, *_OF_TOKEN, "invalid_input", "session_forbidden", "not_found"),
}
_BODIES: Final[dict[str, type[BaseModel]]] = {VALIDATE: ValidateBody, CREATE: CreateBody, LOGOUT: LogoutBody}
_ANSWERS: Final[dict[str, Any]] = {
    HEALTH: answers.Health,
    VALIDATE: answers.ValidAnswer | answers.InvalidAnswer,
    CREATE: answers.CreatedAnswer,
    REFRESH: answers.RefreshedAnswer,
    LOGOUT: answers.DoneAnswer,
    STATS: answers.StatsAnswer,
    LIST: answers.ListAnswer,
    REVOKE: answers.RevokedAnswer,
    REVOKE_USER: answers.UserRevokedAnswer,
}
_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    CREATE: [{"gateway_key": []}, {"bearer": []}, {}],
    STATS: [{"gateway_key": []}, {"bearer": []}, {}],
    REFRESH: [{"bearer": []}],
    LOGOUT: [{"bearer": []}, {}],
    LIST: [{"bearer": []}],
    REVOKE: [{"bearer": []}],
    REVOKE_USER: [{"bearer": []}],
}
_IN_PATH: Final = {LIST: ("user_id",), REVOKE: ("session_id",), REVOKE_USER: ("user_id",)}
_TEXT: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 128}
_STATUS_TEXTS: Final = openapi.STATUS_TEXTS | {
    400: "The request is not valid",
    401: "No live token",
    403: "Not allowed",
    404: "No such session, or an id with a slash in it, which names nothing",
    409: "The user has as many sessions as it may",
}


def describe(operation: str) -> dict[str, Any]:
    """Keyword arguments of the router's decorators."""
    return {
        "operation_id": f"gateway_{operation}",
        "status_code": 201 if operation == CREATE else 200,
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def _responses(operation: str) -> openapi.Responses:
    status = 201 if operation == CREATE else 200
    head = _health_head if operation == HEALTH else openapi.limited_head
    responses: openapi.Responses = {status: openapi.success(_ANSWERS[operation], head(status))}
    if operation == HEALTH:
        responses[503] = {"model": _ANSWERS[HEALTH], "description": "Unhealthy", "headers": head(503)}
    flag, error = ("is_valid", answers.InvalidAnswer) if operation == VALIDATE else ("success", answers.ErrorAnswer)
    examples = [_example(operation, case, flag) for case in CASES[operation]]
    return {**responses, **openapi.errors(examples, model=error, texts=_STATUS_TEXTS, head=head)}


def row_of(operation: str, case: str) -> Row:
    """The row of a documented case."""
    return OWN_ROWS.get((operation, case)) or ROWS[case]


def _example(operation: str, case: str, flag: str) -> openapi.Example:
    row = row_of(operation, case)
    return openapi.Example(row.status, case, describe_error(row.code, flag, TEXTS[row.code].en))


def _health_head(status: int) -> dict[str, Any]:
    return {**openapi.REQUEST_ID, **openapi.refusal_head(status)}


def _extra(operation: str) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if operation in PERMISSIONS:
        extra |= {"x-required-permission": PERMISSIONS[operation], "x-condition": CONDITIONS[operation]}
    if operation in _SECURITY:
        extra["security"] = _SECURITY[operation]
    parameters = [] if operation == HEALTH else [openapi.parameter("X-Tenant-ID", "header")]
    parameters += [openapi.parameter(name, "path", _TEXT, required=True) for name in _IN_PATH.get(operation, ())]
    if operation == REVOKE_USER:
        flag = {"type": "string", "enum": ["true", "false"]}
        parameters.append(openapi.parameter("exclude_current", "query", flag))
    if parameters:
        extra["parameters"] = parameters
    if operation in _BODIES:
        extra["requestBody"] = openapi.body(_BODIES[operation], required=operation != LOGOUT)
    return extra
