# SPDX-License-Identifier: Apache-2.0
"""What OpenAPI says of the authz surface."""

from typing import Any, Final

from tessera_service.http import documentation as openapi
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
    tenant = openapi.parameter("X-Tenant-ID", "header")
    extra: dict[str, Any] = {"security": [{"bearer": []}], "parameters": [tenant]}
    texts = dict(_STATUS_TEXTS)
    if policy:
        name = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"}
        extra["parameters"].append(openapi.parameter("policy", "path", name, required=True))
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
    headers = {**openapi.REQUEST_ID, **{name: openapi.header(text) for name, text in IDENTITY_HEADERS.items()}}
    if status in (401, 403):
        headers["WWW-Authenticate"] = openapi.header("RFC 6750")
    if status == 503:
        headers["Retry-After"] = openapi.header("Seconds to wait")
    return headers
