# SPDX-License-Identifier: Apache-2.0
"""The sessions of users: how they end with what happens to the user, and what is erased of who is gone."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.storage.base import Directory, SessionStore

OPERATOR: Final = "operator"

_LISTED: Final = 500  # sessions in one read

_log = structlog.get_logger(__name__)


class UserSessions:
    """Every method may be done again, which changes nothing, and raises StoreUnavailable. A session that ends `locked`
    does so because its user may have none."""

    def __init__(
        self, *, directory: Directory, sessions: SessionStore, ends: Ends, clock: Clock, config: EngineConfig
    ) -> None:
        self._sessions = sessions
        self._outboxes = {store.outbox_key: store for store in (sessions, directory)}
        self._ends = ends
        self._clock = clock
        self._config = config

    async def end(self, tenant_id: str, user_id: str, *, reason: str, locked: bool) -> None:
        """Ends all that there are now."""
        revocation = self._ends.of_subject(reason=reason, revoked_by=OPERATOR, locked=locked)
        async with answered_within(self._config.store_timeout):
            done = await self._sessions.revoke_subject(tenant_id, user_id, revocation=revocation)
        self._ends.apply_subject(tenant_id, user_id, cutoff_ms=done.cutoff_ms, revocation=revocation)
        if done.ended:
            _log.info("sessions_of_user_ended", tenant=tenant_id, user=user_id, sessions=done.ended)

    async def end_older(self, tenant_id: str, user_id: str, *, cutoff_ms: int, reason: str, locked: bool) -> None:
        """Ends the live ones that were made until then; those that were made later stay."""
        younger = 0
        while True:
            async with answered_within(self._config.store_timeout):
                newest_first = await self._sessions.list_sessions(
                    tenant_id, subject=user_id, now=self._clock.now(), active_only=True, limit=_LISTED, offset=younger
                )
            older = [session for session in newest_first if session.created_ms <= cutoff_ms]
            younger += len(newest_first) - len(older)
            for session in older:
                revocation = self._ends.of_session(session, reason=reason, revoked_by=OPERATOR, locked=locked)
                async with answered_within(self._config.store_timeout):
                    ended = await self._sessions.revoke_session(session.session_id, revocation=revocation)
                self._ends.apply_session(ended or session)
            if len(newest_first) < _LISTED:
                return

    async def erase(self, tenant_id: str, user_id: str) -> None:
        """Takes from sessions and events who the user was and where. Ids stay."""
        await self._in_batches(lambda: self._sessions.erase_subject(tenant_id, user_id))
        for outbox in self._outboxes.values():
            await self._in_batches(lambda outbox=outbox: outbox.erase_events(tenant_id, user_id))  # type: ignore[misc]

    async def _in_batches(self, step: Callable[[], Awaitable[int]]) -> None:
        while True:
            async with answered_within(self._config.store_timeout):
                if await step() == 0:
                    return
