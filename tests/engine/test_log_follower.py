# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tessera_service.engine.log_follower import LogFollower
from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogEntry, LogKind, LogPage
from tessera_service.storage.base import RevocationLog


class ScriptedLog:
    """A log that a test rewrites as it likes."""

    log_key = "scripted"

    def __init__(self, *, page_size: int = 1000) -> None:
        self.log_id = "life-1"
        self.entries: list[LogEntry] = []
        self.page_size = page_size
        self.asked: list[int] = []
        self.snapshots = 0
        self.broken_after: int | None = None  # pages of a snapshot
        self.seconds = 0.0  # that a page takes

    def append(self, *keys: str) -> None:
        for key in keys:
            self.entries.append(LogEntry(self.head + 1, LogKind.JTI, "tenant-a", key, 0, 1000))

    @property
    def head(self) -> int:
        return self.entries[-1].sequence if self.entries else 0

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        self.asked.append(after)
        await asyncio.sleep(self.seconds)
        entries = [entry for entry in self.entries if entry.sequence >= after]
        return LogPage(self.log_id, self.head, tuple(entries[: self.page_size]))

    async def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        self.snapshots += 1
        for number, start in enumerate(range(0, max(len(self.entries), 1), self.page_size)):
            await asyncio.sleep(self.seconds)
            if number == self.broken_after:
                raise StoreUnavailable
            yield LogPage(self.log_id, self.head, tuple(self.entries[start : start + self.page_size]))


class Follower:
    """A follower and what it was told."""

    def __init__(self, log: ScriptedLog, *, page_seconds: float = 60) -> None:
        self.keys: list[str] = []
        self.lost = 0
        self.follower = LogFollower(
            cast(RevocationLog, log),
            apply=lambda entry: self.keys.append(entry.key),
            lost=self._count,
            page_seconds=lambda: page_seconds,
        )

    def _count(self) -> None:
        self.lost += 1

    async def poll(self) -> list[str]:
        """What this poll applied."""
        before = len(self.keys)
        await self.follower.poll()
        return self.keys[before:]


async def test_the_first_poll_reads_a_snapshot_and_the_next_ones_go_on_from_its_end() -> None:
    log = ScriptedLog()
    log.append("a", "b")
    follower = Follower(log)
    assert await follower.poll() == ["a", "b"]
    assert await follower.poll() == []
    log.append("c", "d")
    assert await follower.poll() == ["c", "d"]
    assert (log.snapshots, follower.lost) == (1, 0)


async def test_each_poll_starts_at_the_last_entry_held_inclusive() -> None:
    log = ScriptedLog()
    log.append("a", "b")
    follower = Follower(log)
    for _ in range(2):
        await follower.poll()
    log.append("c")
    for _ in range(2):
        await follower.poll()
    assert log.asked == [2, 2, 3]


async def test_an_empty_log_is_followed_from_its_first_entry() -> None:
    log = ScriptedLog()
    follower = Follower(log)
    assert await follower.poll() == []
    assert await follower.poll() == []
    log.append("a")
    assert await follower.poll() == ["a"]
    assert (log.snapshots, follower.lost) == (1, 0)


async def test_a_poll_reads_page_after_page_up_to_the_head() -> None:
    log = ScriptedLog(page_size=3)
    log.append("a")
    follower = Follower(log)
    await follower.poll()
    log.append(*"bcdefghij")
    assert await follower.poll() == [*"bcdefghij"]
    assert follower.lost == 0


async def test_a_lost_tail_is_noticed() -> None:
    log = ScriptedLog()
    log.append("a", "b", "c")
    follower = Follower(log)
    await follower.poll()
    del log.entries[1:]
    assert await follower.poll() == ["a"]
    assert follower.lost == 1
    log.append("x")
    assert await follower.poll() == ["x"]
    assert follower.lost == 1


async def test_a_restored_log_that_grew_again_to_the_same_head_is_noticed() -> None:
    log = ScriptedLog()
    log.append("a", "b", "c")
    follower = Follower(log)
    await follower.poll()
    del log.entries[1:]
    log.append("x", "y")
    assert await follower.poll() == ["a", "x", "y"]
    assert follower.lost == 1


