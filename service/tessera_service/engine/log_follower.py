# SPDX-License-Identifier: Apache-2.0
"""Following one revocation log: from a snapshot on, entry by entry, noticing when it is no longer the same log."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.log_tail import LogTail
from tessera_service.models import LogEntry, LogPage
from tessera_service.storage.base import RevocationLog


class LogFollower:
    """Holds the position in one log. `apply` gets every entry at least once, in order; `lost` is called when entries
    may have been missed, after those of a new snapshot were applied. Each page has to come within `page_seconds`: how
    many there are is no fault of the store."""

    def __init__(
        self,
        log: RevocationLog,
        *,
        apply: Callable[[LogEntry], None],
        lost: Callable[[], None],
        page_seconds: Callable[[], float],
    ) -> None:
        self._log = log
        self._page_seconds = page_seconds
        self._apply = apply
        self._lost = lost
        self._log_id: str | None = None
        self._last: LogEntry | None = None  # the newest entry held; None: the log had none
        self._tail: LogTail | None = None

    @property
    def tail(self) -> LogTail | None:
        """The newest entries that were applied; None before the first poll."""
        return self._tail

    async def poll(self) -> None:
        """Reads at least up to the head that the log had when it was asked. StoreUnavailable."""
        if self._log_id is None:
            await self._read_snapshot()
        elif not await self._read_on():
            await self._read_snapshot()
            self._lost()

    async def _read_on(self) -> bool:
        """Applies what is new; False if the log does not go on from the last entry held."""
        head, tail = None, self._tail
        assert tail is not None, "a snapshot was read"
        while head is None or self._position < head:
            async with answered_within(self._page_seconds()):
                page = await self._log.read_log(after=self._position)
            head = page.head if head is None else head
            new = self._new_entries(page)
            if new is None or (not new and self._position < head):
                return False
            for entry in new:
                self._apply(entry)
                self._last = entry
                tail.append(entry)
        return True

    @property
    def _position(self) -> int:
        return 0 if self._last is None else self._last.sequence

    def _new_entries(self, page: LogPage) -> Sequence[LogEntry] | None:
        """What follows the last entry held; None unless it leads the page unchanged, in the same life of the log."""
        if page.log_id != self._log_id:
            return None
        if self._last is None:
            return page.entries
        return page.entries[1:] if page.entries[:1] == (self._last,) else None

    async def _read_snapshot(self) -> None:
        tail, last = None, None
        async with aclosing(read_pages(self._log, page_seconds=self._page_seconds())) as pages:
            async for page in pages:
                tail = tail or LogTail(page.log_id)
                for entry in page.entries:
                    self._apply(entry)
                    tail.append(entry)
                    last = entry
        assert tail is not None, "a snapshot has at least one page"
        self._log_id, self._last, self._tail = tail.log_id, last, tail


async def read_pages(log: RevocationLog, *, page_seconds: float) -> AsyncGenerator[LogPage, None]:
    """The pages of a snapshot of the log. StoreUnavailable if one does not come in its time."""
    pages = aiter(log.read_log_snapshot())
    while True:
        async with answered_within(page_seconds):
            page = await anext(pages, None)
        if page is None:
            return
        yield page
        await asyncio.sleep(0)  # a store in memory waits for nothing, and others want their turn
