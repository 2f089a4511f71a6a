# SPDX-License-Identifier: Apache-2.0
import asyncio
import itertools

from engine.doubles import until
from tessera_service.engine.background import Background
from tessera_service.engine.log_hints import LogHints
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.memory import MemorySessionStore


class Telling(MemorySessionStore):
    """Hints when it is told to."""

    def __init__(self) -> None:
        super().__init__(directory_id="directory-1")
        self.grown = asyncio.Event()
        self.waits = 0
        self.fails = False

    async def wait_for_entry(self, *, seconds: float) -> bool:
        self.waits += 1
        if self.fails:
            raise StoreUnavailable
        await self.grown.wait()
        self.grown.clear()
        return True


async def test_a_hint_of_any_store_is_heard_each_time() -> None:
    stores, tasks = [Telling(), Telling()], Background()
    hints = LogHints((*stores, MemorySessionStore(directory_id="directory-2")))
    hints.start(tasks)
    for store in stores * 2:
        store.grown.set()
        await until(hints.heard.is_set)
        hints.heard.clear()
    await tasks.stop()


async def test_a_store_that_fails_is_asked_again_but_not_at_once() -> None:
    store, tasks = Telling(), Background()
    store.fails = True
    LogHints((store,)).start(tasks)
    await until(lambda: store.waits == 2)
    assert store.waits == 2
    store.fails = False
    await until(lambda: store.waits == 3)
    await tasks.stop()


async def test_two_stores_with_one_log_are_asked_once() -> None:
    store, tasks = Telling(), Background()
    LogHints(itertools.repeat(store, 2)).start(tasks)
    await until(lambda: store.waits == 1)
    await asyncio.sleep(0.05)
    assert store.waits == 1
    await tasks.stop()
