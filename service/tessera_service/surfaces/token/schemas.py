# SPDX-License-Identifier: Apache-2.0
"""Bodies of the token surface. An absent member is an unset field (`model_fields_set`); null is no text."""

from ipaddress import ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints

from tessera_service.http.strict import Body
from tessera_service.models import SessionMetadata

MAX_NAMES: Final = 64
MAX_PASSWORD_BYTES: Final = 1024
DEFAULT_CLIENT: Final = "dx-vas"
DEVICE_TYPES: Final = ("web", "android", "ios")

_NAME: Final = r"[A-Za-z0-9._:/*-]{1,64}"


def _check_scope(scope: str) -> str:
    if scope.count(" ") >= MAX_NAMES:
        raise ValueError("too many names")
    return scope


def _check_address(text: str) -> str:
    if "%" in text:
        raise ValueError("has a zone")
    ip_address(text)
    return text


Id = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]
Name = Annotated[str, StringConstraints(pattern=f"^{_NAME}$")]
Names = Annotated[list[Name], Field(max_length=MAX_NAMES)]
Scope = Annotated[str, StringConstraints(pattern=f"^({_NAME}( {_NAME})*)?$"), AfterValidator(_check_scope)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=128)]
LongText = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=512)]
DeviceType = Annotated[
    str,
    StringConstraints(pattern=f"^({'|'.join(DEVICE_TYPES)})$"),
    Field(json_schema_extra={"enum": list(DEVICE_TYPES)}),
]
Address = Annotated[
    str,
    AfterValidator(_check_address),
    Field(json_schema_extra={"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
]


class MetadataBody(Body):
    """Where the session comes from, in the words of who asks for it."""

    ip_address: Address = Field(default_factory=str)
    user_agent: LongText = Field(default_factory=str)
    device_type: DeviceType = Field(default_factory=str)
    device_model: Text = Field(default_factory=str)
    os_version: Text = Field(default_factory=str)
    app_version: Text = Field(default_factory=str)
    location: Text = Field(default_factory=str)

    def to_metadata(self) -> SessionMetadata:
        """What was given; the rest is None."""
        return SessionMetadata(**self.model_dump(exclude_unset=True))


class GrantBody(Body):
    """Which grant a body of POST /v1/token asks for."""

    grant_type: str = "jwt_bearer"


class IssueBody(Body):
    """A pair of tokens for a subject that the caller has authenticated."""

    sub: Id
    scope: Scope = ""
    session_metadata: MetadataBody = Field(default_factory=MetadataBody)
    client_id: Id = DEFAULT_CLIENT
    permissions: Names = Field(default_factory=list)
    roles: Names = Field(default_factory=list)
    grant_type: str = Field(
        default="jwt_bearer", json_schema_extra={"enum": ["jwt_bearer", "password", "refresh_token"]}
    )


def _check_password(text: str) -> str:
    if len(text.encode()) > MAX_PASSWORD_BYTES:
        raise ValueError("too long")
    return text


UserName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Password = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_PASSWORD_BYTES),
    AfterValidator(_check_password),
    Field(json_schema_extra={"format": "password"}),
]


class PasswordBody(Body):
    """A pair of tokens for a user of the tenant, by name or by address of e-mail; no bearer. `scope`: of it, what the
    user's permissions cover."""

    grant_type: str = Field(json_schema_extra={"enum": ["password"]})
    password: Password
    username: UserName = Field(default_factory=str)
    email: UserName = Field(default_factory=str)
    scope: Scope = ""
    client_id: Id = DEFAULT_CLIENT
    session_metadata: MetadataBody = Field(default_factory=MetadataBody)


class RefreshBody(Body):
    """A refresh token, unless it is the bearer; the session that it has to belong to."""

    refresh_token: str = Field(default_factory=str)
    session_id: Id = Field(default_factory=str)


class RevokeBody(Body):
    """What to revoke: one of the members, or none of them for the current session."""

    session_id: Id = Field(default_factory=str)
    sub: Id = Field(default_factory=str)
    all: bool = False
    token: str = Field(default_factory=str)
    jti: Id = Field(default_factory=str)


class IntrospectBody(Body):
    """The token that is asked about: at most 8 KiB."""

    token: str
