# SPDX-License-Identifier: Apache-2.0
"""Bodies of the auth surface. An absent member is an unset field (`model_fields_set`); null is no text."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, RootModel, StringConstraints

from tessera_service.http.strict import Body

OTP: Final = "otp"
MAX_PASSWORD_BYTES: Final = 1024


def _check_password(password: str) -> str:
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise ValueError("too long")
    return password


Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=512)]
Password = Annotated[
    str, StringConstraints(min_length=1, max_length=MAX_PASSWORD_BYTES), AfterValidator(_check_password)
]
PhoneNumber = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=64)]
Code = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,16}$")]
Reason = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=64)]


class LoginKind(Body):
    """Which way of signing in a body of POST /auth/login asks for."""

    login_type: Literal["otp", "local"]


class OtpLogin(Body):
    """Signing in with the code that was sent to a number."""

    login_type: Literal["otp"]
    phone_number: PhoneNumber
    otp_code: Code


class LocalLogin(Body):
    """Signing in with a user name and a password of at most 1,024 bytes."""

    login_type: Literal["local"]
    username: Name
    password: Password


class LoginRequest(RootModel[Annotated[OtpLogin | LocalLogin, Field(discriminator="login_type")]]):
    """Signing in by name and password, or by number and one-time code."""


class OtpRequest(Body):
    """The number that is to get a code."""

    phone_number: PhoneNumber


class LogoutRequest(Body):
    """Why the session is to end."""

    reason: Reason = "user_logout"


class RevokeSessionRequest(Body):
    """Why the session is to end."""

    reason: Reason = "manual"
