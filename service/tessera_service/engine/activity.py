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


class Activity:
    """Notes uses and writes them in bounded batches. One event loop uses it; `note` and `last_ms` await nothing."""

    def __init__(self, *, sessions: SessionStore, config: EngineConfig) -> None:
        self._sessions = sessions
        self._timeout = config.store_timeout
        self._pending: dict[_Subject, dict[str, int]] = {}
        self._count = 0
        self.full = asyncio.Event()  # set when there is much to write: do not wait for the next turn

    def note(self, tenant_id: str, subject: str, session_id: str, at_ms: int) -> None:
        """The session was used. Over MAX_PENDING sessions, a session that is not noted yet is not noted."""
        noted = self._pending.get((tenant_id, subject))
        if noted is not None and session_id in noted:
            noted[session_id] = max(noted[session_id], at_ms)
            return
        if self._count >= MAX_PENDING:
            return
        self._pending.setdefault((tenant_id, subject), {})[session_id] = at_ms
        self._count += 1
        if self._count >= MAX_PENDING // 2:
            self.full.set()

    def last_ms(self, tenant_id: str, subject: str, session_id: str) -> int:
        """The last use that was noted and not written yet; 0 if there is none."""
        return self._pending.get((tenant_id, subject), {}).get(session_id, 0)

    async def flush(self) -> None:
        """Writes what is noted now. StoreUnavailable; what was not written stays noted."""
        due, self._pending, self._count = self._pending, {}, 0
        rows = [(subject, session_id, at_ms) for subject, noted in due.items() for session_id, at_ms in noted.items()]
        await self._write(rows)

    async def flush_subject(self, tenant_id: str, subject: str) -> None:
        """Writes what is noted of one subject. StoreUnavailable, as `flush`."""
        noted = self._pending.pop((tenant_id, subject), {})
        self._count -= len(noted)
        await self._write([((tenant_id, subject), session_id, at_ms) for session_id, at_ms in noted.items()])

    async def _write(self, rows: list[tuple[_Subject, str, int]]) -> None:
        left = rows
        try:
            for batch in _batches(rows):
                async with answered_within(self._timeout):
                    await self._sessions.touch(batch)
                left = left[len(batch) :]
        except BaseException:
            for (tenant_id, subject), session_id, at_ms in left:
                self.note(tenant_id, subject, session_id, at_ms)
            raise


def _batches(rows: list[tuple[_Subject, str, int]]) -> Iterator[Mapping[str, int]]:
    waiting = iter(rows)
    while batch := {session_id: at_ms for _, session_id, at_ms in islice(waiting, TOUCHED_AT_ONCE)}:
        yield batch
