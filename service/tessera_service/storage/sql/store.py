# SPDX-License-Identifier: Apache-2.0
"""What every store over SQL has: its life, and the log and the outbox of its database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection

from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogPage, OutboxRow, OutboxSize, RelayClaim
from tessera_service.storage.sql import log, outbox
from tessera_service.storage.sql.database import Database, answer

T = TypeVar("T")
_PAGE: Final = 1000


class SqlStore:
    """A store in a database that it may share. Safe for any number of tasks of one event loop."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._open = False
        self._opening = asyncio.Lock()

    @property
    def log_key(self) -> str:
        return self.database.log_key

    @property
    def outbox_key(self) -> str:
        return self.database.log_key

    async def open(self) -> None:
        async with self._opening:
            if not self._open:
                await self.database.open()
                self._open = True

    async def close(self) -> None:
        async with self._opening:
            if self._open:
                self._open = False
                await self.database.close()

    async def ping(self) -> None:
        await self._read(answer)

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        return await self._read(partial(log.read_page, after=after, limit=limit))

    async def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        # Pages are read in transactions of their own: one over all of them would hold a connection, and keep SQLite
        # from trimming its log, for as long as the reader likes. Up to `head` entries only ever go, by purge.
        first = await self.read_log(after=0, limit=_PAGE)
        yield first
        page = first
        while len(page.entries) == _PAGE and page.entries[-1].sequence < first.head:
            after = page.entries[-1].sequence + 1
            page = await self._read(partial(log.read_page, after=after, limit=_PAGE, until=first.head))
            if page.log_id != first.log_id:
                raise StoreUnavailable("the log was replaced while it was read")
            yield LogPage(first.log_id, first.head, page.entries)

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        return await self._write(partial(log.purge, now=now, limit=limit))

    async def renew_log(self, *, log_id: str) -> None:
        await self._write(partial(log.renew, log_id=log_id))

    async def wait_for_entry(self, *, seconds: float) -> bool:
        self._check_open()
        return await self.database.wait_for_entry(seconds)

    async def read_outbox(self, *, after: int, limit: int = 100) -> Sequence[OutboxRow]:
        await self._number_events()
        return await self._read(partial(outbox.read, after=after, limit=limit))

    async def claim_relay(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        return await self._write(partial(outbox.claim, sink=sink, holder=holder, now_ms=now_ms, lease_ms=lease_ms))

    async def advance_relay(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        step = partial(outbox.advance, sink=sink, fence=fence, position=position, now_ms=now_ms, lease_ms=lease_ms)
        return await self._write(step)

    async def outbox_size(self) -> OutboxSize:
        await self._number_events()
        return await self._read(outbox.size)

    async def purge_outbox(self, *, before_ms: int, limit: int = 500) -> int:
        await self._number_events()
        return await self._write(partial(outbox.purge, before_ms=before_ms, limit=limit))

    async def erase_events(self, tenant_id: str, user_id: str, *, limit: int = 500) -> int:
        return await self._write(partial(outbox.erase, tenant_id=tenant_id, user_id=user_id, limit=limit))

    async def _number_events(self) -> None:
        if self.database.is_shared and await self._read(outbox.is_waiting):
            await self._write(outbox.number)

    async def _read(self, step: Callable[[Connection], T]) -> T:
        self._check_open()
        return await self.database.read(step)

    async def _write(self, step: Callable[[Connection], T]) -> T:
        self._check_open()
        return await self.database.write(step)

    def _check_open(self) -> None:
        if not self._open:
            raise StoreUnavailable("the store is not open")
