# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.doubles import START_MS, FakeClock, Fragile, until
from engine.outbox import ListSink, PlainOutbox, example_event
from engine.world import config
from storage.examples import make_session
from tessera_service.engine import Relay
from tessera_service.engine.background import Background
from tessera_service.engine.events import cloud_event
from tessera_service.engine.relay import BATCH, Courier
from tessera_service.errors import StoreUnavailable
from tessera_service.models import Event, EventType
from tessera_service.storage.memory_outbox import MemoryOutbox
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore

MakeRelay = Callable[..., Relay]


@pytest.fixture
def outbox() -> PlainOutbox:
    return PlainOutbox()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sink() -> ListSink:
    return ListSink()


def courier(outbox: Any, sink: ListSink, clock: FakeClock, *, holder: str = "first") -> Courier:
    return Courier(outbox, sink, holder=holder, clock=clock, config=config())


@pytest.fixture
async def started(clock: FakeClock) -> AsyncIterator[MakeRelay]:
    """Makes relays that run, and stops them."""
    tasks = Background()

    def start(*outboxes: Any, sinks: list[ListSink]) -> Relay:
        relay = Relay(outboxes=outboxes, sinks=sinks, clock=clock, config=config(relay_poll_ms=20))
        relay.start(tasks)
        return relay

    yield start
    await tasks.stop()


# The form


def test_an_event_is_told_as_a_cloud_event() -> None:
    event = Event("s-1.issued", EventType.ISSUED, "tenant-a", "s-1", "alice", START_MS + 999, {"user_id": "ålice"})
    told = cloud_event(event, source="https://tokens.example")
    assert json.loads(told.body) == {
        "specversion": "1.0",
        "id": "s-1.issued",
        "source": "https://tokens.example",
        "type": "auth.token.issued.v1",
        "time": "2027-01-15T08:00:00Z",
        "subject": "s-1",
        "datacontenttype": "application/json",
        "data": {"user_id": "ålice"},
    }
    assert told.body.isascii()
    assert told == cloud_event(event, source="https://tokens.example")


def test_without_a_session_there_is_no_subject() -> None:
    event = Event("u-1.2", EventType.USER_SYNC, "tenant-a", None, "u-1", START_MS, {"change": "disabled\n"})
    told = cloud_event(event, source="x")
    assert "subject" not in json.loads(told.body)
    assert told.order == "u-1"
    assert b"\n" not in told.body


# Delivery


async def test_everything_is_delivered_once_and_in_order(outbox: PlainOutbox, sink: ListSink, clock: FakeClock) -> None:
    events = [example_event(number=number) for number in range(2 * BATCH + 7)]
    outbox.append(*events)
    only = courier(outbox, sink, clock)
    await only.step()
    await only.step()
    assert sink.ids == [event.event_id for event in events]
    assert outbox.position("list") == len(events)


@pytest.mark.parametrize("count", [BATCH - 1, BATCH, BATCH + 1])
async def test_the_lease_is_given_back_behind_the_last_row(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock, count: int
) -> None:
    outbox.append(*[example_event() for _ in range(count)])
    await courier(outbox, sink, clock).step()
    assert len(sink.received) == count
    outbox.append(example_event())
    await courier(outbox, sink, clock, holder="second").step()
    assert len(sink.received) == count + 1


async def test_with_nothing_to_deliver_it_only_reads(outbox: PlainOutbox, sink: ListSink, clock: FakeClock) -> None:
    outbox.append(example_event())
    only = courier(outbox, sink, clock)
    await only.step()
    outbox.calls.clear()
    for _ in range(3):
        await only.step()
    assert outbox.calls == ["read_outbox"] * 3


async def test_one_process_at_a_time_delivers(outbox: PlainOutbox, clock: FakeClock) -> None:
    slow, other = ListSink(hanging=True), ListSink()
    outbox.append(example_event())
    first = asyncio.create_task(courier(outbox, slow, clock).step())
    await slow.tried.wait()
    await courier(outbox, other, clock, holder="second").step()
    assert other.tries == 0
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await courier(outbox, other, clock, holder="second").step()  # who is stopped gives the lease back
    assert len(other.received) == 1


