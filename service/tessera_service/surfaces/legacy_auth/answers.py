# SPDX-License-Identifier: Apache-2.0
"""Answers of the legacy surface as OpenAPI describes them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Camel(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)


class LegacyUserInfo(_Camel):
    """Whose session it is, as its record says; `username` is null where none is known."""

    user_id: str
    username: str | None
    roles: list[str]
    tenant_id: str


class LegacySessionAnswer(_Camel):
    """A live session. `expiresIn`: seconds that the token still lives."""

    is_valid: Literal[True]
    user_id: str
    session_id: str = Field(json_schema_extra={"format": "uuid"})
    expires_in: int = Field(ge=0)
    user_info: LegacyUserInfo
    permissions: list[str]


class LegacyNoSession(_Camel):
    """Every error about a session."""

    is_valid: Literal[False]
    message: str


class LegacyTokensAnswer(_Camel):
    """The next pair of a session. `expiresIn`: seconds that the access token lives."""

    success: Literal[True]
    access_token: str
    refresh_token: str
    expires_in: int = Field(ge=0)
    message: str


class LegacyDoneAnswer(_Camel):
    """It is done, now or before."""

    success: Literal[True]
    message: str


class LegacyErrorAnswer(_Camel):
    """Every other error. It never repeats what was sent."""

    success: Literal[False]
    message: str
