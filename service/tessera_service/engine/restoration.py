# SPDX-License-Identifier: Apache-2.0
"""After a backup was restored: what was revoked since it was made is alive again, so every session ends."""

import secrets
from typing import Final

from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.models import Session
from tessera_service.storage.base import Directory, SessionStore, parts_of

REASON: Final = "log_reset"

_OPERATOR: Final = "operator"
_PAGE: Final = 100


class Restoration:
    """For one that nobody signs in to meanwhile: a subject that does is signed out again."""

    def __init__(
        self, *, sessions: SessionStore, directory: Directory, ends: Ends, clock: Clock, config: EngineConfig
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._ends = ends
        self._clock = clock
        self._config = config

    async def reset(self) -> int:
        """Begins another life of every log, and ends every session that was opened until now; how many. May be called
        again where it broke off. StoreUnavailable."""
        until_ms = self._clock.now_ms()
        for part in {part.log_key: part for part in (*parts_of(self._sessions), self._directory)}.values():
            async with answered_within(self._config.store_timeout):
                await part.renew_log(log_id=secrets.token_hex(16))
        async with answered_within(self._config.store_timeout):
            tenants = await self._directory.list_tenants()
        return sum([await self._end_all(tenant.tenant_id, until_ms=until_ms) for tenant in tenants])

    async def _end_all(self, tenant_id: str, *, until_ms: int) -> int:
        ended = younger = 0
        while page := await self._read_page(tenant_id, offset=younger):
            older = [session for session in page if session.created_ms <= until_ms]
            younger += len(page) - len(older)
            for subject in sorted({session.subject for session in older}):
                ended += await self._end(tenant_id, subject)
        return ended

    async def _read_page(self, tenant_id: str, *, offset: int) -> list[Session]:
        async with answered_within(self._config.store_timeout):
            page = await self._sessions.list_sessions(
                tenant_id, subject=None, now=self._clock.now(), active_only=True, limit=_PAGE, offset=offset
            )
        return list(page)

    async def _end(self, tenant_id: str, subject: str) -> int:
        revocation = self._ends.of_subject(reason=REASON, revoked_by=_OPERATOR)
        async with answered_within(self._config.store_timeout):
            done = await self._sessions.revoke_subject(tenant_id, subject, revocation=revocation)
        self._ends.apply_subject(tenant_id, subject, cutoff_ms=done.cutoff_ms, revocation=revocation)
        return done.ended