async def test_a_restored_log_that_grew_beyond_is_noticed() -> None:
    log = ScriptedLog()
    log.append("a", "b", "c")
    follower = Follower(log)
    await follower.poll()
    del log.entries[1:]
    log.append(*"xyz")
    assert await follower.poll() == [*"axyz"]
    assert follower.lost == 1


@pytest.mark.parametrize(
    "change", [{"key": "z"}, {"kind": LogKind.SESSION}, {"tenant_id": "tenant-b"}, {"cutoff_ms": 1}, {"expires_at": 9}]
)
async def test_a_last_entry_that_differs_in_anything_is_another_entry(change: dict[str, object]) -> None:
    log = ScriptedLog()
    log.append("a")
    follower = Follower(log)
    await follower.poll()
    log.entries[0] = replace(log.entries[0], **change)  # type: ignore[arg-type]
    await follower.poll()
    assert follower.lost == 1


async def test_another_log_id_is_another_log_though_its_entries_are_the_same() -> None:
    log = ScriptedLog()
    log.append("a")
    follower = Follower(log)
    await follower.poll()
    log.log_id = "life-2"
    assert await follower.poll() == ["a"]
    assert follower.lost == 1
    assert await follower.poll() == []


async def test_another_life_of_an_empty_log_is_noticed_too() -> None:
    log = ScriptedLog()
    follower = Follower(log)
    await follower.poll()
    log.log_id = "life-2"
    await follower.poll()
    assert follower.lost == 1


async def test_a_last_entry_that_was_purged_leads_to_a_snapshot() -> None:
    log = ScriptedLog()
    log.append("a", "b")
    follower = Follower(log)
    await follower.poll()
    log.append("c")
    del log.entries[1]
    assert await follower.poll() == ["a", "c"]
    assert follower.lost == 1


async def test_a_snapshot_that_breaks_off_is_read_again() -> None:
    log = ScriptedLog(page_size=1)
    log.append("a", "b")
    follower = Follower(log)
    log.broken_after = 1
    with pytest.raises(StoreUnavailable):
        await follower.poll()
    log.broken_after = None
    assert await follower.poll() == ["a", "b"]
    log.log_id = "life-2"
    log.broken_after = 1
    with pytest.raises(StoreUnavailable):
        await follower.poll()
    assert follower.lost == 0
    log.broken_after = None
    await follower.poll()
    assert follower.lost == 1


async def test_a_long_log_may_take_longer_than_a_page() -> None:
    log = ScriptedLog(page_size=2)
    log.append(*"abcdefghij")
    log.seconds = 0.1
    follower = Follower(log, page_seconds=0.4)
    assert await follower.poll() == [*"abcdefghij"]
    log.append(*"klmnopqrst")
    assert await follower.poll() == [*"klmnopqrst"]
    assert follower.lost == 0


@pytest.mark.parametrize("held", [False, True])
async def test_a_page_that_does_not_come_in_time_is_a_store_that_failed(held: bool) -> None:
    log = ScriptedLog()
    log.append("a")
    follower = Follower(log, page_seconds=0.05)
    if held:
        await follower.poll()
    log.seconds = 5
    with pytest.raises(StoreUnavailable):
        await follower.poll()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 5)),
        st.tuples(st.just("poll"), st.just(0)),
        st.tuples(st.just("restore"), st.integers(0, 5)),
        st.tuples(st.just("reset"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, page_size=st.integers(2, 4))
async def test_whatever_happens_to_a_log_a_poll_leaves_nothing_out(
    steps: list[tuple[str, int]], page_size: int
) -> None:
    log, number, lives = ScriptedLog(page_size=page_size), 0, 1
    follower = Follower(log)
    for step, count in steps:
        if step == "append":
            log.append(*(f"key-{number + offset}" for offset in range(count)))
            number += count
        elif step == "restore":
            del log.entries[len(log.entries) - min(count, len(log.entries)) :]
        elif step == "reset":
            lives += 1
            log.log_id = f"life-{lives}"
        else:
            await follower.poll()
            assert {entry.key for entry in log.entries} <= set(follower.keys)
