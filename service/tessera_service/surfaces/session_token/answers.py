# SPDX-License-Identifier: Apache-2.0
"""Answers of the session-token surface as OpenAPI describes them."""

from typing import Literal

from pydantic import BaseModel, Field


class CreatedSessionToken(BaseModel):
    """A session token, and from when on it is dead."""

    token: str
    expires_at: str = Field(json_schema_extra={"format": "date-time"})


class SessionTokenCreated(BaseModel):
    """A session token for an access key."""

    status: Literal["success"]
    session_token: CreatedSessionToken


class SessionTokenValidity(BaseModel):
    """`is_valid`: the token counts; `has_permission`: its access key grants what was asked for."""

    status: Literal["success", "failure"]
    is_valid: bool
    has_permission: bool
    message: str


class SessionTokenRevoked(BaseModel):
    """The session is over, now or before."""

    status: Literal["success"]
    message: str


class SessionTokenError(BaseModel):
    """Every error. It never repeats what was sent."""

    status: Literal["failure"]
    message: str
