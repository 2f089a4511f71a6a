# SPDX-License-Identifier: Apache-2.0
"""Bodies of the gateway surface. An absent member is an unset field (`model_fields_set`); null is no text."""

import re
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from tessera_service.engine import GatewayRequest
from tessera_service.http.strict import Body

MAX_NAMES: Final = 64

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.IGNORECASE | re.ASCII)


def _check_time(text: str) -> str:
    read_time(text)
    return text


def read_time(text: str) -> int:
    """Seconds since 1970 of an RFC 3339 time with its offset, rounded down. ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError("is no RFC 3339 time")
    whole, zone = re.sub(r"\.\d+", "", text.upper()), "Z"
    return int(datetime.fromisoformat(whole.replace(zone, "+00:00")).timestamp())


Id = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/*-]{1,64}$")]
Names = Annotated[list[Name], Field(max_length=MAX_NAMES)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", min_length=1, max_length=128)]
Time = Annotated[str, AfterValidator(_check_time), Field(json_schema_extra={"format": "date-time"})]


class ValidateBody(Body):
    """The token that is asked about: any text."""

    token: str


class CreateBody(Body):
    """A user whom the gateway has authenticated. `expires_at`: the end of the session's first span."""

    user_id: Id
    username: Text
    role_name: Name
    permissions: Names
    remember_me: bool = False
    expires_at: Time = Field(default_factory=str)

    def to_request(self) -> GatewayRequest:
        """What the engine makes a session of."""
        return GatewayRequest(
            user_id=self.user_id,
            username=self.username,
            role_name=self.role_name,
            permissions=tuple(self.permissions),
            remember_me=self.remember_me,
            expires_at=read_time(self.expires_at) if "expires_at" in self.model_fields_set else None,
        )


class LogoutBody(Body):
    """The token whose session ends, unless it is the bearer."""

    token: str = Field(default_factory=str)
