# SPDX-License-Identifier: Apache-2.0
"""Work of one key one after another: each begins when the one before it is done."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from tessera_service.errors import Overloaded

T = TypeVar("T")


class Turns(Generic[T]):
    """At most `waiting` wait for their turn, per key; more is Overloaded. Memory: the keys that somebody works on."""

    def __init__(self, *, waiting: int) -> None:
        self._waiting = waiting
        self._queues: dict[bytes, list[asyncio.Future[None]]] = {}
        self._working: set[asyncio.Task[T]] = set()

    async def run(self, key: bytes, work: Callable[[], Awaitable[T]]) -> T:
        """Does `work` when it is its turn. Once begun it goes on to its end, also if the caller is gone: what it counts
        has to be settled."""
        await self._wait(key)
        task = asyncio.create_task(_begin(work), name="tessera-turn")
        self._working.add(task)
        task.add_done_callback(lambda done: self._done(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Waits for what has begun."""
        await asyncio.gather(*self._working, return_exceptions=True)

    def __len__(self) -> int:
        """Keys that somebody works on."""
        return len(self._queues)

    async def _wait(self, key: bytes) -> None:
        queue = self._queues.get(key)
        if queue is None:
            self._queues[key] = []
            return
        if len(queue) >= self._waiting:
            raise Overloaded
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was told to begin and will not
                self._next(key)
            elif turn in queue:
                queue.remove(turn)
            raise

    def _done(self, key: bytes, task: asyncio.Task[T]) -> None:
        self._working.discard(task)
        if not task.cancelled():
            task.exception()  # the one who asked may be gone
        self._next(key)

    def _next(self, key: bytes) -> None:
        queue = self._queues[key]
        while queue:
            turn = queue.pop(0)
            if not turn.done():  # one that was given up a moment ago may not have left the queue yet
                turn.set_result(None)
                return
        del self._queues[key]


async def _begin(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
