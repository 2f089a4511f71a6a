# SPDX-License-Identifier: Apache-2.0
"""Several processes on one database: each here is a store with connections of its own."""

import asyncio
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest

from storage.examples import (
    NOW,
    NOW_MS,
    eviction,
    gateway_session,
    limit,
    make_session,
    newest,
    revocation,
    rotation,
    slide,
    successor,
    tokens,
    whole_log,
)
from storage.stores import database_url
from tessera_service.models import LogKind, RevokedOthers, RotationStatus, SessionStatus, SlideStatus, SubjectRevocation
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore


@pytest.fixture
async def stores(product: str, tmp_path: Path) -> AsyncIterator[list[SqlSessionStore]]:
    """Two stores on one database, patient: the races are about order, not about time."""
    with database_url(product, tmp_path) as url:
        opened = [SqlSessionStore(SqlDirectory(url, timeout_ms=60_000)) for _ in range(2)]
        for store in opened:
            await store.open()
        yield opened
        for store in opened:
            await store.close()


async def test_two_hundred_rotations_of_one_token_make_one_successor(stores: list[SqlSessionStore]) -> None:
    await stores[0].create(make_session())
    results = await asyncio.gather(*(stores[n % 2].rotate(rotation("s1-r0", n + 1)) for n in range(200)))
    assert Counter(result.status for result in results) == {RotationStatus.ROTATED: 1, RotationStatus.REPLAYED: 199}
    assert len({result.successor for result in results}) == 1
    session = await stores[1].get("s1")
    assert session is not None
    assert session.refresh_jti is not None
    assert session.successor == results[0].successor == successor(int(session.refresh_jti.removeprefix("s1-r")))
    known = [await stores[1].find_token(f"s1-a{number}") for number in range(201)]
    assert [token.jti for token in known if token is not None] == ["s1-a0", session.refresh_jti.replace("r", "a")]


async def test_nothing_born_at_or_before_a_cut_off_lives(stores: list[SqlSessionStore]) -> None:
    chance = random.Random(7)
    calls = [stores[n % 2].create(make_session(f"s{n}", created_ms=NOW_MS + chance.randrange(40))) for n in range(120)]
    cuts = [
        stores[n % 2].revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS + chance.randrange(40)))
        for n in range(12)
    ]
    order = [*calls, *cuts]
    chance.shuffle(order)
    await asyncio.gather(*order)
    cutoff_ms = max(entry.cutoff_ms for entry in await whole_log(stores[0]))
    alive = 0
    for number in range(120):
        session = await stores[number % 2].get(f"s{number}")
        assert session is not None
        assert (session.status(NOW) is SessionStatus.ACTIVE) is (session.created_ms > cutoff_ms)
        alive += session.status(NOW) is SessionStatus.ACTIVE
    last = await stores[0].revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    assert last.ended == alive


async def test_a_rotation_and_a_revocation_of_the_subject_leave_nothing_alive(stores: list[SqlSessionStore]) -> None:
    for number in range(40):
        await stores[0].create(make_session(f"s{number}"))
    rotations = [stores[0].rotate(rotation(f"s{n}-r0", 1, session_id=f"s{n}")) for n in range(40)]
    cut = stores[1].revoke_subject("tenant-a", "alice", revocation=revocation())
    *_, ended = await asyncio.gather(*rotations, cut)
    assert isinstance(ended, SubjectRevocation)
    assert ended.ended == 40
    for number in range(40):
        session = await stores[0].get(f"s{number}")
        assert session is not None
        assert session.status(NOW) is SessionStatus.REVOKED
        assert session.successor is None


async def test_one_revocation_of_a_session_counts(stores: list[SqlSessionStore]) -> None:
    await stores[0].create(make_session())
    revocations = [revocation(NOW_MS + n, reason=f"reason-{n}") for n in range(40)]
    results = await asyncio.gather(*(stores[n % 2].revoke_session("s1", revocation=revocations[n]) for n in range(40)))
    assert len(set(results)) == 1
    assert len(await whole_log(stores[0])) == 1


async def test_one_revocation_of_a_token_counts(stores: list[SqlSessionStore]) -> None:
    token = tokens("s1", 0)[0]
    results = await asyncio.gather(*(stores[n % 2].revoke_token(token, revocation=revocation()) for n in range(40)))
    assert sum(results) == 1
    assert len(await whole_log(stores[0])) == 1


