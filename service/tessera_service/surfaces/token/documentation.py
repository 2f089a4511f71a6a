# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the token surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel

from tessera_service.errors import CredentialsRefused
from tessera_service.http import documentation as openapi
from tessera_service.http.envelope import ErrorEnvelope
from tessera_service.http.media import Media
from tessera_service.messages.token import TEXTS
from tessera_service.surfaces.token.answers import Introspection, JwkSet, TokenPairAnswer
from tessera_service.surfaces.token.errors import OWN_ROWS, ROWS, resolve
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PERMISSIONS, REFRESH, REVOKE
from tessera_service.surfaces.token.schemas import IntrospectBody, IssueBody, PasswordBody, RefreshBody, RevokeBody

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
_STATUS_TEXTS: Final = openapi.STATUS_TEXTS | {
    400: "The request is not valid",
    401: "No live credential",
    403: "Not allowed, or the session is over",
    404: "No such session",
    422: "A value against its enum, length or range",
}


def describe(operation: str) -> dict[str, Any]:
    """Keyword arguments of the router's decorators."""
    return {
        "operation_id": f"token_{operation}",
        "status_code": 204 if operation == REVOKE else 200,
        "response_model": None,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def _responses(operation: str) -> openapi.Responses:
    head = _jwks_head if operation == JWKS else _head
    responses: openapi.Responses = {}
    if operation == REVOKE:
        responses[204] = {"description": "Revoked, now or before", "headers": head(204)}
    else:
        responses[200] = openapi.success(_ANSWERS[operation], head(200))
    if operation == JWKS:
        responses[304] = {"description": "Not modified", "headers": head(304)}
    examples = [_example(operation, case) for case in CASES[operation]]
    return {**responses, **openapi.errors(examples, model=ErrorEnvelope, texts=_STATUS_TEXTS, head=head)}


def _example(operation: str, case: str) -> openapi.Example:
    row = resolve(OWN_ROWS.get((operation, case)) or ROWS[case], operation)
    data: dict[str, object] = {} if row.alias is None else {"alias": row.alias}
    if case == CredentialsRefused.code:
        data |= {"attempts_left": 0, "lockout_duration": 900}
    body = openapi.enclosed_error(row.code, TEXTS[row.text or row.code].en, data)
    return openapi.Example(row.status, case, body)


def _head(status: int) -> dict[str, Any]:
    return {**(openapi.REQUEST_ID | openapi.TENANT | openapi.RATE_LIMIT), **openapi.refusal_head(status)}


def _jwks_head(status: int) -> dict[str, Any]:
    if status >= 500:
        return dict(openapi.REQUEST_ID)
    return {
        **openapi.REQUEST_ID,
        "ETag": openapi.header("Names this state of the set"),
        "Last-Modified": openapi.header("When the set changed"),
        "Cache-Control": openapi.header("public, with the seconds that the set may be kept"),
    }


def _extra(operation: str) -> dict[str, Any]:
    if operation == JWKS:
        return {}
    models, form = _BODIES[operation]
    media = (Media.JSON, Media.FORM) if form else (Media.JSON,)
    return {
        "x-required-permission": PERMISSIONS[operation],
        "security": [{"bearer": []}] if operation in (REVOKE, INTROSPECT) else [{"bearer": []}, {}],
        "parameters": [
            _demanded_header("X-Request-ID", r"^[A-Za-z0-9._-]{1,128}$"),
            _demanded_header("X-Tenant-ID", openapi.TENANT_PATTERN),
        ],
        "requestBody": openapi.body(*models, required=operation in (ISSUE, INTROSPECT), media=media),
    }


def _demanded_header(name: str, pattern: str) -> dict[str, Any]:
    return openapi.parameter(name, "header", {"type": "string", "pattern": pattern}, required=True)
