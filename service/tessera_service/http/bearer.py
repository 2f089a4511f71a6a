# SPDX-License-Identifier: Apache-2.0
"""The bearer token of a request (RFC 6750 section 2.1)."""

from tessera_service.errors import Unauthorized
from tessera_service.http.exchange import Exchange


def read_bearer(exchange: Exchange) -> str | None:
    """The token in Authorization; None without the header, or under another scheme. Whether it is a token at all is
    for the verifier. Unauthorized when the header was sent twice or has nothing after the scheme."""
    value = exchange.header(b"authorization")
    if value is None:
        if exchange.has_header(b"authorization"):
            raise Unauthorized("invalid")
        return None
    scheme, _, token = value.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = token.strip(" ")
    if not token:
        raise Unauthorized("invalid")
    return token
