# SPDX-License-Identifier: Apache-2.0
"""Removing what is over from the stores and from memory, in small steps."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.revocation import Mirror
from tessera_service.storage.base import Directory, SessionStore

_STEPS = 200  # at most, of each kind in one turn: the rest waits for the next

_log = structlog.get_logger(__name__)


class Purge:
    """One turn removes ended sessions after their retention, dead tokens, and log entries that kill nothing now."""

    def __init__(
        self, *, sessions: SessionStore, directory: Directory, mirror: Mirror, clock: Clock, config: EngineConfig
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._mirror = mirror
        self._clock = clock
        self._retention = max(config.session_retention, config.longest_token_ttl)

    async def run(self) -> None:
        """StoreUnavailable when a store fails; what went until then is gone."""
        now = self._clock.now()
        await asyncio.to_thread(self._mirror.revocations.purge, now=now)
        logs = {log.log_key: log for log in (self._sessions, self._directory)}
        rows = await _all(lambda: self._sessions.purge(now=now, retention_seconds=self._retention))
        rows += await _all(lambda: self._directory.purge_directory(now=now))
        for log in logs.values():
            rows += await _all(lambda log=log: log.purge_log(now=now))  # type: ignore[misc]
        if rows:
            _log.info("purged", rows=rows)


async def _all(step: Callable[[], Awaitable[int]]) -> int:
    total = 0
    for _ in range(_STEPS):
        removed = await step()
        total += removed
        if removed == 0:
            break
    return total
