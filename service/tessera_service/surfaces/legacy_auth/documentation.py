# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the legacy surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.http import documentation as openapi
from tessera_service.surfaces.legacy_auth import answers
from tessera_service.surfaces.legacy_auth.dialect import describe_error
from tessera_service.surfaces.legacy_auth.errors import OWN_ROWS, ROWS, Row
from tessera_service.surfaces.legacy_auth.operations import LOGOUT, REFRESH, SESSION
from tessera_service.surfaces.legacy_auth.schemas import LegacyLogoutBody, LegacyRefreshBody
from tessera_service.surfaces.legacy_auth.session import QUERY_NAMES

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
_STATUS_TEXTS: Final = openapi.STATUS_TEXTS | {
    400: "The request is not valid",
    401: "No live token",
    403: "The session is unknown or another subject's",
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


def _responses(operation: str) -> openapi.Responses:
    model = answers.LegacyNoSession if operation == SESSION else answers.LegacyErrorAnswer
    examples = [_example(operation, case) for case in CASES[operation]]
    return {
        200: openapi.success(_ANSWERS[operation], openapi.limited_head(200)),
        **openapi.errors(examples, model=model, texts=_STATUS_TEXTS, head=openapi.limited_head),
    }


def _example(operation: str, case: str) -> openapi.Example:
    row = row_of(operation, case)
    return openapi.Example(row.status, case, describe_error(row.text.en, operation))


def _extra(operation: str) -> dict[str, Any]:
    parameters = [openapi.parameter("X-Tenant-ID", "header")]
    extra: dict[str, Any] = {"parameters": parameters}
    if operation in _CONDITIONS:
        extra["x-condition"] = _CONDITIONS[operation]
    if operation == SESSION:
        extra["security"] = [{"bearer": []}, {}]
        note = "Instead of the bearer, which is preferred; off with LEGACY_QUERY_TOKEN=false"
        parameters.append(openapi.parameter(QUERY_NAMES[0], "query") | {"deprecated": True, "description": note})
    else:
        extra["requestBody"] = openapi.body(_BODIES[operation], required=True)
    return extra
