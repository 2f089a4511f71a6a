# SPDX-License-Identifier: Apache-2.0
"""Answers of the OAuth surface."""

import json
from typing import Any, Final, Literal

from pydantic import BaseModel

# In the words of RFC 7662 section 2.2, then those of ours that its extension point allows. Where a session was opened
# from concerns no resource server.
_MEMBERS: Final = (
    *("active", "scope", "client_id", "token_type", "exp", "iat", "sub", "aud", "iss", "jti"),
    *("tenant_id", "session_id", "permissions"),
)


class OAuthIntrospection(BaseModel):
    """`{"active": false}` and nothing else, or what a live token holds. `token_type`: of every token that is presented
    as a bearer, so not of a refresh token; `scope`: unless it is empty."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    token_type: Literal["Bearer"] | None = None
    exp: int | None = None
    iat: int | None = None
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    jti: str | None = None
    tenant_id: str | None = None
    session_id: str | None = None
    permissions: list[str] | None = None


class OAuthMetadata(BaseModel):
    """What a client may do here (RFC 8414 section 2): nothing is authorized and no standard grant is served."""

    issuer: str
    jwks_uri: str
    response_types_supported: list[str]
    grant_types_supported: list[str]
    introspection_endpoint: str
    introspection_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str
    revocation_endpoint_auth_methods_supported: list[str]


class OAuthError(BaseModel):
    """Every error (RFC 6749 section 5.2). It never repeats what was sent."""

    error: str
    error_description: str


def to_standard(introspection: bytes) -> dict[str, Any]:
    """The engine's answer about a token, in the words of RFC 7662."""
    told: dict[str, Any] = json.loads(introspection)
    if told.pop("token_type", None) == "access":
        told["token_type"] = "Bearer"  # noqa: S105 (a kind)
    if told.get("scope") == "":
        del told["scope"]  # a scope has at least one name (RFC 6749 section 3.3)
    return {name: told[name] for name in _MEMBERS if name in told}