async def test_another_sink_is_another_lease(outbox: PlainOutbox, clock: FakeClock) -> None:
    slow, other = ListSink(hanging=True), ListSink(name="other")
    outbox.append(example_event())
    first = asyncio.create_task(courier(outbox, slow, clock).step())
    await slow.tried.wait()
    await courier(outbox, other, clock).step()
    assert len(other.received) == 1
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_dead_process_is_replaced_when_its_lease_is_over(outbox: PlainOutbox, clock: FakeClock) -> None:
    outbox.append(example_event())
    lease_ms = courier(outbox, ListSink(), clock)._lease_ms
    dead = await outbox.claim_relay("list", holder="dead", now_ms=clock.now_ms(), lease_ms=lease_ms)
    assert dead is not None
    sink = ListSink()
    heir = courier(outbox, sink, clock, holder="heir")
    clock.advance(ms=lease_ms - 1)
    await heir.step()
    assert sink.received == []
    clock.advance(ms=1)
    await heir.step()
    assert len(sink.received) == 1
    # It was not dead, only slow: what it says now counts no more.
    assert not await outbox.advance_relay("list", fence=dead.fence, position=0, now_ms=clock.now_ms(), lease_ms=0)


async def test_who_lost_the_lease_stops_and_moves_no_position(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock
) -> None:
    outbox.append(*[example_event() for _ in range(3)])
    sink.takes = 1
    fragile = Fragile(outbox)
    pause = fragile.pause_after("claim_relay")
    slow = courier(fragile, sink, clock)
    step = asyncio.create_task(slow.step())
    await pause.reached.wait()
    clock.advance(3600)
    other = ListSink()
    await courier(outbox, other, clock, holder="second").step()
    pause.go_on.set()
    await step
    assert len(other.received) == 3
    assert sink.tries == 1  # one batch, and then it was told
    assert outbox.position("list") == 3


async def test_the_lease_lasts_twice_as_long_as_a_delivery_may_take(outbox: PlainOutbox, clock: FakeClock) -> None:
    slow = courier(outbox, ListSink(timeout_seconds=7), clock)
    assert slow._lease_ms >= 2 * 7000


# Sinks that fail


async def test_what_was_not_confirmed_comes_again_with_the_same_id_and_bytes(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock
) -> None:
    outbox.append(*[example_event() for _ in range(3)])
    fragile = Fragile(outbox)
    fragile.fails.add("advance_relay")  # as if it died behind the delivery
    with pytest.raises(StoreUnavailable):
        await courier(fragile, sink, clock).step()
    clock.advance(3600)
    await courier(outbox, sink, clock, holder="second").step()
    assert sink.received[:3] == sink.received[3:]


async def test_after_a_failure_in_the_middle_only_the_rest_is_repeated(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock
) -> None:
    outbox.append(*[example_event() for _ in range(5)])
    sink.takes_then_fails = 2
    only = courier(outbox, sink, clock)
    await only.step()
    sink.takes_then_fails = None
    only._not_before = 0
    await only.step()
    assert sink.ids == outbox.ids
    assert sink.tries == 2


async def test_a_sink_that_takes_some_of_it_is_given_the_rest_at_once(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock
) -> None:
    outbox.append(*[example_event() for _ in range(5)])
    sink.takes = 2
    await courier(outbox, sink, clock).step()
    assert sink.ids == outbox.ids


@pytest.mark.parametrize("illness", ["failing", "broken", "hanging"])
async def test_a_sink_that_fails_is_left_in_peace_for_longer_and_longer(
    outbox: PlainOutbox, clock: FakeClock, illness: str
) -> None:
    outbox.append(example_event())
    sink = ListSink(timeout_seconds=0.01)
    setattr(sink, illness, True)
    only = courier(outbox, sink, clock)
    pauses = []
    with capture_logs() as logs:
        for _ in range(10):
            await only.step()
            pauses.append(only._pause)
            await only.step()  # too early: it is not asked
            only._not_before = 0
        setattr(sink, illness, False)
        await only.step()
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    assert sink.tries == 11
    assert only.failures == 10
    assert len(sink.received) == 1
    told = [log["event"] for log in logs if log["event"] != "event_sink_broke"]
    assert told == ["event_delivery_failed", "event_delivery_recovered"]  # once for each illness
    assert only._pause == 0


