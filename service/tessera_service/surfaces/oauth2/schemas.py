# SPDX-License-Identifier: Apache-2.0
"""The form of the OAuth surface. What it does not name is ignored (RFC 6749 section 3.2)."""

from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

from tessera_service.http.strict import Body

MAX_TOKEN_BYTES: Final = 8192


def _check_size(token: str) -> str:
    if len(token.encode()) > MAX_TOKEN_BYTES:
        raise ValueError("too long")
    return token


Token = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN_BYTES), AfterValidator(_check_size)]
Hint = Annotated[str, StringConstraints(max_length=128)]


class OAuthTokenForm(Body):
    """The token that is asked about, or that is to be revoked: at most 8 KiB. The hint is not needed, and a wrong one
    does no harm. Credentials of the client stand in Authorization: in the form they are refused."""

    token: Token
    token_type_hint: Hint = ""
    client_secret: str = ""
    client_assertion: str = ""

    @property
    def has_credentials(self) -> bool:
        """Whether the client authenticates in a second way, which RFC 6749 section 2.3 forbids."""
        return bool(self.client_secret or self.client_assertion)
