# SPDX-License-Identifier: Apache-2.0
"""After a backup was restored: what was revoked since it was made is alive again, so every session ends."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.models import Place, Session
from tessera_service.storage.base import ANY_CLOCK_MS, Directory, SessionStore, parts_of

REASON: Final = "log_reset"

_OPERATOR: Final = "operator"


class Reset(NamedTuple):
    """How many sessions were ended, and how many are left because they are younger by this machine's clock."""

    ended: int
    younger: int


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

    async def reset(self) -> Reset:
        """Begins another life of every log, and ends every session that was opened until now. May be called again
        where it broke off. StoreUnavailable."""
        until_ms = self._clock.now_ms()
        for part in {part.log_key: part for part in (*parts_of(self._sessions), self._directory)}.values():
            async with answered_within(self._config.store_timeout):
                await part.renew_log(log_id=secrets.token_hex(16))
        async with answered_within(self._config.store_timeout):
            tenants = await self._directory.list_tenants()
        done = [await self._end_all(tenant.tenant_id, until_ms=until_ms) for tenant in tenants]
        return Reset(sum(one.ended for one in done), sum(one.younger for one in done))

    async def _end_all(self, tenant_id: str, *, until_ms: int) -> Reset:
        ended, younger = 0, Counter[str]()
        async for page in self._pages(tenant_id):
            alive = [session for session in page if _may_be_alive(session, until_ms)]
            younger.update(session.subject for session in alive if session.created_ms > until_ms)
            for subject in sorted({session.subject for session in alive if session.created_ms <= until_ms}):
                ended += await self._end(tenant_id, subject)
                del younger[subject]  # all of a subject end together
        return Reset(ended, younger.total())

    async def _pages(self, tenant_id: str) -> AsyncIterator[Sequence[Session]]:
        place: Place | None = None
        while True:
            async with answered_within(self._config.store_timeout):
                found = await self._sessions.walk_unended(tenant_id, after=place)
            yield found.sessions
            place = found.rest
            if place is None:
                return

    async def _end(self, tenant_id: str, subject: str) -> int:
        revocation = self._ends.of_subject(reason=REASON, revoked_by=_OPERATOR)
        async with answered_within(self._config.store_timeout):
            done = await self._sessions.revoke_subject(tenant_id, subject, revocation=revocation)
        self._ends.apply_subject(tenant_id, subject, cutoff_ms=done.cutoff_ms, revocation=revocation)
        return done.ended


def _may_be_alive(session: Session, at_ms: int) -> bool:
    """By any clock: this machine's may be ahead of that of the instances."""
    return min(session.expires_at, session.ends_at) * 1000 > at_ms - ANY_CLOCK_MS