async def test_a_reader_sees_the_log_grow_without_a_gap(stores: list[SqlSessionStore]) -> None:
    writing = asyncio.gather(
        *(stores[n % 2].revoke_token(tokens("s1", n)[0], revocation=revocation()) for n in range(150))
    )
    held = 0
    while not writing.done() or held < 150:
        page = await stores[held % 2].read_log(after=held + 1)
        sequences = [entry.sequence for entry in page.entries]
        assert sequences == list(range(held + 1, held + 1 + len(sequences)))
        assert page.head == held + len(sequences)
        held += len(sequences)
    await writing
    assert {entry.kind for entry in await whole_log(stores[0])} == {LogKind.JTI}


async def test_a_purge_beside_the_work_takes_nothing_that_is_alive(stores: list[SqlSessionStore]) -> None:
    async def work(number: int) -> None:
        name = f"s{number}"
        await stores[0].create(make_session(name, subject=f"user-{number % 3}"))
        assert (await stores[0].rotate(rotation(f"{name}-r0", 1, session_id=name))).status is RotationStatus.ROTATED

    async def purge() -> None:
        for _ in range(30):
            await stores[1].purge(now=NOW, retention_seconds=0, limit=3)
            await stores[1].purge_log(now=NOW + 9000, limit=3)

    cuts = [
        stores[1].revoke_subject("tenant-a", f"user-{n % 3}", revocation=revocation(1, log_expires_at=NOW))
        for n in range(3)
    ]
    await asyncio.gather(*(work(number) for number in range(40)), purge(), return_exceptions=False)
    await asyncio.gather(*cuts)
    assert [n for n in range(40) if await stores[0].get(f"s{n}") is None] == []


@pytest.mark.parametrize("policy", ["evict", "reject"])
async def test_fifty_creations_never_leave_more_than_five(
    stores: list[SqlSessionStore], policy: Literal["evict", "reject"]
) -> None:
    wanted = limit(5, policy=policy)
    made = asyncio.gather(
        *(stores[n % 2].create_limited(gateway_session(f"s{n}"), limit=wanted, eviction=eviction()) for n in range(50))
    )
    seen = []
    while not made.done():
        for store in stores:
            found = await store.list_sessions("tenant-a", subject="alice", now=NOW, active_only=True, limit=100)
            counts = await store.count_sessions("tenant-a", surface="gateway", now=NOW)
            seen += [len(found), counts.active]
    created = await made
    assert max(seen) <= 5
    stored = [creation.session for creation in created if creation.session is not None]
    evicted = [session.session_id for creation in created for session in creation.evicted]
    assert len(stored) == (50 if policy == "evict" else 5)
    assert len(evicted) == len(set(evicted)) == (45 if policy == "evict" else 0)
    assert {entry.key for entry in await whole_log(stores[0])} == set(evicted)
    assert (await stores[1].count_sessions("tenant-a", surface="gateway", now=NOW)).active == 5


async def test_fifty_slides_of_one_token_make_one_successor(stores: list[SqlSessionStore]) -> None:
    await stores[0].create(gateway_session())
    results = await asyncio.gather(*(stores[n % 2].slide(slide(0, n + 1)) for n in range(50)))
    assert Counter(result.status for result in results) == {SlideStatus.SLID: 1, SlideStatus.REPLAYED: 49}
    (only,) = {result.newest for result in results}
    assert only is not None
    session = await stores[1].get("s1")
    assert session is not None
    assert session.newest == only == newest("s1", int(only.jti.removeprefix("s1-g")))
    known = [await stores[1].find_token(f"s1-g{number}") for number in range(51)]
    assert [token.jti for token in known if token is not None] == ["s1-g0", only.jti]


async def test_a_slide_beside_a_revocation_leaves_nothing_alive(stores: list[SqlSessionStore]) -> None:
    for number in range(40):
        await stores[0].create(gateway_session(f"s{number:02}"))
    slides = [stores[0].slide(slide(0, 1, session_id=f"s{n:02}")) for n in range(40)]
    others = stores[1].revoke_others("tenant-a", "alice", keep="s00", revocation=revocation())
    *_, revoked = await asyncio.gather(*slides, others)
    assert isinstance(revoked, RevokedOthers)
    assert (len(revoked.ended), revoked.active_before) == (39, 40)
    live = await stores[0].list_sessions("tenant-a", subject="alice", now=NOW, active_only=True, limit=100)
    assert [session.session_id for session in live] == ["s00"]
    ended = await stores[0].get("s39")
    assert ended is not None
    assert ended.newest is None


