# SPDX-License-Identifier: Apache-2.0
"""What is told of logs to those who follow elsewhere, wherever it has to be read from."""

import asyncio
from collections.abc import Sequence
from typing import Any
from unittest import mock

import pytest

from engine.doubles import as_any
from engine.world import OTHER_TENANT, TENANT, MakeWorld, World
from tessera_service.engine import Engine
from tessera_service.engine.feed_cursor import MAX_CURSOR_CHARS, CursorSeal
from tessera_service.engine.log_tail import LogTail, Position, life_of
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.engine.revocation_feed import MAX_ENTRIES, Batch
from tessera_service.errors import InvalidInput, StoreUnavailable
from tessera_service.models import LogEntry, LogKind, Revocation
from tessera_service.storage.memory_log import MemoryLog

LIFE = "life-1"


async def never_mind() -> None:
    """Who asks may ask."""


def log_of(world: World) -> MemoryLog:
    log: MemoryLog = world.sessions.store._state.log
    return log


def append(world: World, *keys: str, kind: LogKind = LogKind.JTI, tenant_id: str = TENANT, seconds: int = 1000) -> None:
    """Entries of the sessions' log."""
    for key in keys:
        revocation = Revocation(world.clock.now_ms(), "test", "operator", world.clock.now() + seconds)
        log_of(world).append(kind, tenant_id, key, revocation)


async def snapshot(engine: Engine, *, tenant_id: str | None = TENANT) -> tuple[list[str], str]:
    """Keys, and the cursor."""
    keys: list[str] = []
    async for batch in engine.feed.snapshot(engine.feed.log_ids, tenant_id=tenant_id, check=never_mind):
        keys += [entry.key for entry in batch.entries]
        cursor = batch.cursor
    return keys, cursor


async def news(engine: Engine, cursor: str, *, tenant_id: str | None = TENANT, seconds: float = 0) -> Batch | None:
    positions = engine.feed.open(cursor, tenant_id=tenant_id)
    return await engine.feed.news(positions, tenant_id=tenant_id, seconds=seconds, check=never_mind)


async def new_keys(engine: Engine, cursor: str, **asked: Any) -> tuple[list[str], str]:
    batch = await news(engine, cursor, **asked)
    assert batch is not None
    return [entry.key for entry in batch.entries], batch.cursor


def reads(world: World) -> int:
    """How often a store was asked for its log."""
    return world.sessions.calls.count("read_log") + world.directory.calls.count("read_log")


async def test_news_come_from_memory(world: World) -> None:
    append(world, "a")
    keys, cursor = await snapshot(world.engine)
    assert keys == ["a"]
    append(world, "b", "c")
    await world.engine.mirror.poll()
    before = reads(world)
    assert (await new_keys(world.engine, cursor))[0] == ["b", "c"]
    assert reads(world) == before


async def test_beyond_what_memory_holds_news_come_from_the_log(world: World) -> None:
    _, cursor = await snapshot(world.engine)
    with mock.patch.object(
        as_any(world.engine.mirror)._followers[0], "_tail", LogTail(log_of(world).log_id, max_entries=2)
    ):
        append(world, *"abcde")
        await world.engine.mirror.poll()
        found, cursor = await new_keys(world.engine, cursor)
        assert found == [*"abcde"]
        assert (await new_keys(world.engine, cursor))[0] == []


async def test_very_many_come_in_several_answers_of_which_the_last_is_as_of_a_time(world: World) -> None:
    _, cursor = await snapshot(world.engine)
    number = MAX_ENTRIES + 500
    append(world, *(f"key-{n}" for n in range(number)))
    await world.engine.mirror.poll()
    first = await news(world.engine, cursor)
    assert first is not None
    assert first.as_of_ns is None  # there is more
    second = await news(world.engine, first.cursor)
    assert second is not None
    assert second.as_of_ns is not None
    assert [entry.key for entry in [*first.entries, *second.entries]] == [f"key-{n}" for n in range(number)]


