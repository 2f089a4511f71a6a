# SPDX-License-Identifier: Apache-2.0
"""What verifiers elsewhere are told of the revocation logs: everything once, and from then on what is new."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, aclosing
from typing import Final, NamedTuple

import tessera
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.feed_cursor import CursorSeal
from tessera_service.engine.log_follower import read_pages
from tessera_service.engine.log_tail import LogTail, Position, life_of
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.engine.revocation import Mirror
from tessera_service.engine.seats import Seats
from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogEntry, LogKind, LogPage
from tessera_service.storage.base import RevocationLog

MAX_FOLLOWERS: Final = 1024  # answers at a time in this process
MAX_FOLLOWERS_OF_TENANT: Final = 512
MAX_SNAPSHOTS: Final = 8  # of them
MAX_SNAPSHOTS_OF_TENANT: Final = 2
MAX_ENTRIES: Final = 10_000  # and a page, of all logs in one answer about what is new; who lacks more asks again
BATCH: Final = 100  # entries that are written without a pause
_AT_ONCE: Final = 16  # followers that are served in one turn of the event loop: all who wait are woken together
_TICK_SECONDS: Final = 0.5  # between two looks at whoever waits and at the mirror
_PUBLISHED: Final = frozenset(LogKind) - {LogKind.CHANGED}  # it kills nothing: what it leads to has entries of its own

Check = Callable[[], Awaitable[None]]
"""Raises as soon as who asked may not ask any more."""


class Batch(NamedTuple):
    """`cursor`: where to go on from, "" if more belongs to the answer. `as_of_ns`: everything that was acknowledged
    until then (CLOCK_BOOTTIME) has been told; None if there is more than this answer holds."""

    entries: Sequence[LogEntry]
    cursor: str = ""
    as_of_ns: int | None = None


class _Found(NamedTuple):
    positions: Sequence[Position]
    entries: Sequence[LogEntry]
    is_all: bool


class RevocationFeed:
    """Reads from the mirror's memory, which costs no store anything, and where that does not reach far enough from the
    logs. `tenant_id` None: every tenant's."""

    def __init__(self, *, mirror: Mirror, master_keys: MasterKeys, config: EngineConfig) -> None:
        self._mirror = mirror
        self._seal = CursorSeal(master_keys)
        self._config = config
        self._is_closing = False
        self._followers = Seats(MAX_FOLLOWERS, each=MAX_FOLLOWERS_OF_TENANT)
        self._snapshots = Seats(MAX_SNAPSHOTS, each=MAX_SNAPSHOTS_OF_TENANT)
        self._turns = asyncio.Semaphore(_AT_ONCE)

    @property
    def log_ids(self) -> Sequence[str]:
        """The lives of the logs that are followed. StoreUnavailable."""
        return [tail.log_id for tail in self._mirror.tails]

    def close(self) -> None:
        """Nobody waits from now on: who does is answered with what there is."""
        self._is_closing = True
        self._mirror.wake()

    def open(self, cursor: str, *, tenant_id: str | None) -> Sequence[Position]:
        """Where a cursor stands. InvalidInput."""
        return self._seal.open(cursor, tenant_id=tenant_id)

    def follower_seat(self, tenant_id: str | None) -> AbstractContextManager[None]:
        """For as long as somebody is answered. Overloaded."""
        return self._followers.take(tenant_id)

    def snapshot_seat(self, tenant_id: str | None) -> AbstractContextManager[None]:
        """For as long as a snapshot takes. Overloaded."""
        return self._snapshots.take(tenant_id)

    async def turn(self) -> None:
        """Lets everybody else go on, and returns when it is one's turn."""
        async with self._turns:
            await asyncio.sleep(0)

    async def news(
        self, positions: Sequence[Position], *, tenant_id: str | None, seconds: float, check: Check
    ) -> Batch | None:
        """What follows `positions`, waiting at most `seconds` for the first entry; None: only a snapshot leads on.
        StoreUnavailable."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            await self.turn()
            heard, as_of_ns = self._mirror.news, self._followed_until()
            found = await self._read_on(positions)
            if found is None:
                return None
            positions, entries = found.positions, self._published(found.entries, tenant_id)
            left = until - loop.time()
            if entries or left <= 0 or self._is_closing:
                cursor = self._seal.seal(positions, tenant_id=tenant_id)
                return Batch(entries, cursor, as_of_ns if found.is_all else None)
            if found.is_all:
                await _wait(heard, min(left, _TICK_SECONDS))
            await check()

    async def snapshot(
        self, log_ids: Sequence[str], *, tenant_id: str | None, check: Check
    ) -> AsyncGenerator[Batch, None]:
        """Every entry that the logs keep, in batches of bounded size, some of them empty; the last one has the
        cursor. Another life of a log than `log_ids` says is StoreUnavailable: the follower begins again."""
        as_of_ns, positions = tessera.boottime_ns(), []
        for log, log_id in zip(self._mirror.logs, log_ids, strict=True):
            last = None
            async with aclosing(self._pages(log)) as pages:
                async for page in pages:
                    if page.log_id != log_id or self._is_closing:
                        raise StoreUnavailable
                    await check()
                    last = page.entries[-1] if page.entries else last
                    told = self._published(page.entries, tenant_id)
                    for start in range(0, max(len(told), 1), BATCH):
                        yield Batch(told[start : start + BATCH])
                        await asyncio.sleep(0)  # who writes them may not wait for anything, and others want their turn
            positions.append(Position.at(log_id, last))
        yield Batch((), self._seal.seal(positions, tenant_id=tenant_id), as_of_ns)

    def _followed_until(self) -> int:
        """StoreUnavailable when the logs have not been heard of for too long: silence is no news only if it was
        answered."""
        asked_ns = self._mirror.asked_ns
        if asked_ns is None or self._mirror.age_seconds * 1000 > 2 * self._config.max_freshness_ms:
            raise StoreUnavailable
        return asked_ns

    async def _read_on(self, positions: Sequence[Position]) -> _Found | None:
        tails = self._mirror.tails
        held = {position.life: position for position in positions}
        if held.keys() != {life_of(tail.log_id) for tail in tails}:
            return None
        moved: list[Position] = []
        entries: list[LogEntry] = []
        is_all = True
        for log, tail in zip(self._mirror.logs, tails, strict=True):
            position = held[life_of(tail.log_id)]
            read = await self._read_after(position, log, tail, room=MAX_ENTRIES - len(entries))
            if read is None:
                return None
            new, ended = read
            is_all = is_all and ended
            entries += new
            moved.append(Position.at(tail.log_id, new[-1]) if new else position)
        return _Found(moved, entries, is_all)

    async def _read_after(
        self, position: Position, log: RevocationLog, tail: LogTail, *, room: int
    ) -> tuple[Sequence[LogEntry], bool] | None:
        """What a log has after a position, and whether that is all; None if it does not go on from there."""
        if room <= 0:
            return (), False
        new = tail.after(position)
        return (new, True) if new is not None else await self._read_log(log, position, room=room)

    async def _read_log(
        self, log: RevocationLog, position: Position, *, room: int
    ) -> tuple[Sequence[LogEntry], bool] | None:
        """From the log itself, page by page until there are at least `room`."""
        found: list[LogEntry] = []
        while len(found) < room:
            async with answered_within(self._config.store_timeout):
                page = await log.read_log(after=position.sequence)
            new = _follows(page, position)
            if new is None or (not new and position.sequence < page.head):
                return None
            if not new:
                return found, True
            found += new
            position = Position.at(page.log_id, new[-1])
        return found, False

    def _pages(self, log: RevocationLog) -> AsyncGenerator[LogPage, None]:
        return read_pages(log, page_seconds=self._config.store_timeout)

    def _published(self, entries: Sequence[LogEntry], tenant_id: str | None) -> Sequence[LogEntry]:
        """What a follower of that tenant is told: also of withdrawn signing keys, which are no tenant's. Also what has
        expired by the clock: a cursor passes it once and for all, and a clock that is ahead is set back."""
        return [
            entry
            for entry in entries
            if entry.kind in _PUBLISHED
            and (tenant_id is None or entry.kind is LogKind.KEY or entry.tenant_id == tenant_id)
        ]


def _follows(page: LogPage, position: Position) -> Sequence[LogEntry] | None:
    if life_of(page.log_id) != position.life:
        return None
    if position.sequence == 0:
        return page.entries
    return page.entries[1:] if page.entries and position.is_at(page.entries[0]) else None


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
