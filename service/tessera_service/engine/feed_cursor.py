# SPDX-License-Identifier: Apache-2.0
"""Positions in the logs as text for followers elsewhere: sealed, because how many entries there are is no tenant's
business, and bound to what the follower may see, because what was left out for one was not for another."""

import base64
import binascii
import contextlib
import secrets
import struct
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tessera_service.engine.log_tail import MARK_BYTES, Position
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.errors import InvalidInput

MAX_CURSOR_CHARS: Final = 16_000  # less than a head may have, more than 256 logs need

_NONCE_BYTES: Final = 12
_POSITION: Final = struct.Struct(f">{MARK_BYTES}sQ{MARK_BYTES}s")
_EVERY_TENANT: Final = b"*"  # no tenant's id


class CursorSeal:
    """Every process of an installation opens what another sealed, also while the master key is changed: who had to
    begin anew would take one of few snapshots. Whoever forged a cursor would move nobody's position but its own."""

    def __init__(self, master_keys: MasterKeys) -> None:
        self._ciphers = [AESGCM(key) for key in master_keys.derive_all("revocation cursor")]

    def seal(self, positions: Sequence[Position], *, tenant_id: str | None) -> str:
        """The cursor of a follower of that tenant (None: of every tenant)."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = b"".join(_POSITION.pack(*position) for position in positions)
        sealed = self._ciphers[0].encrypt(nonce, plain, _scope(tenant_id))
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, cursor: str, *, tenant_id: str | None) -> Sequence[Position]:
        """The positions of a cursor. InvalidInput for one that this installation did not make for that tenant."""
        try:
            if len(cursor) > MAX_CURSOR_CHARS:
                raise ValueError
            data = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            plain = self._decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], scope=_scope(tenant_id))
        except (ValueError, binascii.Error, InvalidTag):
            raise InvalidInput("cursor") from None
        return [Position(*position) for position in _POSITION.iter_unpack(plain)]

    def _decrypt(self, nonce: bytes, sealed: bytes, *, scope: bytes) -> bytes:
        *others, last = self._ciphers
        for cipher in others:
            with contextlib.suppress(InvalidTag):
                return cipher.decrypt(nonce, sealed, scope)
        return last.decrypt(nonce, sealed, scope)


def _scope(tenant_id: str | None) -> bytes:
    return _EVERY_TENANT if tenant_id is None else tenant_id.encode()
