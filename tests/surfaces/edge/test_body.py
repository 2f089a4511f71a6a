# SPDX-License-Identifier: Apache-2.0
import asyncio
import time
from collections.abc import Iterable

import pytest
from starlette.types import Message, Receive

from tessera_service.http.body import MAX_BODY_BYTES, read_body
from tessera_service.http.errors import BodyTooLarge, BodyTooSlow, ClientGone


def sender(parts: Iterable[bytes], *, pause: float = 0.0, gone: bool = False) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request"})
    queue = iter(messages)

    async def receive() -> Message:
        if pause:
            await asyncio.sleep(pause)
        return next(queue)

    return receive


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


async def test_a_body_comes_whole_however_it_is_cut() -> None:
    assert await read_body(sender([b"ab", b"", b"c"]), announced=None) == b"abc"


@pytest.mark.parametrize(("size", "fits"), [(MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False)])
async def test_the_limit_is_64_kib_whether_announced_or_streamed(size: int, fits: bool) -> None:
    parts = [b"x" * 1024] * (size // 1024) + [b"x" * (size % 1024)]
    for announced in (str(size).encode(), None):
        if fits:
            assert len(await read_body(sender(parts), announced=announced)) == size
        else:
            with pytest.raises(BodyTooLarge):
                await read_body(sender(parts), announced=announced)


@pytest.mark.parametrize("announced", [b"65537", b"9" * 5000, b"-1", b"1e3", b"", b"0x10"])
async def test_what_is_announced_too_large_or_not_as_a_number_is_not_read(announced: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(never, announced=announced)


async def test_more_than_was_announced_is_still_bounded() -> None:
    with pytest.raises(BodyTooLarge):
        await read_body(sender([b"x" * 70_000]), announced=b"1")


async def test_a_body_that_trickles_is_given_up_at_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(BodyTooSlow):
        await read_body(sender([b"x"] * 1000, pause=0.02), announced=None, seconds=0.1)
    assert time.monotonic() - started < 5


async def test_a_client_that_leaves_is_told_from_one_that_is_slow() -> None:
    with pytest.raises(ClientGone):
        await read_body(sender([b"x"], gone=True), announced=b"2")
