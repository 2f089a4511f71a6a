# SPDX-License-Identifier: Apache-2.0
"""The installation's master keys: everything that rests encrypted or keyed is under a key derived from one of them."""

import hashlib
import hmac
from collections.abc import Sequence

from tessera_service.errors import StartupError

MIN_BYTES = 32


def hkdf_sha256(key: bytes, *, info: bytes, length: int = 32, salt: bytes = b"") -> bytes:
    """HKDF-SHA-256 (RFC 5869): extract, then expand to `length` bytes (at most 8,160)."""
    pseudo_random = hmac.digest(salt or bytes(hashlib.sha256().digest_size), key, hashlib.sha256)
    block, output = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(pseudo_random, block + info + bytes([counter]), hashlib.sha256)
        output += block
    return output[:length]


class MasterKeys:
    """One current key, which encrypts, and older ones, which only decrypt. Each has at least 32 bytes (ValueError).

    A key's id is derived from it and reveals nothing about it; rows name the key that they need by it.
    """

    def __init__(self, current: bytes, older: Sequence[bytes] = ()) -> None:
        if any(len(key) < MIN_BYTES for key in (current, *older)):
            raise ValueError(f"a master key has at least {MIN_BYTES} bytes")
        self._keys = {_id_of(key): key for key in (*older, current)}
        self.current_id = _id_of(current)

    def __repr__(self) -> str:
        return f"MasterKeys(current_id={self.current_id!r}, loaded={len(self._keys)})"

    def __contains__(self, master_key_id: str) -> bool:
        return master_key_id in self._keys

    def derive(self, purpose: str, *, master_key_id: str | None = None) -> bytes:
        """32 bytes for one purpose, from that master key (None: the current one); StartupError if it is not loaded."""
        key = self._keys.get(master_key_id or self.current_id)
        if key is None:
            raise StartupError(
                f"the data is encrypted under master key {master_key_id}, but {', '.join(self._keys)} is loaded:"
                " set TESSERA_MASTER_KEY or TESSERA_MASTER_KEY_FILE to the key that it was made with"
            )
        return hkdf_sha256(key, info=b"tessera " + purpose.encode())

    def derive_all(self, purpose: str) -> Sequence[bytes]:
        """The same from every key that is loaded, the current one first."""
        others = (key_id for key_id in self._keys if key_id != self.current_id)
        return [self.derive(purpose, master_key_id=key_id) for key_id in (self.current_id, *others)]


def _id_of(key: bytes) -> str:
    return hkdf_sha256(key, info=b"tessera master key id", length=8).hex()