async def test_while_a_sink_is_left_in_peace_nobody_holds_its_lease(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock
) -> None:
    outbox.append(example_event())
    sink.failing = True
    await courier(outbox, sink, clock).step()
    other = ListSink()
    await courier(outbox, other, clock, holder="second").step()
    assert len(other.received) == 1


async def test_events_that_were_purged_before_a_sink_had_them_are_told(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock
) -> None:
    outbox.append(*[example_event(at_ms=START_MS + number) for number in range(6)])
    sink.takes_then_fails = 2
    only = courier(outbox, sink, clock)
    await only.step()
    await outbox.purge_outbox(before_ms=START_MS + 5)
    sink.takes_then_fails, only._not_before = None, 0
    with capture_logs() as logs:
        await only.step()
    lost = [log for log in logs if log["event"] == "events_purged_undelivered"]
    assert [(log["sink"], log["events"]) for log in lost] == [("list", 3)]
    assert len(sink.received) == 3


async def test_a_sink_that_begins_misses_nothing(outbox: PlainOutbox, sink: ListSink, clock: FakeClock) -> None:
    outbox.append(*[example_event(at_ms=START_MS + number) for number in range(6)])
    await outbox.purge_outbox(before_ms=START_MS + 5)
    with capture_logs() as logs:
        await courier(outbox, sink, clock).step()
    assert logs == []
    assert len(sink.received) == 1


async def test_no_sink_waits_for_another(outbox: PlainOutbox, started: MakeRelay) -> None:
    sick = [ListSink("failing", failing=True), ListSink("broken", broken=True), ListSink("hanging", hanging=True)]
    sink = ListSink()
    started(outbox, sinks=[*sick, sink])
    for number in range(3):
        outbox.append(example_event())
        await until(lambda number=number: len(sink.received) == number + 1)  # type: ignore[misc]
    assert all(other.received == [] and other.tries for other in sick)


# Several processes, several outboxes


async def test_two_processes_deliver_everything_once(outbox: PlainOutbox, started: MakeRelay) -> None:
    sinks = [ListSink(), ListSink()]
    for sink in sinks:
        started(outbox, sinks=[sink])
    for _ in range(50):
        outbox.append(example_event())
        await asyncio.sleep(0.005)
    await until(lambda: sum(len(sink.received) for sink in sinks) >= 50)
    await asyncio.sleep(0.1)
    assert sorted(sinks[0].ids + sinks[1].ids) == sorted(outbox.ids)


async def test_an_outbox_that_two_stores_share_is_delivered_once(outbox: PlainOutbox, started: MakeRelay) -> None:
    sink = ListSink()
    relay = started(outbox, outbox, sinks=[sink])
    outbox.append(example_event())
    await until(lambda: len(sink.received) == 1)
    await asyncio.sleep(0.1)
    assert len(sink.received) == 1
    await relay.measure()
    assert relay.rows == 1


@pytest.mark.slow
async def test_two_processes_over_one_database_deliver_everything_once(tmp_path: Path, started: MakeRelay) -> None:
    stores = [SqlSessionStore(SqlDirectory(f"sqlite:///{tmp_path}/tessera.db")) for _ in range(2)]
    sinks = [ListSink(), ListSink()]
    relays = []
    for store, sink in zip(stores, sinks, strict=True):
        await store.open()
        relays.append(started(store, sinks=[sink]))
    made = [
        f"{(await stores[number % 2].create(make_session(f's-{number}'))).session_id}.issued" for number in range(30)
    ]
    await until(lambda: sum(len(sink.received) for sink in sinks) >= 30)
    for relay in relays:
        await relay.finish()
        await relay.measure()
        assert (relay.rows, relay.lag_rows("list")) == (30, 0)
    assert sorted(sinks[0].ids + sinks[1].ids) == sorted(made)
    for store in stores:
        await store.close()


