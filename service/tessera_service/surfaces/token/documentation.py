# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the token surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.errors import CredentialsRefused
from tessera_service.http.envelope import ErrorEnvelope
from tessera_service.messages.token import TEXTS
from tessera_service.surfaces.token.answers import Introspection, JwkSet, TokenPairAnswer
from tessera_service.surfaces.token.errors import OWN_ROWS, ROWS, Row, resolve
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PERMISSIONS, REFRESH, REVOKE
from tessera_service.surfaces.token.schemas import IntrospectBody, IssueBody, PasswordBody, RefreshBody, RevokeBody

JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"

_EVERYWHERE: Final = (
    *("invalid_input.missing", "invalid_input", "invalid_input.out_of_range", "unknown_tenant", "unauthorized"),
    *("body_too_large", "unsupported_media_type", "rate_limited", "internal_error", "store_unavailable"),
)
_OF_REFRESH: Final = (
    *("refresh_invalid.invalid", "refresh_invalid.expired", "session_ended.revoked", "session_ended.inactive"),
    *("session_not_found", "overloaded"),
)
CASES: Final = {
    ISSUE: (  # by its grant
        *(*_EVERYWHERE, "credentials_refused", "forbidden", "tenant_mismatch", "token_too_large", *_OF_REFRESH),
    ),
    REFRESH: (*_EVERYWHERE, *_OF_REFRESH),
    REVOKE: (
        *(*_EVERYWHERE, "tenant_mismatch", "revoke_invalid", "unknown_jti", "session_forbidden", "session_not_found"),
    ),
    INTROSPECT: (*_EVERYWHERE, "unauthorized.expired", "unauthorized.revoked", "forbidden", "tenant_mismatch"),
    JWKS: ("internal_error",),
}
_BODIES: Final[dict[str, tuple[tuple[type[BaseModel], ...], bool]]] = {  # models, and whether fields of a form are read
    ISSUE: ((IssueBody, PasswordBody, RefreshBody), False),
    REFRESH: ((RefreshBody,), False),
    REVOKE: ((RevokeBody,), True),
    INTROSPECT: ((IntrospectBody,), True),
}
_ANSWERS: Final[dict[str, type[BaseModel]]] = {
    ISSUE: TokenPairAnswer,
    REFRESH: TokenPairAnswer,
    INTROSPECT: Introspection,
    JWKS: JwkSet,
}
_STATUS_TEXTS: Final = {
    400: "The request is not valid",
    401: "No live credential",
    403: "Not allowed, or the session is over",
    404: "No such session",
    413: "The body is over 64 KiB",
    415: "Another content type",
    422: "A value against its enum, length or range",
    429: "Over the request limit",
    500: "An error of the service",
    503: "A store does not answer, or a queue is full",
}
_EXAMPLE_META: Final = {"request_id": "req-001", "timestamp": "2026-01-31T14:35:00Z"}


def describe(operation: str) -> dict[str, Any]:
    """Keyword arguments of the router's decorators."""
    return {
        "operation_id": f"token_{operation}",
        "status_code": 204 if operation == REVOKE else 200,
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def _responses(operation: str) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {}
    if operation == REVOKE:
        responses[204] = {"description": "Revoked, now or before", "headers": _headers(operation, 204)}
    else:
        answer = _ANSWERS[operation]
        responses[200] = {"model": answer, "description": "Success", "headers": _headers(operation, 200)}
    if operation == JWKS:
        responses[304] = {"description": "Not modified", "headers": _headers(operation, 304)}
    for status, examples in sorted(_examples(operation).items()):
        responses[status] = {
            "model": ErrorEnvelope,
            "description": _STATUS_TEXTS[status],
            "headers": _headers(operation, status),
            "content": {JSON_TYPE: {"examples": examples}},
        }
    return responses


def _examples(operation: str) -> dict[int, dict[str, Any]]:
    examples: dict[int, dict[str, Any]] = {}
    for case in CASES[operation]:
        row = resolve(OWN_ROWS.get((operation, case)) or ROWS[case], operation)
        examples.setdefault(row.status, {})[case] = {"value": _example(row, case)}
    return examples


def _example(row: Row, case: str) -> dict[str, Any]:
    error: dict[str, Any] = {"code": row.code, "message": TEXTS[row.text or row.code].en}
    if row.alias is not None:
        error["data"] = {"alias": row.alias}
    if case == CredentialsRefused.code:
        error["data"] |= {"attempts_left": 0, "lockout_duration": 900}
    return {"error": error, "meta": _EXAMPLE_META}


def _headers(operation: str, status: int) -> dict[str, Any]:
    headers = {"X-Request-ID": _header("The request's id: the caller's, or a new one")}
    if operation == JWKS:
        if status < 500:
            headers["ETag"] = _header("Names this state of the set")
            headers["Last-Modified"] = _header("When the set changed")
            headers["Cache-Control"] = _header("public, with the seconds that the set may be kept")
        return headers
    headers["X-Tenant-ID"] = _header("The tenant, once it is known")
    headers["RateLimit-Limit"] = _header("Requests in a window, per tenant and client", "integer")
    headers["RateLimit-Remaining"] = _header("Requests left in the window; absent at 0", "integer")
    if status == 401:
        headers["WWW-Authenticate"] = _header("RFC 6750")
    if status in (429, 503):
        headers["Retry-After"] = _header("Seconds to wait", "integer")
    return headers


def _header(text: str, kind: str = "string") -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


def _extra(operation: str) -> dict[str, Any]:
    if operation == JWKS:
        return {}
    models, form = _BODIES[operation]
    schemas = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    content = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
    extra: dict[str, Any] = {
        "x-required-permission": PERMISSIONS[operation],
        "security": [{"bearer": []}] if operation in (REVOKE, INTROSPECT) else [{"bearer": []}, {}],
        "parameters": [
            _parameter("X-Request-ID", r"^[A-Za-z0-9._-]{1,128}$"),
            _parameter("X-Tenant-ID", r"^[A-Za-z0-9._-]{1,64}$"),
        ],
        "requestBody": {
            "required": operation in (ISSUE, INTROSPECT),
            "content": {JSON_TYPE: content, **({FORM_TYPE: content} if form else {})},
        },
    }
    return extra


def _parameter(name: str, pattern: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "schema": {"type": "string", "pattern": pattern}}
