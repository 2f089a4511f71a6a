# SPDX-License-Identifier: Apache-2.0
"""Which tenants exist. A tenant that was seen is remembered, one that was not is asked for again."""

import re
from collections.abc import Sequence

from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.errors import InvalidInput
from tessera_service.models import Tenant
from tessera_service.storage.base import Directory

REMEMBERED_SECONDS = 3600
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Tenants:
    """The directory's tenants, behind a cache of the existing ones (unknown names may not fill memory)."""

    def __init__(self, *, directory: Directory, clock: Clock, config: EngineConfig) -> None:
        self._directory = directory
        self._clock = clock
        self._config = config
        self._known: dict[str, int] = {}  # tenant id -> until when, seconds

    @property
    def default(self) -> str:
        """The default tenant's id."""
        return self._config.default_tenant

    async def start(self) -> None:
        """Makes sure of the default tenant."""
        await self.add(self._config.default_tenant)

    def exists_now(self, tenant_id: str) -> bool | None:
        """True from memory, else None: only `exists` can tell."""
        until = self._known.get(tenant_id)
        return True if until is not None and self._clock.now() < until else None

    async def exists(self, tenant_id: str) -> bool:
        """Whether there is such a tenant. StoreUnavailable."""
        if self.exists_now(tenant_id):
            return True
        if not _ID.fullmatch(tenant_id):
            return False
        async with answered_within(self._config.store_timeout):
            tenant = await self._directory.get_tenant(tenant_id)
        if tenant is None:
            self._known.pop(tenant_id, None)
            return False
        self._remember(tenant_id)
        return True

    async def add(self, tenant_id: str) -> bool:
        """False if it exists already. InvalidInput if that is no tenant id."""
        if not _ID.fullmatch(tenant_id):
            raise InvalidInput("tenant_id", out_of_range=True)
        async with answered_within(self._config.store_timeout):
            added = await self._directory.add_tenant(Tenant(tenant_id, created_at=self._clock.now()))
        self._remember(tenant_id)
        return added

    async def list(self) -> Sequence[Tenant]:
        """All, by id."""
        async with answered_within(self._config.store_timeout):
            return await self._directory.list_tenants()

    def _remember(self, tenant_id: str) -> None:
        self._known[tenant_id] = self._clock.now() + REMEMBERED_SECONDS
