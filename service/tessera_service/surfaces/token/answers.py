# SPDX-License-Identifier: Apache-2.0
"""Answers of the token surface as OpenAPI describes them."""

from typing import Literal

from pydantic import BaseModel, Field

from tessera_service.http.envelope import Meta


class TokenPair(BaseModel):
    """`expires_in`: seconds that the access token lives."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(ge=0)
    session_id: str = Field(json_schema_extra={"format": "uuid"})


class TokenPairAnswer(BaseModel):
    """A signed pair."""

    data: TokenPair
    meta: Meta


class IntrospectionMeta(BaseModel):
    """Where the session came from."""

    device_type: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None


class Introspection(BaseModel):
    """`{"active": false}` and nothing else, or what a live token holds."""

    active: bool
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    exp: int | None = None
    iat: int | None = None
    jti: str | None = None
    scope: str | None = None
    token_type: Literal["access", "refresh"] | None = None
    session_id: str | None = None
    client_id: str | None = None
    tenant_id: str | None = None
    permissions: list[str] | None = None
    meta: IntrospectionMeta | None = None


class Jwk(BaseModel):
    """An RSA public key (RFC 7517)."""

    kty: Literal["RSA"]
    kid: str
    use: Literal["sig"]
    alg: Literal["RS256"]
    n: str
    e: str


class JwkSet(BaseModel):
    """Every key that may have signed a live token."""

    keys: list[Jwk]
