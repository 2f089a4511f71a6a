# SPDX-License-Identifier: Apache-2.0
"""Gateway keys: what a gateway shows to make sessions and to read their figures."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

import tessera
from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.key_secrets import KeySecrets, askable_id
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.engine.tenants import Tenants
from tessera_service.errors import UnknownTenant
from tessera_service.models import GatewayKey
from tessera_service.storage.base import Directory

_PURPOSE: Final = "gateway-key"
_SEPARATOR: Final = "."


class GatewayKeys:
    """Those of the directory, and the one of the settings, GATEWAY_API_KEY, which is the default tenant's. A key is
    `<id>.<secret>`. Each check asks the directory, so that a disabled key is refused at once."""

    def __init__(
        self,
        *,
        directory: Directory,
        tenants: Tenants,
        ends: Ends,
        master_keys: MasterKeys,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._directory = directory
        self._tenants = tenants
        self._ends = ends
        self._secrets = KeySecrets(master_keys, purpose=_PURPOSE)
        self._clock = clock
        self._config = config
        self._digest = None if config.gateway_api_key is None else _digest(config.gateway_api_key)

    async def create(self, tenant_id: str) -> str:
        """The whole key, which nobody can tell again. UnknownTenant, StoreUnavailable."""
        if not await self._tenants.exists(tenant_id):
            raise UnknownTenant
        key = tessera.AccessKey.generate()
        record = GatewayKey(
            key_id=key.id,
            tenant_id=tenant_id,
            secret_hash=self._secrets.hash(key.id, key.secret),
            master_key_id=self._secrets.master_key_id,
            created_at=self._clock.now(),
        )
        async with answered_within(self._config.store_timeout):
            await self._directory.add_gateway_key(record)
        return key.id + _SEPARATOR + key.secret

    async def check(self, key: str) -> str | None:
        """The tenant that the key belongs to; None for an unknown key, a wrong secret and a disabled key, after the
        same work. StoreUnavailable."""
        if self._digest is not None and hmac.compare_digest(self._digest, _digest(key)):
            return self._config.default_tenant
        key_id, _, secret = key.partition(_SEPARATOR)
        async with answered_within(self._config.store_timeout):
            record = await self._directory.get_gateway_key(askable_id(key_id))
        if record is not None and record.disabled_at is not None:  # which holds, whatever becomes of its master key
            record = None
        expected = None if record is None else record.secret_hash
        master_key_id = None if record is None else record.master_key_id
        matches = self._secrets.match(key_id, secret, expected=expected, master_key_id=master_key_id)
        return record.tenant_id if record is not None and matches else None

    async def list(self, tenant_id: str | None = None, *, after: GatewayKey | None = None) -> Sequence[GatewayKey]:
        """A page of the records, newest first: LISTED, fewer at the end. `after`: the last one of the page before."""
        async with answered_within(self._config.store_timeout):
            return await self._directory.list_gateway_keys(tenant_id=tenant_id, after=after)

    async def disable(self, key_id: str) -> bool:
        """Ends a key; the sessions that were made with it go on. False if unknown. Again is a success."""
        revocation = self._ends.of_subject(reason="gateway_key_disabled", revoked_by="operator")
        async with answered_within(self._config.store_timeout):
            return await self._directory.disable_gateway_key(key_id, revocation=revocation) is not None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
