# SPDX-License-Identifier: Apache-2.0
"""What a Redis has to be before sessions are entrusted to it, and what the store does when it is not there."""

import asyncio
import os
import signal
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

from redis_server import RedisServer, fresh_database, redis_server
from storage.examples import make_session
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import StoreRefused
from tessera_service.storage.redis import RedisSessionStore, server
from tessera_service.storage.redis.cluster import Cluster
from tessera_service.storage.redis.connect import make_client


async def one() -> str:
    return "directory-1"


async def other() -> str:
    return "directory-2"


@pytest.fixture
def own(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may do anything to."""
    with redis_server(tmp_path / "redis") as running:
        yield running


async def opened(url: str, *, partitions: int = 1, timeout_ms: int = 1500) -> RedisSessionStore:
    store = RedisSessionStore(url, directory_id=one, partitions=partitions, timeout_ms=timeout_ms)
    await store.open()
    return store


async def test_sessions_of_another_directory_are_refused() -> None:
    url = fresh_database()
    store = await opened(url)
    await store.create(make_session())
    strange = RedisSessionStore(url, directory_id=other)
    with pytest.raises(StoreRefused, match="another directory"):
        await strange.open()
    with pytest.raises(StoreUnavailable):
        await strange.get("s1")
    await store.close()


async def test_a_store_that_another_directory_took_over_meanwhile_is_unavailable() -> None:
    url = fresh_database()
    store = await opened(url)
    async with Redis.from_url(url) as client:
        await client.flushdb()
    await RedisSessionStore(url, directory_id=other).open()
    with pytest.raises(StoreUnavailable, match="belongs to another directory"):
        await store.get("s1")
    await store.close()


async def test_the_number_of_partitions_stays_what_it_was() -> None:
    url = fresh_database()
    await (await opened(url, partitions=2)).close()
    with pytest.raises(StoreRefused, match="in 2 partitions, not in 1"):
        await opened(url)
    await (await opened(url, partitions=2)).close()


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
async def test_a_server_that_evicts_is_refused(own: RedisServer, policy: str) -> None:
    own.command("CONFIG", "SET", "maxmemory-policy", policy)
    with pytest.raises(StoreRefused, match=f"maxmemory-policy is {policy}"):
        await opened(own.url)


async def test_a_server_that_is_told_to_evict_later_is_not_followed_meanwhile(own: RedisServer) -> None:
    store = await opened(own.url)
    before = await store.read_log(after=0)
    own.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    with pytest.raises(StoreUnavailable, match="has to be noeviction"):
        await store.read_log(after=0)
    own.command("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert await store.read_log(after=0) == before
    await store.close()


async def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MIN_VERSION", (99, 0))
    with pytest.raises(StoreRefused, match="too old"):
        await opened(fresh_database())


@pytest.mark.parametrize("appendonly", ["no", "yes"])
async def test_a_server_that_keeps_nothing_for_sure_is_warned_of(tmp_path: Path, appendonly: str) -> None:
    options = ("--appendonly", appendonly)
    with redis_server(tmp_path / "redis", *options) as running, structlog.testing.capture_logs() as logs:
        await (await opened(running.url)).close()
    warned = [line["event"] for line in logs if line["log_level"] == "warning"]
    assert warned == (["redis_keeps_nothing_for_sure"] if appendonly == "no" else [])


@pytest.mark.parametrize(
    "url",
    ["http://localhost", "redis+sentinel://localhost:1", "redis+cluster://:1,:2", "redis+sentinel:///m", "redis+x://h"],
)
def test_what_is_no_url_of_redis_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        make_client(url, timeout_seconds=1)


async def test_a_log_key_has_no_password() -> None:
    store = RedisSessionStore("redis://alice:canary-4711@localhost:1/3?x=canary-4711", directory_id=one)
    assert store.log_key == "redis://localhost:1/3#0"


@pytest.mark.parametrize("partitions", [0, 257])
def test_there_are_1_to_256_partitions(partitions: int) -> None:
    with pytest.raises(ValueError, match="256"):
        RedisSessionStore("redis://localhost", directory_id=one, partitions=partitions)


async def test_a_server_that_is_not_there_is_unavailable(own: RedisServer) -> None:
    own.stop()
    with pytest.raises(StoreUnavailable):
        await opened(own.url)


async def test_a_server_that_comes_back_is_used_again(own: RedisServer) -> None:
    store = await opened(own.url)
    own.stop()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await store.get("s1")
    own.start()
    assert await store.get("s1") is None
    await store.close()


async def test_a_server_that_hangs_is_given_up_in_time_however_many_wait(own: RedisServer) -> None:
    store = await opened(own.url, timeout_ms=500)
    os.kill(own.pid, signal.SIGSTOP)
    began = time.monotonic()
    try:
        answers = await asyncio.gather(*(store.get("s1") for _ in range(200)), return_exceptions=True)
    finally:
        os.kill(own.pid, signal.SIGCONT)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    assert time.monotonic() - began < 2
    assert await store.get("s1") is None
    await store.close()


async def test_a_call_that_is_cancelled_leaves_the_store_in_order(own: RedisServer) -> None:
    store = await opened(own.url)
    await store.create(make_session("s1"))
    for _ in range(100):
        calls = [asyncio.create_task(store.get("s1")) for _ in range(4)]
        await asyncio.sleep(0)
        for call in calls[::2]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    found = [await store.get(name) for name in ("s1", "s2") * 20]
    assert [session is not None for session in found] == [True, False] * 20
    await store.close()


async def test_no_more_connections_are_opened_than_it_may_have(own: RedisServer) -> None:
    store = await opened(own.url)
    await asyncio.gather(*(store.get("s1") for _ in range(500)))
    clients = own.command("CLIENT", "LIST")
    assert clients.count("lib-name=redis-py") <= 34
    await store.close()


async def test_a_cluster_that_is_not_there_is_unavailable(own: RedisServer) -> None:
    own.stop()
    with pytest.raises(StoreUnavailable):
        await opened(f"redis+cluster://127.0.0.1:{own.port}")


async def test_a_password_is_used_and_told_to_nobody(tmp_path: Path) -> None:
    with redis_server(tmp_path / "redis", "--requirepass", "p@ss") as running:
        address = running.url.removeprefix("redis://")
        store = await opened(f"redis://:p%40ss@{address}")
        assert await store.get("s1") is None
        assert "p@ss" not in store.log_key + repr(store)
        await store.close()
        with pytest.raises(StoreUnavailable) as refused:
            await opened(f"redis://:wrong@{address}")
        said = traceback.format_exception(refused.value)
        assert not [line for line in said if "wrong@" in line and "opened(" not in line]


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
@pytest.mark.parametrize("tls", [False, True])
def test_the_credentials_of_a_url_are_those_of_the_servers(kind: str, tls: bool) -> None:
    url = f"redis{'s' * tls}+{kind}://alice:p%40ss@127.0.0.1:1,127.0.0.1:2/main/3"
    client = make_client(url, timeout_seconds=1)
    if isinstance(client, Cluster):
        given = client.node(client.addresses[1]).connection_pool.connection_kwargs
        assert client.addresses == [("127.0.0.1", 1), ("127.0.0.1", 2)]
    else:
        given = client.connection_pool.connection_kwargs
        assert given["db"] == 3
    assert (given["username"], given["password"]) == ("alice", "p@ss")
    assert given["socket_timeout"] == 1