@pytest.mark.parametrize("change", ["restored", "another life", "purged"])
async def test_a_cursor_that_leads_nowhere_needs_a_snapshot(world: World, change: str) -> None:
    append(world, "a", "b")
    _, cursor = await snapshot(world.engine)
    if change == "purged":
        append(world, "c", seconds=5000)
        log_of(world).purge(now=world.clock.now() + 1000, limit=10)
        as_any(world.engine.mirror)._followers[0]._log_id = None  # a process that began afterwards
    elif change == "restored":
        log_of(world)._entries.clear()
        log_of(world).head = 0
        append(world, "x", "y", "z")
    else:
        log_of(world).log_id = "another"
    await world.engine.mirror.poll()
    assert await news(world.engine, cursor) is None
    _, cursor = await snapshot(world.engine)
    assert (await new_keys(world.engine, cursor))[0] == []


async def test_a_process_that_lags_behind_a_cursor_leads_on_from_the_log(world: World) -> None:
    other = await world.start()
    append(world, "a")
    await world.engine.mirror.poll()
    keys, cursor = await snapshot(world.engine)
    assert keys == ["a"]
    assert (await new_keys(other, cursor))[0] == []  # which has not polled since
    append(world, "b")
    assert (await new_keys(other, cursor))[0] == ["b"]


async def test_changes_and_other_tenants_are_not_told(world: World) -> None:
    _, cursor = await snapshot(world.engine)
    _, of_all = await snapshot(world.engine, tenant_id=None)
    append(world, "mine")
    append(world, "changed", kind=LogKind.CHANGED)
    append(world, "theirs", tenant_id=OTHER_TENANT)
    append(world, "key", kind=LogKind.KEY, tenant_id="")
    await world.engine.mirror.poll()
    assert (await new_keys(world.engine, cursor))[0] == ["mine", "key"]
    assert (await new_keys(world.engine, of_all, tenant_id=None))[0] == ["mine", "theirs", "key"]
    assert (await snapshot(world.engine))[0] == ["mine", "key"]
    assert (await snapshot(world.engine, tenant_id=None))[0] == ["mine", "theirs", "key"]


async def test_a_clock_that_strays_for_a_moment_takes_nothing_from_whoever_asks_then(world: World) -> None:
    append(world, "a")
    _, early = await snapshot(world.engine)
    append(world, "b")
    await world.engine.mirror.poll()
    world.clock.advance(100_000)
    news_of_then, _ = await new_keys(world.engine, early)
    all_of_then, cursor = await snapshot(world.engine)
    world.clock.advance(-100_000)
    assert news_of_then == ["b"]
    assert all_of_then == ["a", "b"]
    assert (await new_keys(world.engine, cursor))[0] == []  # which they are not told again


async def test_who_waits_is_woken_by_what_concerns_it(world: World) -> None:
    _, cursor = await snapshot(world.engine)
    waiting = asyncio.create_task(new_keys(world.engine, cursor, seconds=30))
    append(world, "theirs", tenant_id=OTHER_TENANT)
    await world.engine.mirror.poll()
    await asyncio.sleep(0.05)
    assert not waiting.done()
    append(world, "mine")
    await world.engine.mirror.poll()
    async with asyncio.timeout(10):
        assert (await waiting)[0] == ["mine"]


async def test_what_a_mirror_that_is_stale_did_not_hear_is_no_silence(make_world: MakeWorld) -> None:
    world = await make_world(max_freshness_ms=400)
    _, cursor = await snapshot(world.engine)
    await asyncio.sleep(0.9)
    with pytest.raises(StoreUnavailable):
        await news(world.engine, cursor)
    await world.engine.mirror.poll()
    batch = await news(world.engine, cursor)
    assert batch is not None
    assert batch.as_of_ns == world.engine.mirror.asked_ns


