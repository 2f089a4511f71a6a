# SPDX-License-Identifier: Apache-2.0
"""Many who read at once, and one who reads slowly."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from unittest import mock

import pytest
from starlette.types import Message

from surfaces.edge.asgi import ask as ask_plainly
from surfaces.revocations.calls import PATH, ask, end_session, follow
from surfaces.service_rig import TENANT, Rig
from tessera_service.engine.revocation_feed import BATCH, Batch
from tessera_service.engine.seats import Seats
from tessera_service.http.errors import ClientGone
from tessera_service.models import LogEntry, LogKind
from tessera_service.surfaces.revocations import endpoint, lines
from tessera_service.surfaces.revocations.lines import Lines, encode_entry, encode_new_entry
from tessera_service.surfaces.revocations.operations import SLOWEST_BYTES

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_ONCE = 16
ENTRIES = [LogEntry(number, LogKind.JTI, TENANT, f"jti-{number}", 0, 2**40) for number in range(1000)]


async def test_many_who_are_told_much_leave_their_turns_to_others(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    cursor = (await follow(rig)).cursor
    turn, encoded = 0, Counter[int]()

    def encode(entry: LogEntry) -> bytes:
        encoded[turn] += 1
        return encode_entry(entry)

    async def news(*_: object, **__: object) -> Batch:
        await rig.engine.feed.turn()  # as after every wait
        return Batch(ENTRIES, cursor, 0)

    async def count_turns() -> None:
        nonlocal turn
        while True:
            await asyncio.sleep(0)
            turn += 1

    counting = asyncio.create_task(count_turns())
    with (
        mock.patch.object(rig.engine.feed, "news", news),
        mock.patch.object(endpoint, "encode_new_entry", encode),
    ):
        answers = await asyncio.gather(*(follow(rig, cursor) for _ in range(40)))
    counting.cancel()
    for told in answers:
        assert told.ids == [entry.key for entry in ENTRIES]
    assert encoded.total() == 40 * len(ENTRIES)
    assert max(encoded.values()) <= 2 * AT_ONCE * BATCH  # those of two turns, if the counter has its own in between


async def test_an_entry_is_encoded_once_for_all_who_are_told_of_it(rig_of_one_store: Rig) -> None:
    cursor = (await follow(rig_of_one_store)).cursor
    before = encode_new_entry.cache_info()
    session_id = await end_session(rig_of_one_store)
    answers = await asyncio.gather(*(follow(rig_of_one_store, cursor, wait=20) for _ in range(10)))
    assert [told.ids for told in answers] == [[session_id]] * 10
    after = encode_new_entry.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 9)


async def test_seats_are_those_of_the_engine_however_many_endpoints_serve_it(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    cursor = (await follow(rig)).cursor
    feed = rig.engine.feed
    with mock.patch.object(feed, "_followers", Seats(1, each=1)), feed.follower_seat(TENANT):
        assert (await ask(rig, cursor)).status_code == 503
    assert (await ask(rig, cursor)).status_code == 200


# Slow readers


@pytest.fixture
def impatient() -> Iterator[None]:
    """A reader has to take 100 bytes in a second, or is given up after a quarter of one."""
    with mock.patch.multiple(lines, PATIENCE_SECONDS=0.25, SLOWEST_BYTES=100):
        yield


@pytest.mark.usefixtures("impatient")
async def test_a_reader_that_takes_nothing_is_given_up() -> None:
    async def send(_: Message) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        with pytest.raises(ClientGone):
            await Lines(send, compressed=False).write([b"x"])


@pytest.mark.usefixtures("impatient")
async def test_a_reader_that_takes_a_little_now_and_then_is_given_up() -> None:
    taken = 0

    async def send(_: Message) -> None:
        nonlocal taken
        await asyncio.sleep(0.05)
        taken += 1

    opened = Lines(send, compressed=False)

    async def write_on() -> None:
        for _ in range(1000):
            await opened.write([b"x"])

    with pytest.raises(ClientGone):
        await write_on()
    assert taken < 1000


@pytest.mark.parametrize(("taken", "is_enough"), [(SLOWEST_BYTES, True), (SLOWEST_BYTES // 2, False)])
async def test_a_reader_that_takes_enough_in_each_second_may_take_long(taken: int, is_enough: bool) -> None:
    seconds = 0

    async def send(_: Message) -> None:
        nonlocal seconds
        seconds += 1
        await asyncio.sleep(0)

    clock = SimpleNamespace(monotonic=lambda: float(seconds))
    with mock.patch.object(lines, "time", clock):
        opened = Lines(send, compressed=False)

        async def write_on() -> None:
            for _ in range(100):
                await opened.write([b"x" * taken])

        if is_enough:
            await write_on()
        else:
            with pytest.raises(ClientGone):
                await write_on()
    assert (seconds == 100) is is_enough


@pytest.mark.usefixtures("impatient")
async def test_a_slow_reader_of_a_snapshot_leaves_its_seat(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    await end_session(rig)
    whole = Lines.begin

    async def never(_: Message) -> None:
        await asyncio.Event().wait()

    async def begin(self: Lines, line: Mapping[str, object]) -> None:
        await whole(self, line)
        self._send = never

    bearer = await rig.service_bearer("token.introspect")
    with mock.patch.object(Lines, "begin", begin):
        async with asyncio.timeout(30):
            answer = await ask_plainly(rig.app, PATH, headers=[(b"authorization", b"Bearer " + bearer.encode())])
    assert (answer.status, answer.body.count(b"\n")) == (200, 1)
    assert rig.engine.feed._snapshots._taken.total() == 0
    assert (await follow(rig)).cursor
