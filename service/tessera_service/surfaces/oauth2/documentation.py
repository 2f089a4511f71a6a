# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the OAuth surface; the errors come from the table that answers them."""

from typing import Any, Final

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from tessera_service.messages.oauth2 import TEXTS
from tessera_service.surfaces.oauth2.answers import OAuthError, OAuthIntrospection, OAuthMetadata
from tessera_service.surfaces.oauth2.dialect import JSON_TYPE, describe_error
from tessera_service.surfaces.oauth2.errors import ROWS
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PERMISSIONS, REVOKE

FORM_TYPE: Final = "application/x-www-form-urlencoded"

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
_STATUS_TEXTS: Final = {
    400: "The request is not valid, or the token of a kind that is not revoked here",
    401: "No access key and no live bearer token",
    403: "The access key or the bearer lacks the permission",
    404: "The issuer is no URL",
    413: "The body is over 64 KiB",
    415: "Another content type than that of a form",
    429: "Over the request limit",
    500: "An error of the service",
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


def _responses(operation: str) -> dict[int | str, dict[str, Any]]:
    answer = _ANSWERS[operation]
    success: dict[str, Any] = {"description": "Success", "headers": _headers(200)}
    if answer is None:
        success["description"] = "Revoked, now or before, or no token of this tenant"
    else:
        success["model"] = answer
    responses: dict[int | str, dict[str, Any]] = {200: success}
    for status, examples in sorted(_examples(operation).items()):
        responses[status] = {
            "model": OAuthError,
            "description": _STATUS_TEXTS[status],
            "headers": _headers(status),
            "content": {JSON_TYPE: {"examples": examples}},
        }
    return responses


def _examples(operation: str) -> dict[int, dict[str, Any]]:
    examples: dict[int, dict[str, Any]] = {}
    for case in CASES[operation]:
        row = ROWS[case]
        value = describe_error(row.code, TEXTS[row.text or row.code].en)
        examples.setdefault(row.status, {})[case] = {"value": value}
    return examples


def _headers(status: int) -> dict[str, Any]:
    headers = {
        "X-Request-ID": _header("The request's id: the caller's, or a new one"),
        "RateLimit-Limit": _header("Requests in a window, per tenant and client", "integer"),
        "RateLimit-Remaining": _header("Requests left in the window; absent at 0", "integer"),
    }
    if status == 401:
        headers["WWW-Authenticate"] = _header("RFC 7617, RFC 6750")
    if status in (429, 503):
        headers["Retry-After"] = _header("Seconds to wait", "integer")
    return headers


def _header(text: str, kind: str = "string") -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


def _extra(operation: str) -> dict[str, Any]:
    if operation == METADATA:
        return {}
    schema = {"$ref": "#/components/schemas/OAuthTokenForm"}
    return {
        "x-required-permission": PERMISSIONS[operation],
        "security": [{"access_key": []}, {"bearer": []}],
        "parameters": [{"name": "X-Tenant-ID", "in": "header", "required": False, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {FORM_TYPE: {"schema": schema}}},
    }
