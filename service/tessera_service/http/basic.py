# SPDX-License-Identifier: Apache-2.0
"""The id and the secret of a client in Authorization (RFC 6749 section 2.3.1, RFC 7617)."""

import base64
import binascii
from typing import Final
from urllib.parse import unquote

from tessera_service.errors import ClientRefused
from tessera_service.http.exchange import Exchange

MAX_CHARS: Final = 512  # of both, encoded


def read_basic(exchange: Exchange) -> tuple[str, str] | None:
    """The id and the secret; None without the header, or under another scheme. ClientRefused when there are none in it.

    Clients may send each as a form would (RFC 6749 section 2.3.1), and many do not. Here both mean the same: `%` stands
    in no id and no secret of ours, and a plus sign, which a secret may have, is never read as a space."""
    value = exchange.header(b"authorization")
    scheme, _, credentials = (value or b"").decode("latin-1").partition(" ")
    if scheme.lower() != "basic":
        return None
    if len(credentials) > MAX_CHARS:
        raise ClientRefused
    try:
        text = base64.b64decode(credentials.strip(" "), validate=True).decode("ascii")
        client_id, colon, secret = text.partition(":")
        found = unquote(client_id, errors="strict"), unquote(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise ClientRefused from None
    if not colon:
        raise ClientRefused
    return found
