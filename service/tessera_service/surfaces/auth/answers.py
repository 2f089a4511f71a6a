# SPDX-License-Identifier: Apache-2.0
"""Answers of the auth surface: how they are made, and how OpenAPI describes them."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from tessera_service.engine.auth_sessions import ListedSession
from tessera_service.http.envelope import Meta
from tessera_service.http.times import format_time
from tessera_service.models import IssuedTokens
from tessera_service.surfaces.auth.masking import mask

SUCCESS = {"success": True}


def show_tokens(issued: IssuedTokens) -> dict[str, Any]:
    """A signed pair, as `TokenEnvelope`."""
    return {
        "access_token": issued.access_token,
        "refresh_token": issued.refresh_token,
        "expires_in": issued.expires_in,
        "session_id": issued.session_id,
        "token_type": "Bearer",
    }


def show_session(listed: ListedSession, *, masked: bool) -> dict[str, Any]:
    """A session, as `SessionOut`."""
    session = listed.session
    origin = mask(session.metadata) if masked else session.metadata
    ended_ms = session.revoked_ms
    return {
        "session_id": session.session_id,
        "user_id": session.subject,
        "auth_method": session.auth_method,
        "created_at": format_time(session.created_ms // 1000),
        "revoked_at": None if ended_ms is None else format_time(ended_ms // 1000),
        "ip_address": origin.ip_address,
        "device_type": origin.device_type,
        "user_agent": origin.user_agent,
        "location": origin.location,
        "status": listed.status.value,
    }


class Pagination(BaseModel):
    """`total`: how many there are in all."""

    total: int = Field(ge=0)
    limit: int = Field(ge=1, le=100)
    offset: int = Field(ge=0, le=10_000)


class PageMeta(Meta):
    """What the envelope of a list says of its request."""

    pagination: Pagination


class TokenEnvelope(BaseModel):
    """`expires_in`: seconds that the access token lives."""

    access_token: str
    refresh_token: str
    expires_in: int = Field(ge=0)
    session_id: str = Field(json_schema_extra={"format": "uuid"})
    token_type: Literal["Bearer"]


class SessionOut(BaseModel):
    """Without session.read:any, `ip_address` is a network, `user_agent` a product's name and `location` null."""

    session_id: str = Field(json_schema_extra={"format": "uuid"})
    user_id: str
    auth_method: str
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    revoked_at: str | None = Field(json_schema_extra={"format": "date-time"})
    ip_address: str | None
    device_type: str | None
    user_agent: str | None
    location: str | None
    status: Literal["active", "revoked", "expired", "locked"]


class Success(BaseModel):
    """It is done."""

    success: Literal[True]


class LoginAnswer(BaseModel):
    """A signed pair."""

    meta: Meta
    data: TokenEnvelope


class SuccessAnswer(BaseModel):
    """It is done, now or before."""

    meta: Meta
    data: Success


class SessionListAnswer(BaseModel):
    """Part of a user's sessions, newest first."""

    meta: PageMeta
    data: list[SessionOut]
