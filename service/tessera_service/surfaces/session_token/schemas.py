# SPDX-License-Identifier: Apache-2.0
"""Bodies of the session-token surface. An absent member is an unset field (`model_fields_set`); null is no text."""

from typing import Annotated, Final

from pydantic import Field

from tessera_service.http.strict import Body

DEFAULT_SECONDS: Final = 3600
MIN_SECONDS: Final = 60
MAX_SECONDS: Final = 129_600


class CreateSessionTokenBody(Body):
    """An access key, of which a wrong one may look like anything, and how long the token is to live."""

    access_key_id: str
    secret_access_key: str
    duration_seconds: Annotated[int, Field(ge=MIN_SECONDS, le=MAX_SECONDS)] = DEFAULT_SECONDS


class ValidateSessionTokenBody(Body):
    """A session token, and what it is to permit."""

    session_token: str
    resource: str = ""
    permission: str = ""


class RevokeSessionTokenBody(Body):
    """The session token, unless a header holds it."""

    session_token: str = Field(default_factory=str)
