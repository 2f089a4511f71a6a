# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from tessera_service.engine.turns import Turns
from tessera_service.errors import Overloaded

KEY = b"alice"


class Work:
    """Holds its turn until it is told to go on."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self) -> int:
        self.begun.set()
        await self.go_on.wait()
        return 1


@pytest.mark.parametrize("rounds", range(6))
async def test_who_gives_up_around_the_moment_of_being_called_keeps_nobody_from_the_next(rounds: int) -> None:
    turns: Turns[int] = Turns(waiting=8)
    first, gone, last = Work(), Work(), Work()
    gone.go_on.set()
    last.go_on.set()
    running = asyncio.create_task(turns.run(KEY, first))
    await first.begun.wait()
    waiting = asyncio.create_task(turns.run(KEY, gone))
    behind = asyncio.create_task(turns.run(KEY, last))
    await asyncio.sleep(0)
    first.go_on.set()
    for _ in range(rounds):
        await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(10):
        assert await behind == 1
    await asyncio.gather(running, waiting, return_exceptions=True)
    await turns.close()
    await asyncio.sleep(0)
    assert len(turns) == 0


async def test_one_too_many_is_told_at_once_and_another_key_is_free() -> None:
    turns: Turns[int] = Turns(waiting=1)
    first, second = Work(), Work()
    running = asyncio.create_task(turns.run(KEY, first))
    await first.begun.wait()
    waiting = asyncio.create_task(turns.run(KEY, second))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await turns.run(KEY, Work())
    other = Work()
    other.go_on.set()
    assert await turns.run(b"bob", other) == 1
    first.go_on.set()
    second.go_on.set()
    assert await running == await waiting == 1