async def test_a_snapshot_of_a_log_that_was_replaced_is_none(world: World) -> None:
    log_ids = world.engine.feed.log_ids
    log_of(world).log_id = "another"
    with pytest.raises(StoreUnavailable):
        async for _ in world.engine.feed.snapshot(log_ids, tenant_id=TENANT, check=never_mind):
            pass


async def test_a_process_that_read_no_log_tells_nothing(world: World) -> None:
    as_any(world.engine.mirror)._followers[0]._tail = None
    with pytest.raises(StoreUnavailable):
        _ = world.engine.feed.log_ids


# Cursors


def positions(number: int) -> Sequence[Position]:
    return [Position(life_of(f"log-{n}"), 2**63 + n, b"12345678") for n in range(number)]


@pytest.mark.parametrize("number", [1, 2, 257])
def test_a_cursor_holds_as_many_logs_as_a_store_may_have(number: int) -> None:
    seal = CursorSeal(MasterKeys(current=bytes(32)))
    cursor = seal.seal(positions(number), tenant_id=TENANT)
    assert len(cursor) <= MAX_CURSOR_CHARS
    assert seal.open(cursor, tenant_id=TENANT) == positions(number)
    assert CursorSeal(MasterKeys(current=bytes(32))).open(cursor, tenant_id=TENANT) == positions(number)


@pytest.mark.parametrize("tenant_id", [OTHER_TENANT, None])
def test_a_cursor_is_for_one_tenant_and_of_one_installation(tenant_id: str | None) -> None:
    cursor = CursorSeal(MasterKeys(current=bytes(32))).seal(positions(1), tenant_id=TENANT)
    with pytest.raises(InvalidInput):
        CursorSeal(MasterKeys(current=bytes(32))).open(cursor, tenant_id=tenant_id)
    with pytest.raises(InvalidInput):
        CursorSeal(MasterKeys(current=bytes(range(32)))).open(cursor, tenant_id=TENANT)


def test_a_cursor_outlives_a_change_of_the_master_key_whichever_instance_is_asked() -> None:
    old, new = bytes(32), bytes(range(32))
    for current, older in ((old, new), (new, old)):
        cursor = CursorSeal(MasterKeys(current=current, older=[older])).seal(positions(1), tenant_id=TENANT)
        other = CursorSeal(MasterKeys(current=older, older=[current]))
        assert other.open(cursor, tenant_id=TENANT) == positions(1)
        with pytest.raises(InvalidInput):
            other.open(cursor, tenant_id=OTHER_TENANT)
        with pytest.raises(InvalidInput):
            CursorSeal(MasterKeys(current=older)).open(cursor, tenant_id=TENANT)


# Tails


def entry(sequence: int, key: str = "k") -> LogEntry:
    return LogEntry(sequence, LogKind.JTI, TENANT, key, 0, 1000)


def test_a_tail_tells_what_follows_an_entry_that_it_holds() -> None:
    tail = LogTail(LIFE, max_entries=3)
    for sequence in range(1, 6):
        tail.append(entry(sequence))
    assert tail.after(Position.at(LIFE, entry(5))) == []
    assert tail.after(Position.at(LIFE, entry(3))) == [entry(4), entry(5)]
    for unknown in (entry(2), entry(6), entry(4, "another"), None):
        assert tail.after(Position.at(LIFE, unknown)) is None
    assert tail.after(Position.at("life-2", entry(5))) is None


def test_a_tail_that_lacks_nothing_tells_all_to_who_has_nothing() -> None:
    tail = LogTail(LIFE, max_entries=3)
    assert tail.after(Position.at(LIFE, None)) == []
    for sequence in range(1, 4):
        tail.append(entry(sequence))
    assert tail.after(Position.at(LIFE, None)) == [entry(1), entry(2), entry(3)]
    tail.append(entry(4))
    assert tail.after(Position.at(LIFE, None)) is None
