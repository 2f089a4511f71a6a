# SPDX-License-Identifier: Apache-2.0
"""The stores under the contract suite: adding one is one row in STORES."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from redis_server import RedisServer, shared_redis
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.memory_outbox import MemoryOutbox
from tessera_service.storage.redis import RedisSessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore
from tessera_service.storage.sql.store import SqlStore


@asynccontextmanager
async def memory(folder: Path) -> AsyncIterator[SessionStore]:
    """Sessions in this process."""
    store = MemorySessionStore(directory_id="directory-1")
    await store.open()
    yield store
    await store.close()


@asynccontextmanager
async def sqlite(folder: Path) -> AsyncIterator[SessionStore]:
    """Sessions in a file."""
    directory = SqlDirectory(f"sqlite:///{folder}/tessera.db")
    store = SqlSessionStore(directory)
    await store.open()
    yield store
    await store.close()


@asynccontextmanager
async def redis(folder: Path) -> AsyncIterator[SessionStore]:
    """Sessions in a server of this process's tests, which is emptied."""
    server = shared_redis()
    server.command("FLUSHALL")
    store = RedisSessionStore(server.url, directory_id=_directory_id)
    await store.open()
    yield store
    await store.close()


async def _directory_id() -> str:
    return "directory-1"


STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[SessionStore]]] = {
    "memory": memory,
    "redis": redis,
    "sqlite": sqlite,
}


@contextmanager
def broken_outbox(store: object) -> Iterator[None]:
    """As long as it lasts, no event can be written, and all else can."""
    if isinstance(store, MemorySessionStore):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MemoryOutbox, "append", _refuse)
            yield
        return
    if isinstance(store, RedisSessionStore):
        with _ended_stream(shared_redis()):
            yield
        return
    assert isinstance(store, SqlStore)
    with sqlite3.connect(str(store.database._url.database)) as other:
        other.execute("CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'broken'); END")
    yield
    other.execute("DROP TRIGGER broken")
    other.close()


@contextmanager
def _ended_stream(server: RedisServer) -> Iterator[None]:
    """Its last entry has the greatest id that there is: none can come after it."""
    outbox = "{tessera:0}:out"
    last = server.command("EVAL", "return redis.call('XINFO', 'STREAM', KEYS[1])[8]", "1", outbox).split("\r\n")[1]
    assert server.command("XSETID", outbox, "18446744073709551615-18446744073709551615") == "+OK\r\n"
    yield
    assert server.command("XSETID", outbox, last) == "+OK\r\n"


def _refuse(*_: object) -> None:
    raise StoreUnavailable