async def test_every_outbox_is_delivered(started: MakeRelay) -> None:
    outboxes, sink = [PlainOutbox(), PlainOutbox()], ListSink()
    started(*outboxes, sinks=[sink])
    for outbox in outboxes:
        outbox.append(example_event())
    await until(lambda: len(sink.received) == 2)


async def test_a_store_that_fails_is_asked_again(outbox: PlainOutbox, started: MakeRelay) -> None:
    fragile, sink = Fragile(outbox), ListSink()
    fragile.failing = True
    started(fragile, sinks=[sink])
    outbox.append(example_event())
    await until(lambda: len(fragile.calls) > 3)
    fragile.failing = False
    await until(lambda: len(sink.received) == 1)


# The end


async def test_what_is_left_at_the_end_is_delivered(outbox: PlainOutbox, clock: FakeClock) -> None:
    sink, tasks = ListSink(), Background()
    relay = Relay(outboxes=[outbox], sinks=[sink], clock=clock, config=config(relay_poll_ms=3_600_000))
    relay.start(tasks)
    await asyncio.sleep(0.05)
    outbox.append(example_event())
    await relay.finish()
    await tasks.stop()
    await relay.close()
    assert len(sink.received) == 1
    assert sink.closed


async def test_the_end_does_not_wait_for_a_sink_that_hangs(
    outbox: PlainOutbox, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tessera_service.engine.relay.FINISH_SECONDS", 0.05)
    sink, tasks = ListSink(hanging=True), Background()
    relay = Relay(outboxes=[outbox], sinks=[sink], clock=clock, config=config(relay_poll_ms=20))
    relay.start(tasks)
    outbox.append(example_event())
    await sink.tried.wait()
    async with asyncio.timeout(10):
        await relay.finish()
        await tasks.stop()
        await relay.close()
    claim = await outbox.claim_relay("list", holder="next", now_ms=clock.now_ms(), lease_ms=1)
    assert claim is not None  # whoever comes next need not wait
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_who_never_started_has_nothing_to_finish(outbox: PlainOutbox, clock: FakeClock) -> None:
    sink = ListSink()
    outbox.append(example_event())
    await Relay(outboxes=[outbox], sinks=[sink], clock=clock, config=config()).finish()
    assert outbox.calls == []


async def test_an_outbox_that_lost_what_it_held_is_delivered_from_its_new_beginning(
    outbox: PlainOutbox, sink: ListSink, clock: FakeClock
) -> None:
    """A Redis that was flushed, or restarted with nothing on disk, counts from 1 again."""
    relay = Relay(outboxes=[outbox], sinks=[sink], clock=clock, config=config())
    (only,) = relay._couriers
    outbox.append(*[example_event() for _ in range(5)])
    await only.step()
    outbox.kept = MemoryOutbox()
    outbox.append(*(after := [example_event() for _ in range(2)]))
    await relay.measure()
    await only.step()
    assert sink.ids[5:] == [event.event_id for event in after]


# What can be seen


async def test_the_backlog_is_told_in_rows_and_in_age(outbox: PlainOutbox, sink: ListSink, clock: FakeClock) -> None:
    dead = ListSink("dead", failing=True)
    relay = Relay(outboxes=[outbox], sinks=[sink, dead], clock=clock, config=config())
    outbox.append(*[example_event(at_ms=START_MS + 1000 * number) for number in range(4)])
    clock.advance(60)
    await relay.measure()
    assert (relay.rows, relay.lag_rows("list"), relay.lag_seconds("list")) == (4, 4, 60)
    for one in relay._couriers:
        await one.step()
    await relay.measure()
    assert (relay.rows, relay.lag_rows("list"), relay.lag_seconds("list")) == (4, 0, 0)
    clock.advance(30)  # it grows between two readings too
    assert (relay.lag_rows("dead"), relay.lag_seconds("dead")) == (4, 90)
    assert relay.counts("list") == {"delivered": 4, "failures": 0}
    assert relay.counts("dead") == {"delivered": 0, "failures": 1}
