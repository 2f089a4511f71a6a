# SPDX-License-Identifier: Apache-2.0
"""Secrets of keys for programs: shown once, stored as hashes keyed with what a master key gives for their purpose."""

import secrets

import structlog

import tessera
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.errors import StartupError, StoreUnavailable

_DECOY = secrets.token_bytes(32)  # what the secret of an unknown key is compared with: nothing hashes to it

_NOBODY = "TSRA" + "0" * 16  # no key has that id: its letters are others

_log = structlog.get_logger(__name__)


class KeySecrets:
    """Hashes and compares the secrets of one kind of key."""

    def __init__(self, master_keys: MasterKeys, *, purpose: str) -> None:
        self._master_keys = master_keys
        self._purpose = purpose
        self._hashers: dict[str, tessera.AccessKeyHasher] = {}

    @property
    def master_key_id(self) -> str:
        """Of the master key under which `hash` works."""
        return self._master_keys.current_id

    def hash(self, key_id: str, secret: str) -> bytes:
        """32 bytes to be stored, bound to the key's id."""
        return self._hasher(self.master_key_id).hash(key_id, secret)

    def match(self, key_id: str, secret: str, *, expected: bytes | None, master_key_id: str | None) -> bool:
        """Whether `expected` is the hash of that secret, in constant time; the same work for an unknown key (None).
        StoreUnavailable if its master key is not loaded: then nobody can tell."""
        try:
            hasher = self._hasher(master_key_id or self.master_key_id)
        except StartupError as error:
            _log.error("key_secret_unusable", purpose=self._purpose, error=str(error))
            raise StoreUnavailable from None
        try:
            return hasher.verify(key_id, secret, expected=expected or _DECOY)
        except tessera.LimitError:  # no key has an id with a NUL in it
            return False

    def _hasher(self, master_key_id: str) -> tessera.AccessKeyHasher:
        if master_key_id not in self._hashers:
            pepper = self._master_keys.derive(self._purpose, master_key_id=master_key_id)
            self._hashers[master_key_id] = tessera.AccessKeyHasher(pepper)
        return self._hashers[master_key_id]


def askable_id(text: str) -> str:
    """What to ask a directory for: the text if a key may have it as its id, else an id that no key has. So the work is
    the same, and no directory fails at a text that it cannot keep."""
    return text if tessera.AccessKey.is_well_formed_id(text) else _NOBODY
