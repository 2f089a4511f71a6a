# SPDX-License-Identifier: Apache-2.0
"""A Redis that lost what it had: whoever follows its log notices, reads all of it anew, and keeps what was revoked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from redis_cluster import wait_until
from redis_server import RedisServer, redis_server
from storage.examples import make_session, revocation, tokens
from tessera_service.engine.log_follower import LogFollower
from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogEntry, LogPage
from tessera_service.storage.redis import RedisSessionStore


async def one() -> str:
    return "directory-1"


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncIterator[RedisSessionStore]:
    store = RedisSessionStore(server.url, directory_id=one, timeout_ms=30_000)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path / "redis") as running:
        yield running


class Followed:
    """A follower of whichever store is the one now."""

    def __init__(self, store: RedisSessionStore) -> None:
        self.store = store
        self.keys: list[str] = []
        self.losses = 0
        self._follower = LogFollower(self, apply=self._apply, lost=self._lost, page_seconds=lambda: 60)

    @property
    def log_key(self) -> str:
        return "followed"

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        return await self.store.read_log(after=after, limit=limit)

    def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        return self.store.read_log_snapshot()

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        return await self.store.purge_log(now=now, limit=limit)

    async def renew_log(self, *, log_id: str) -> None:
        await self.store.renew_log(log_id=log_id)

    async def poll(self) -> list[str]:
        """The keys of the entries that were new."""
        self.keys = []
        await self._follower.poll()
        return self.keys

    def _apply(self, entry: LogEntry) -> None:
        self.keys.append(entry.key)

    def _lost(self) -> None:
        self.losses += 1


async def revoke(store: RedisSessionStore, *jtis: int) -> None:
    for number in jtis:
        await store.revoke_token(tokens("s1", number)[0], revocation=revocation())


async def restart(server: RedisServer, store: RedisSessionStore) -> None:
    """Returns when the store has noticed: a call over a connection of before fails once."""
    server.stop()
    server.start()
    with contextlib.suppress(StoreUnavailable):
        await store.ping()


async def test_a_follower_goes_on_in_one_life(server: RedisServer) -> None:
    async with opened(server) as store:
        followed = Followed(store)
        await revoke(store, 1, 2)
        assert await followed.poll() == ["s1-a1", "s1-a2"]
        await revoke(store, 3)
        assert await followed.poll() == ["s1-a3"]
        assert followed.losses == 0


async def test_what_was_flushed_begins_anew(server: RedisServer) -> None:
    async with opened(server) as store:
        followed = Followed(store)
        await store.create(make_session())
        await revoke(store, 1, 2)
        await followed.poll()
        server.command("FLUSHALL")
        assert await store.get("s1") is None
        await revoke(store, 7, 2)  # the last one held is there again, as it was
        assert await followed.poll() == ["s1-a7", "s1-a2"]
        assert followed.losses == 1
        assert (await store.create(make_session())).session_id == "s1"


async def test_a_restart_without_persistence_begins_anew(server: RedisServer) -> None:
    async with opened(server) as store:
        followed = Followed(store)
        await revoke(store, 1, 2)
        await followed.poll()
        await restart(server, store)
        await revoke(store, 7, 2)
        assert await followed.poll() == ["s1-a7", "s1-a2"]
        assert followed.losses == 1


async def test_a_restart_that_kept_everything_loses_nothing_and_is_read_anew(tmp_path: Path) -> None:
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with redis_server(tmp_path / "redis", *options) as server:
        async with opened(server) as store:
            created = await store.create(make_session())
            await revoke(store, 1, 2)
            followed = Followed(store)
            await followed.poll()
            await restart(server, store)
            assert await store.get("s1") == created
            assert await followed.poll() == ["s1-a1", "s1-a2"]  # a tail may be gone: nobody can know
            assert followed.losses == 1


async def test_a_tail_that_a_failover_lost_is_noticed_though_the_newest_entry_is_there(
    server: RedisServer, tmp_path: Path
) -> None:
    with redis_server(tmp_path / "replica") as replica:
        async with opened(server) as before:
            followed = Followed(before)
            await revoke(before, 1, 2)
            replica.command("REPLICAOF", "127.0.0.1", str(server.port))
            await asyncio.to_thread(wait_until, lambda: _has_all(replica, server), "nothing is replicated")
            replica.command("REPLICAOF", "NO", "ONE")
            await revoke(before, 3, 4)
            assert await followed.poll() == [f"s1-a{number}" for number in (1, 2, 3, 4)]
        server.stop()
        async with opened(replica) as after:
            followed.store = after
            await revoke(after, 5, 4)
            assert await followed.poll() == [f"s1-a{number}" for number in (1, 2, 5, 4)]
            assert followed.losses == 1


async def test_a_server_that_was_made_a_replica_is_not_believed(server: RedisServer) -> None:
    """What is revoked at the new master from now on, it may not know for long."""
    async with opened(server) as store:
        created = await store.create(make_session())
        page = await store.read_log(after=0)
        server.command("REPLICAOF", "127.0.0.1", "1")  # a link that is down: it answers what it has
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.read_log(after=0)
            with pytest.raises(StoreUnavailable):
                await store.get("s1")
            with pytest.raises(StoreUnavailable):
                await store.read_state(session_id="s1", jti="s1-a0")
        server.command("REPLICAOF", "NO", "ONE")
        assert await store.read_log(after=0) == page
        assert await store.get("s1") == created


def _has_all(replica: RedisServer, master: RedisServer) -> bool:
    key = "{tessera:0}:log"
    is_linked = "master_link_status:up" in replica.command("INFO", "replication")
    return is_linked and replica.command("XLEN", key) == master.command("XLEN", key)
