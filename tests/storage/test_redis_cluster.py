# SPDX-License-Identifier: Apache-2.0
"""A real cluster, and a real master behind Sentinel that is lost."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import RedisCluster

from redis_cluster import Sentinels, redis_cluster, redis_sentinels, wait_until
from redis_server import RedisServer
from storage.examples import make_session, revocation, rotation, tokens
from tessera_service.engine.ids import uuid7
from tessera_service.errors import StoreUnavailable
from tessera_service.models import RotationStatus, Session, SessionStatus
from tessera_service.storage.redis import RedisSessionStore

pytestmark = pytest.mark.slow

PARTITIONS = 8
NOW = int(time.time())
NOW_MS = NOW * 1000


async def one() -> str:
    return "directory-1"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[RedisServer]]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


def url_of(nodes: Sequence[RedisServer]) -> str:
    return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)


@pytest.fixture
async def store(cluster: Sequence[RedisServer]) -> AsyncIterator[RedisSessionStore]:
    for node in cluster:
        node.command("FLUSHALL")
    opened = RedisSessionStore(url_of(cluster[:1]), directory_id=one, partitions=PARTITIONS, timeout_ms=10_000)
    await opened.open()
    yield opened
    await opened.close()


def session_of(store: RedisSessionStore, subject: str) -> Session:
    name = uuid7(partition=store.partition_of("tenant-a", subject))
    made = make_session(name, subject=subject, created_ms=NOW_MS, expires_at=NOW + 3600, ends_at=NOW + 9000)
    return replace(made, tokens=tokens(name, 0, subject=subject, at=NOW))


async def fill(store: RedisSessionStore, number: int = 30) -> list[Session]:
    return [await store.create(session_of(store, f"user-{n}")) for n in range(number)]


async def test_sessions_live_on_every_node_and_through_their_lives(
    store: RedisSessionStore, cluster: Sequence[RedisServer]
) -> None:
    made = await fill(store)
    assert all(int(node.command("DBSIZE")[1:]) > 20 for node in cluster)
    for session in made[:10]:
        first = rotation(f"{session.session_id}-r0", 1, session_id=session.session_id, now_ms=NOW_MS)
        assert (await store.rotate(first)).status is RotationStatus.ROTATED
        assert (await store.rotate(first)).status is RotationStatus.REPLAYED
    for session in made[10:]:
        await store.revoke_subject("tenant-a", session.subject, revocation=revocation(NOW_MS))
    found = [await store.get(session.session_id) for session in made]
    assert [one.status(NOW) for one in found if one] == [SessionStatus.ACTIVE] * 10 + [SessionStatus.REVOKED] * 20
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active) == (30, 10)
    assert len(await store.list_sessions("tenant-a", subject=None, now=NOW, active_only=True, limit=99)) == 10


async def test_what_is_revoked_is_marked_on_its_own_slot_before_it_is_acknowledged(
    store: RedisSessionStore, cluster: Sequence[RedisServer]
) -> None:
    made = await fill(store)
    async with RedisCluster.from_url(f"redis://127.0.0.1:{cluster[0].port}") as reader:
        for session in made:
            await store.revoke_session(session.session_id, revocation=revocation(NOW_MS))
            for token in tokens(session.session_id, 0, at=NOW):
                assert await reader.get(f"revoked:{token.jti}") == b"1"


async def test_a_mark_that_could_not_be_written_is_written_by_the_next_purge(
    store: RedisSessionStore, cluster: Sequence[RedisServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    (session,) = await fill(store, 1)

    async def fail(*_: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(store._server, "mark", fail)
        with pytest.raises(StoreUnavailable):
            await store.revoke_session(session.session_id, revocation=revocation(NOW_MS))
    ended = await store.get(session.session_id)
    assert ended is not None
    assert ended.status(NOW) is SessionStatus.REVOKED
    await store.purge(now=NOW, retention_seconds=10_000)
    async with RedisCluster.from_url(f"redis://127.0.0.1:{cluster[0].port}") as reader:
        assert await reader.get(f"revoked:{session.session_id}-a0") == b"1"
        assert await reader.get(f"revoked:{session.session_id}-r0") == b"1"
    for part in store.parts:
        assert await part.step("read_marks", {}) == []


async def try_all(store: RedisSessionStore, made: Sequence[Session]) -> list[Session | BaseException | None]:
    """All of it at once: of every second session a read, a new one beside each of the others."""
    return await asyncio.gather(
        *(
            store.get(one.session_id) if number % 2 else store.create(session_of(store, one.subject))
            for number, one in enumerate(made)
        ),
        return_exceptions=True,
    )


async def test_a_node_that_is_lost_is_503_for_its_partitions_alone_and_comes_back(
    store: RedisSessionStore, cluster: Sequence[RedisServer]
) -> None:
    for node in cluster:
        node.command("CONFIG", "SET", "cluster-require-full-coverage", "no")
    made = await fill(store)
    lost = cluster[2]
    lost.stop()
    try:
        for _ in range(5):
            answers = await try_all(store, made)
            assert {type(answer) for answer in answers} == {StoreUnavailable, Session}
    finally:
        lost.start()
    deadline = time.monotonic() + 20
    while {type(answer) for answer in await try_all(store, made)} != {Session}:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    for _ in range(20):  # once it is back, nobody loses a connection to it any more
        assert {type(answer) for answer in await try_all(store, made)} == {Session}
    assert [await store.get(one.session_id) for one in made] == made


async def test_a_replica_takes_the_place_of_a_node_that_hangs(tmp_path: Path) -> None:
    with redis_cluster(tmp_path, replicas=True) as nodes:
        for node in nodes[3:]:
            wait_until(lambda node=node: "link_status:up" in node.command("INFO", "replication"), "no replica")  # type: ignore[misc]
        opened = RedisSessionStore(url_of(nodes[:1]), directory_id=one, partitions=PARTITIONS, timeout_ms=2000)
        await opened.open()
        made = await fill(opened)
        os.kill(nodes[0].pid, signal.SIGSTOP)
        try:
            deadline = time.monotonic() + 60
            while {type(answer) for answer in await try_all(opened, made)} != {Session}:
                assert time.monotonic() < deadline
        finally:
            os.kill(nodes[0].pid, signal.SIGCONT)
        await opened.close()


# Sentinel


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with redis_sentinels(tmp_path) as running:
        yield running


async def test_a_failover_is_survived_and_begins_another_life_of_the_log(sentinels: Sentinels) -> None:
    store = RedisSessionStore(sentinels.url, directory_id=one, timeout_ms=10_000)
    await store.open()
    await store.create(make_session("s1"))
    await store.create(make_session("s2", subject="bob"))
    await store.revoke_session("s1", revocation=revocation())
    before = await store.read_log(after=0)
    await asyncio.to_thread(sentinels.fail_over)
    deadline = time.monotonic() + 20
    while True:
        try:
            after = await store.read_log(after=0)
            break
        except StoreUnavailable:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
    assert after.entries == before.entries
    assert after.log_id != before.log_id
    await store.revoke_session("s2", revocation=revocation())
    assert [entry.key for entry in (await store.read_log(after=0)).entries] == ["s1", "s2"]
    await store.close()
