# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the authz surface."""

from typing import Any, Final

from tessera_service.surfaces.authz.answers import IDENTITY_HEADERS, AuthzVerdict

_STATUS_TEXTS: Final = {
    200: "The bearer may pass",
    401: "No live bearer token",
    403: "The bearer lacks what the policy demands, is another tenant's, or there is no such policy",
    500: "An error of the service",
    503: "A store does not answer",
}


def describe(method: str, *, policy: bool = False) -> dict[str, Any]:
    """Keyword arguments of the router's decorators."""
    tenant = {"name": "X-Tenant-ID", "in": "header", "required": False, "schema": {"type": "string"}}
    extra: dict[str, Any] = {"security": [{"bearer": []}], "parameters": [tenant]}
    texts = dict(_STATUS_TEXTS)
    if policy:
        name = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
        extra["parameters"].append({"name": "policy", "in": "path", "required": True, "schema": name})
        extra["x-condition"] = "all permissions and scopes of the policy"
        texts[404] = "No name of a policy"
    return {
        "operation_id": f"authz_{'policy_' if policy else ''}{method}",
        "response_model": None,
        "responses": {
            status: {"model": AuthzVerdict, "description": text, "headers": _headers(status)}
            for status, text in sorted(texts.items())
        },
        "openapi_extra": extra,
    }


def _headers(status: int) -> dict[str, Any]:
    named = {"X-Request-ID": "The request's id: the caller's, or a new one", **IDENTITY_HEADERS}
    if status in (401, 403):
        named["WWW-Authenticate"] = "RFC 6750"
    if status == 503:
        named["Retry-After"] = "Seconds to wait"
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in named.items()}
