# SPDX-License-Identifier: Apache-2.0
"""When sessions were last used: noted in memory, written to the store later and together.

What was not written yet is lost with the process: it decides nothing but which session a limit evicts."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.storage.base import TOUCHED_AT_ONCE, SessionStore

FLUSH_SECONDS: Final = 60  # a session is written at most once in that time
MAX_PENDING: Final = 200_000

_Subject = tuple[str, str]  # tenant id, subject
_Row = tuple[_Subject, str, int]  # whose session, which, when it was used (milliseconds)


class Activity:
    """Notes uses and writes them in bounded batches. One event loop uses it; `note` and `last_ms` await nothing."""

    def __init__(self, *, sessions: SessionStore, config: EngineConfig) -> None:
        self._sessions = sessions
        self._timeout = config.store_timeout
        self._pending: dict[_Subject, dict[str, int]] = {}
        self._count = 0
        self._leaving: dict[_Subject, dict[str, int]] = {}  # what `flush` is writing
        self._one_flush = asyncio.Lock()
        self.full = asyncio.Event()  # set when there is much to write: do not wait for the next turn

    def note(self, tenant_id: str, subject: str, session_id: str, at_ms: int) -> None:
        """The session was used. Over MAX_PENDING sessions, a session that is not noted yet is not noted."""
        if self._add((tenant_id, subject), session_id, at_ms) and self._count == MAX_PENDING // 2:
            self.full.set()  # once: a store that fails is not asked again and again

    def last_ms(self, tenant_id: str, subject: str, session_id: str) -> int:
        """The last use that was noted and not written yet; 0 if there is none."""
        key = (tenant_id, subject)
        return max(noted.get(key, {}).get(session_id, 0) for noted in (self._pending, self._leaving))

    async def flush(self) -> None:
        """Writes what is noted now. StoreUnavailable; what was not written stays noted."""
        async with self._one_flush:
            self._leaving, self._pending, self._count = self._pending, {}, 0
            try:
                await self._write([row for key, noted in self._leaving.items() for row in _rows(key, noted)])
            finally:
                self._leaving = {}

    async def flush_subject(self, tenant_id: str, subject: str) -> None:
        """Writes what is noted of one subject, also what `flush` has begun to write and may take a while to.
        StoreUnavailable, as `flush`."""
        key = (tenant_id, subject)
        noted = self._pending.pop(key, {})
        self._count -= len(noted)
        await self._write(_rows(key, self._leaving.get(key, {}) | noted))

    def _add(self, key: _Subject, session_id: str, at_ms: int) -> bool:
        """Whether it is one more."""
        noted = self._pending.get(key)
        if noted is not None and session_id in noted:
            noted[session_id] = max(noted[session_id], at_ms)
            return False
        if self._count >= MAX_PENDING:
            return False
        self._pending.setdefault(key, {})[session_id] = at_ms
        self._count += 1
        return True

    async def _write(self, rows: list[_Row]) -> None:
        left = rows
        try:
            for batch in _batches(rows):
                async with answered_within(self._timeout):
                    await self._sessions.touch(batch)
                left = left[len(batch) :]
        except BaseException:
            for row in left:
                self._add(*row)
            raise


def _rows(key: _Subject, noted: Mapping[str, int]) -> list[_Row]:
    return [(key, session_id, at_ms) for session_id, at_ms in noted.items()]


def _batches(rows: list[_Row]) -> Iterator[Mapping[str, int]]:
    waiting = iter(rows)
    while batch := {session_id: at_ms for _, session_id, at_ms in islice(waiting, TOUCHED_AT_ONCE)}:
        yield batch
