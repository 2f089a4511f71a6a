# SPDX-License-Identifier: Apache-2.0
"""Signing keys at rest: a row of the directory, its private half encrypted PKCS#8 under the master key."""

from dataclasses import replace

import tessera
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.errors import StartupError
from tessera_service.models import SigningKey


class KeyVault:
    """Makes rows and opens them. Slow (key generation, PBKDF2): call it off the event loop."""

    def __init__(self, master_keys: MasterKeys) -> None:
        self._master_keys = master_keys

    def make(self, *, created_at: int, activates_at: int) -> SigningKey:
        """A new key pair, encrypted under the current master key."""
        key = tessera.PrivateKey.generate()
        master_key_id = self._master_keys.current_id
        return SigningKey(
            kid=key.kid,
            public_jwk=key.public_key.to_jwk(),
            private_pem=key.to_pem(password=self._password(key.kid, master_key_id)),
            master_key_id=master_key_id,
            created_at=created_at,
            activates_at=activates_at,
        )

    def open(self, row: SigningKey) -> tessera.PrivateKey:
        """The private key of a row that still has one. StartupError if its master key is not loaded or wrong."""
        assert row.private_pem is not None
        password = self._password(row.kid, row.master_key_id)
        try:
            key = tessera.PrivateKey.from_pem(row.private_pem, password=password, kid=row.kid)
        except tessera.InvalidKeyError as error:
            raise StartupError(f"signing key {row.kid} cannot be decrypted ({error.code})") from None
        if key.public_key.thumbprint != tessera.PublicKey.from_jwk(row.public_jwk).thumbprint:
            raise StartupError(f"signing key {row.kid}: its private and public halves do not belong together")
        return key

    def is_current(self, row: SigningKey) -> bool:
        """Whether a row needs no older master key: its private half is under the current one, or gone."""
        return row.private_pem is None or row.master_key_id == self._master_keys.current_id

    def rewrap(self, row: SigningKey) -> SigningKey:
        """The same key under the current master key. StartupError as `open`."""
        master_key_id = self._master_keys.current_id
        sealed = self.open(row).to_pem(password=self._password(row.kid, master_key_id))
        return replace(row, private_pem=sealed, master_key_id=master_key_id)

    def _password(self, kid: str, master_key_id: str) -> str:
        return self._master_keys.derive(f"signing key {kid}", master_key_id=master_key_id).hex()
