# SPDX-License-Identifier: Apache-2.0
"""Answers of the gateway surface as OpenAPI describes them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Health(BaseModel):
    """Whether the service works."""

    success: bool
    service: Literal["session-service"]
    status: Literal["healthy", "unhealthy"]
    message: str


class ValidSession(BaseModel):
    """The session of a live token. `role_name`, `username`: null where whoever made it gave none."""

    session_id: str
    user_id: str
    username: str | None
    role_name: str | None
    permissions: list[str]
    created_at: Time
    expires_at: Time
    last_activity: Time
    tenant_id: str


class ValidAnswer(BaseModel):
    """`new_token`: exactly when `should_refresh` is true; to be used from now on."""

    is_valid: Literal[True]
    session: ValidSession
    should_refresh: bool
    new_token: str | None = None


class InvalidAnswer(BaseModel):
    """A token that does not count, or a request that is not valid."""

    is_valid: Literal[False]
    error_code: str
    error_message: str


class User(BaseModel):
    """Whose session it is."""

    id: str
    username: str
    role: str


class CreatedAnswer(BaseModel):
    """A session and its token."""

    success: Literal[True]
    message: str
    session_id: str
    token: str
    expires_at: Time
    user: User


class RefreshedAnswer(BaseModel):
    """`token`: the successor, or the same one while `refreshed` is false."""

    success: Literal[True]
    message: str
    token: str
    refreshed: bool


class DoneAnswer(BaseModel):
    """It is done, now or before."""

    success: Literal[True]
    message: str


class Stats(BaseModel):
    """Gateway sessions of the tenant. `total_sessions`: all that are kept; `expired_sessions`: those whose time is over
    without having been revoked."""

    total_sessions: int
    active_sessions: int
    expired_sessions: int


class StatsAnswer(BaseModel):
    """Exact figures."""

    success: Literal[True]
    stats: Stats


class ListedSession(BaseModel):
    """`is_current`: it is the bearer's."""

    session_id: str
    created_at: Time
    last_activity: Time
    is_active: Literal[True]
    is_current: bool


class ListAnswer(BaseModel):
    """The active sessions of a user, newest first."""

    success: Literal[True]
    user_id: str
    sessions: list[ListedSession]
    count: int


class RevokedAnswer(BaseModel):
    """The session is over, now or before."""

    success: Literal[True]
    message: str
    session_id: str


class UserRevokedAnswer(BaseModel):
    """`total_sessions`: how many were active before."""

    success: Literal[True]
    message: str
    user_id: str
    revoked_count: int
    total_sessions: int


class ErrorAnswer(BaseModel):
    """Every error. It never repeats what was sent."""

    success: Literal[False]
    error_code: str
    error_message: str
