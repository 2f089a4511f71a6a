# SPDX-License-Identifier: Apache-2.0
"""One database of this process: a lane that reads, a lane that writes, and the deadline of both."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from tessera_service.errors import StoreUnavailable
from tessera_service.storage.sql import engine, migrate, schema
from tessera_service.storage.sql.pool import Pool

T = TypeVar("T")
_ATTEMPTS: Final = 4  # of a step that others are in the way of


class DuplicateError(ValueError):
    """Something that has to be new exists already. The step did nothing."""


class _UndoneError(Exception):
    """A step failed before its commit, left nothing behind, and may go well if it runs again."""


class Lane:
    """Connections of one kind, each with one transaction at a time.

    A step runs in a thread of the lane, all of it at once: to hand over each statement would cost more than the
    statements do. It has a task of its own: a caller that is cancelled or out of time leaves at once, while the step
    ends as it would have, commits or rolls back, and only then gives its connection back. A caller that still waits for
    a connection when its time is over takes no step at all.
    """

    def __init__(self, pool: Pool, *, slots: int, timeout_ms: int) -> None:
        self._engine, self._cut = pool
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="tessera-sql")
        self._slots = asyncio.Semaphore(slots)
        self._timeout = timeout_ms / 1000
        self._running: set[asyncio.Task[object]] = set()

    async def run(self, step: Callable[[Connection], T]) -> T:
        """Runs `step` in one transaction. StoreUnavailable if it failed or time is over; only DuplicateError passes."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
                return await asyncio.shield(self._start(step))
        except TimeoutError as error:
            raise StoreUnavailable("the database did not answer in time") from error
        except (StoreUnavailable, DuplicateError):
            raise
        except Exception as error:  # whatever the driver raises: a store that fails is unavailable, never wrong
            raise StoreUnavailable("the database failed") from error

    async def close(self) -> None:
        """Waits for what is in flight as long as a call may take, then lets go of every connection. What waits for a
        server that hangs fails: else its thread would hold up the end of the process."""
        if self._running:
            await asyncio.wait(self._running, timeout=self._timeout)
        if self._running:
            self._cut()
            await asyncio.wait(self._running, timeout=self._timeout)
        self._threads.shutdown(wait=False)
        self._engine.dispose()

    def _start(self, step: Callable[[Connection], T]) -> asyncio.Task[T]:
        task = asyncio.create_task(self._transaction(step))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._running.discard(task)
        self._slots.release()
        if not task.cancelled():
            task.exception()  # its caller may be gone

    async def _transaction(self, step: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, step)

    def _transact(self, step: Callable[[Connection], T]) -> T:
        deadline = time.monotonic() + self._timeout
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._attempt(step)
            except _UndoneError:
                if time.monotonic() > deadline:
                    raise
        return self._attempt(step)

    def _attempt(self, step: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            try:
                with connection.begin():
                    return _run(step, connection)
            except (StoreUnavailable, DuplicateError):
                raise
            except Exception:
                # Nobody knows what state a failing connection is in: the next step gets a new one.
                connection.invalidate()
                raise


class Database:
    """What `SqlDirectory` and `SqlSessionStore` share. Open while one of them is."""

    def __init__(self, url: str, *, timeout_ms: int, migrates: bool = True) -> None:
        self._url = engine.parse_url(url)
        self._product = engine.product_of(self._url)
        self._settle_schema = migrate.upgrade_url if migrates else migrate.check_url
        self._timeout_ms = timeout_ms
        self._opening = asyncio.Lock()
        self._users = 0
        self._reader: Lane | None = None
        self._writer: Lane | None = None
        self._listener = self._product.listener(self._url)

    @property
    def log_key(self) -> str:
        """The same for every store in this database; without a password."""
        return self._url.render_as_string(hide_password=True)

    @property
    def is_shared(self) -> bool:
        """Whether several write at once: a file has one writer."""
        return self._product.slots(writes=True) > 1

    async def open(self) -> None:
        """Migrates if needed and wanted, and makes sure that a read is answered. One `close` for each."""
        async with self._opening:
            if self._users == 0:
                await asyncio.to_thread(self._settle_schema, self._url)
                self._reader, self._writer = self._lane(writes=False), self._lane(writes=True)
                try:
                    await self._reader.run(answer)
                except BaseException:
                    await self._close_lanes()
                    raise
            self._users += 1

    async def close(self) -> None:
        """Finishes what is in flight when the last user is gone."""
        async with self._opening:
            self._users -= 1
            if self._users == 0:
                await self._close_lanes()

    async def read(self, step: Callable[[Connection], T]) -> T:
        """Runs a step that reads one consistent state."""
        if self._reader is None:
            raise StoreUnavailable("the store is not open")
        return await self._reader.run(step)

    async def write(self, step: Callable[[Connection], T]) -> T:
        """Runs a step that may write. Durable when it returns."""
        if self._writer is None:
            raise StoreUnavailable("the store is not open")
        return await self._writer.run(step)

    async def wait_for_entry(self, seconds: float) -> bool:
        """As `HintsAtEntries`."""
        if self._listener is None:
            await asyncio.sleep(seconds)
            return False
        try:
            return await self._listener.wait(seconds)
        except Exception as error:
            raise StoreUnavailable("the database failed") from error

    def _lane(self, *, writes: bool) -> Lane:
        # Less than the deadline: a step that waited in vain for another process ends before its caller leaves.
        pool = self._product.pool(self._url, writes=writes, timeout_ms=self._timeout_ms * 2 // 3)
        return Lane(pool, slots=self._product.slots(writes=writes), timeout_ms=self._timeout_ms)

    async def _close_lanes(self) -> None:
        if self._listener is not None:
            await self._listener.close()
        lanes, self._reader, self._writer = (self._reader, self._writer), None, None
        await asyncio.gather(*(lane.close() for lane in lanes if lane is not None))


def _run(step: Callable[[Connection], T], connection: Connection) -> T:
    try:
        return step(connection)
    except DBAPIError as error:
        if engine.is_undone(error):
            raise _UndoneError from error
        raise


def answer(connection: Connection) -> None:
    """The smallest read that needs the database."""
    connection.execute(select(schema.log_head.c.id)).one()