async def test_of_two_who_keep_only_their_own_the_second_ends_the_first(stores: list[SqlSessionStore]) -> None:
    for number in range(20):
        await stores[0].create(gateway_session(f"s{number:02}"))
    keeping = [stores[n].revoke_others("tenant-a", "alice", keep=f"s0{n}", revocation=revocation()) for n in range(2)]
    results = await asyncio.gather(*keeping)
    assert sorted((result.active_before, len(result.ended)) for result in results) == [(1, 1), (20, 19)]
    assert len(await whole_log(stores[0])) == 20
    assert (await stores[0].count_sessions("tenant-a", surface="gateway", now=NOW)).active == 0


async def test_activity_that_comes_from_many_sides_is_the_latest(stores: list[SqlSessionStore]) -> None:
    chance = random.Random(11)
    names = [f"s{number}" for number in range(10)]
    for name in names:
        await stores[0].create(gateway_session(name))
    told = [{name: NOW_MS + chance.randrange(1000) for name in chance.sample(names, 6)} for _ in range(60)]
    await asyncio.gather(*(stores[n % 2].touch(activities) for n, activities in enumerate(told)))
    for name in names:
        session = await stores[0].get(name)
        assert session is not None
        assert session.last_activity_ms == max(activities.get(name, NOW_MS) for activities in told)


async def test_who_waits_finds_the_moments_between_the_steps_of_a_busy_process(tmp_path: Path) -> None:
    file, stop = tmp_path / "tessera.db", threading.Event()
    store = SqlSessionStore(SqlDirectory(f"sqlite:///{file}"))
    await store.open()

    def be_busy() -> None:
        busy = sqlite3.connect(file, isolation_level=None, timeout=5)
        while not stop.is_set():
            busy.execute("BEGIN IMMEDIATE")
            time.sleep(0.09)
            busy.execute("COMMIT")
            time.sleep(0.01)  # and SQLite itself asks every 100 ms at last
        busy.close()

    process = threading.Thread(target=be_busy)
    process.start()
    try:
        for number in range(20):
            await store.create(make_session(f"s{number}"))
    finally:
        stop.set()
        process.join()
        await store.close()


async def test_events_of_two_processes_stand_in_the_order_of_their_commits(stores: list[SqlSessionStore]) -> None:
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 80:
            rows = await stores[0].read_outbox(after=seen[-1] if seen else 0, limit=7)
            seen.extend(row.sequence for row in rows)
            await asyncio.sleep(0)

    async def work(number: int) -> None:
        store, name = stores[number % 2], f"s{number}"
        await store.create(make_session(name, subject=f"user-{number % 5}"))
        await store.revoke_session(name, revocation=revocation())

    async with asyncio.timeout(60):
        await asyncio.gather(follow(), *(work(number) for number in range(40)))
    assert seen == list(range(1, 81))
    rows = await stores[1].read_outbox(after=0)
    for number in range(40):
        own = [row.event.event_id for row in rows if row.event.session_id == f"s{number}"]
        assert own == [f"s{number}.issued", f"s{number}.revoked"]


async def test_a_session_that_two_end_at_once_is_told_once(stores: list[SqlSessionStore]) -> None:
    for number in range(20):
        await stores[0].create(make_session(f"s{number}"))
    ends = [stores[number % 2].revoke_session(f"s{number}", revocation=revocation()) for number in range(20)]
    cuts = [store.revoke_subject("tenant-a", "alice", revocation=revocation()) for store in stores]
    await asyncio.gather(*ends[:10], *cuts, *ends[10:])
    told = [row.event.event_id for row in await stores[0].read_outbox(after=20)]
    assert sorted(told) == sorted(f"s{number}.revoked" for number in range(20))


async def test_one_of_two_processes_delivers_to_a_sink(stores: list[SqlSessionStore]) -> None:
    claims = await asyncio.gather(
        *(stores[n % 2].claim_relay("audit", holder=f"h{n}", now_ms=NOW_MS, lease_ms=1000) for n in range(10))
    )
    assert sum(claim is not None for claim in claims) == 1
