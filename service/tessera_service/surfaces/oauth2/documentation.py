# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the OAuth surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from tessera_service.http import documentation as openapi
from tessera_service.http.media import Media
from tessera_service.messages.oauth2 import TEXTS
from tessera_service.surfaces.oauth2.answers import OAuthError, OAuthIntrospection, OAuthMetadata
from tessera_service.surfaces.oauth2.dialect import describe_error
from tessera_service.surfaces.oauth2.errors import ROWS
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PERMISSIONS, REVOKE
from tessera_service.surfaces.oauth2.schemas import OAuthTokenForm

_EVERYWHERE: Final = (
    *("invalid_input.missing", "invalid_input", "unauthorized.missing", "unauthorized", "tenant_mismatch"),
    *("client_refused", "client_forbidden", "body_too_large", "unsupported_media_type", "rate_limited"),
    *("internal_error", "store_unavailable"),
)
CASES: Final = {
    INTROSPECT: (*_EVERYWHERE, "forbidden"),
    REVOKE: (*_EVERYWHERE, "session_forbidden", "revoke_invalid.other_kind"),
    METADATA: ("not_found", "rate_limited", "internal_error"),
}
_ANSWERS: Final[dict[str, type[BaseModel] | None]] = {
    INTROSPECT: OAuthIntrospection,
    REVOKE: None,
    METADATA: OAuthMetadata,
}
_STATUS_TEXTS: Final = openapi.STATUS_TEXTS | {
    400: "The request is not valid, or the token of a kind that is not revoked here",
    401: "No access key and no live bearer token",
    403: "The access key or the bearer lacks the permission",
    404: "The issuer is no URL",
    415: "Another content type than that of a form",
    503: "A store does not answer",
}


def describe(operation: str) -> dict[str, Any]:
    """Keyword arguments of the router's decorators."""
    return {
        "operation_id": f"oauth2_{operation}",
        "response_model": None,
        "response_class": Response if _ANSWERS[operation] is None else JSONResponse,
        "responses": _responses(operation),
        "openapi_extra": _extra(operation),
    }


def _responses(operation: str) -> openapi.Responses:
    success = openapi.success(_ANSWERS[operation], _head(200))
    if operation == REVOKE:
        success = {"description": "Revoked, now or before, or no token of this tenant", "headers": _head(200)}
    examples = [_example(case) for case in CASES[operation]]
    return {200: success, **openapi.errors(examples, model=OAuthError, texts=_STATUS_TEXTS, head=_head)}


def _example(case: str) -> openapi.Example:
    row = ROWS[case]
    return openapi.Example(row.status, case, describe_error(row.code, TEXTS[row.text or row.code].en))


def _head(status: int) -> dict[str, Any]:
    refusal = openapi.refusal_head(status, challenge="RFC 7617, RFC 6750")
    return {**openapi.REQUEST_ID, **openapi.RATE_LIMIT, **refusal}


def _extra(operation: str) -> dict[str, Any]:
    if operation == METADATA:
        return {}
    return {
        "x-required-permission": PERMISSIONS[operation],
        "security": [{"access_key": []}, {"bearer": []}],
        "parameters": [openapi.parameter("X-Tenant-ID", "header")],
        "requestBody": openapi.body(OAuthTokenForm, required=True, media=[Media.FORM]),
    }
