# SPDX-License-Identifier: Apache-2.0
"""Removing what is over from the stores and from memory, in small steps."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

import tessera
from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.revocation import Mirror
from tessera_service.storage.base import Directory, SessionStore, parts_of

_STEPS = 200  # at most, of each kind in one turn: the rest waits for the next
_ASTRAY_MS = 60_000  # how far the clock may stray from the time that passed; less than the margin of an entry

_log = structlog.get_logger(__name__)


class Purge:
    """One turn removes ended sessions after their retention, dead tokens, log entries that kill nothing now, and events
    after their retention, delivered or not.

    What a turn removes too early lives again when the clock is set back. So a turn believes the clock only if that went
    as the time since boot did since the turn before, and the first after a start only takes the reading. The limit of
    this: a clock that was wrong before the start, or stays wrong from one turn to the next, is believed.
    """

    def __init__(
        self, *, sessions: SessionStore, directory: Directory, mirror: Mirror, clock: Clock, config: EngineConfig
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._mirror = mirror
        self._clock = clock
        self._retention = max(config.session_retention, config.longest_token_ttl)
        self._outbox_retention = config.outbox_retention
        self._boottime_ns = tessera.boottime_ns
        self._last: tuple[int, int] | None = None  # the turn before, by the clock and since boot (milliseconds)

    async def run(self) -> None:
        """StoreUnavailable when a store fails; what went until then is gone."""
        now = self._believed()
        if now is None:
            return
        await asyncio.to_thread(self._mirror.revocations.purge, now=now)
        parts = (*parts_of(self._sessions), self._directory)
        logs = {part.log_key: part for part in parts}
        rows = await _all(lambda: self._sessions.purge(now=now, retention_seconds=self._retention))
        rows += await _all(lambda: self._directory.purge_directory(now=now))
        for log in logs.values():
            rows += await _all(lambda log=log: log.purge_log(now=now))  # type: ignore[misc]
        before_ms = (now - self._outbox_retention) * 1000
        for outbox in {part.outbox_key: part for part in parts}.values():
            rows += await _all(lambda box=outbox: box.purge_outbox(before_ms=before_ms))  # type: ignore[misc]
        if rows:
            _log.info("purged", rows=rows)

    def _believed(self) -> int | None:
        """The clock's seconds; None if it is not to be believed."""
        now_ms, up_ms = self._clock.now_ms(), self._boottime_ns() // 1_000_000
        last, self._last = self._last, (now_ms, up_ms)
        if last is None:
            return None
        astray_ms = (now_ms - last[0]) - (up_ms - last[1])
        if abs(astray_ms) <= _ASTRAY_MS:
            return now_ms // 1000
        _log.warning("purge_left_out", clock_astray_seconds=astray_ms // 1000)
        return None


async def _all(step: Callable[[], Awaitable[int]]) -> int:
    total = 0
    for _ in range(_STEPS):
        removed = await step()
        total += removed
        if removed == 0:
            break
    return total
