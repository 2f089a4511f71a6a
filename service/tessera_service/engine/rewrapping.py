# SPDX-License-Identifier: Apache-2.0
"""After the master key was changed: what rests under an older one is sealed again under the current one."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.key_vault import KeyVault
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.errors import StartupError
from tessera_service.models import SigningKey
from tessera_service.storage.base import Directory

_log = structlog.get_logger(__name__)


class Rewrapped(NamedTuple):
    """How many private halves were sealed again, how many rested under the current master key already, and the ids of
    all that needs an older one still: at most 1,000 of each kind."""

    rewrapped: int
    already: int
    signing_keys: Sequence[str]
    access_keys: Sequence[str]
    gateway_keys: Sequence[str]


class Rewrapping:
    """Signing keys alone can be sealed again. The secret of an access key or a gateway key is nowhere but with its
    holder: its hash stays under the master key that it was made with until the key is rotated or disabled."""

    def __init__(self, *, directory: Directory, master_keys: MasterKeys, config: EngineConfig) -> None:
        self._directory = directory
        self._master_key_id = master_keys.current_id
        self._vault = KeyVault(master_keys)
        self._config = config

    async def run(self) -> Rewrapped:
        """Opens all that is to be sealed again before the first of it changes. StartupError if one cannot be opened;
        StoreUnavailable: then some may be done, and a call goes on."""
        before = [row for row in await self._signing_keys() if not self._vault.is_current(row)]
        changes = [(row, await self._seal(row)) for row in before]
        done = sum([await self._store(row, sealed) for row, sealed in changes])
        if done:
            _log.info("signing_keys_rewrapped", keys=done, master_key_id=self._master_key_id)
        rows = [row for row in await self._signing_keys() if row.private_pem is not None]
        older = [row.kid for row in rows if not self._vault.is_current(row)]
        async with answered_within(self._config.store_timeout):
            access_keys = await self._directory.list_access_keys(not_under=self._master_key_id)
            gateway_keys = await self._directory.list_gateway_keys(not_under=self._master_key_id)
        return Rewrapped(
            rewrapped=done,
            already=max(0, len(rows) - len(older) - done),
            signing_keys=older,
            access_keys=[key.access_key_id for key in access_keys],
            gateway_keys=[key.key_id for key in gateway_keys],
        )

    async def _signing_keys(self) -> Sequence[SigningKey]:
        async with answered_within(self._config.store_timeout):
            return await self._directory.list_signing_keys()

    async def _seal(self, row: SigningKey) -> SigningKey:
        try:
            return await asyncio.to_thread(self._vault.rewrap, row)
        except StartupError as error:
            raise StartupError(f"nothing was rewrapped: signing key {row.kid}: {error}") from None

    async def _store(self, row: SigningKey, sealed: SigningKey) -> bool:
        """False if the key was revoked, retired or rewrapped by another meanwhile: that holds."""
        assert row.private_pem is not None
        assert sealed.private_pem is not None
        async with answered_within(self._config.store_timeout):
            return await self._directory.rewrap_signing_key(
                row.kid, old=row.private_pem, new=sealed.private_pem, master_key_id=sealed.master_key_id
            )
