# SPDX-License-Identifier: Apache-2.0
"""Bodies of the legacy surface: camelCase, and snake_case as well; where both are sent, camelCase counts."""

from pydantic import AliasChoices, Field

from tessera_service.http.strict import Body


class LegacyRefreshBody(Body):
    """The refresh token to be spent."""

    refresh_token: str = Field(validation_alias=AliasChoices("refreshToken", "refresh_token"))


class LegacyLogoutBody(Body):
    """The session to be ended, and the access token that may end it."""

    access_token: str = Field(validation_alias=AliasChoices("accessToken", "access_token"))
    session_id: str = Field(validation_alias=AliasChoices("sessionId", "session_id"))
