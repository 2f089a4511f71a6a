# SPDX-License-Identifier: Apache-2.0
"""The stores under the contract suite: adding one is one row in STORES."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from postgres import postgres_server
from redis_server import RedisServer, shared_redis
from sqlite_file import made_sqlite
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.memory_outbox import MemoryOutbox
from tessera_service.storage.redis import RedisSessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore
from tessera_service.storage.sql.store import SqlStore

PATIENCE_MS = 60_000  # what is asked here is not how long a step takes


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
    directory = SqlDirectory(made_sqlite(folder), timeout_ms=PATIENCE_MS)
    store = SqlSessionStore(directory)
    await store.open()
    yield store
    await store.close()


@asynccontextmanager
async def redis(folder: Path) -> AsyncIterator[SessionStore]:
    """Sessions in a server of this process's tests, which is emptied."""
    server = shared_redis()
    server.command("FLUSHDB")
    # What is asked here is not how long a step takes.
    store = RedisSessionStore(server.url, directory_id=_directory_id, timeout_ms=PATIENCE_MS)
    await store.open()
    yield store
    await store.close()


async def _directory_id() -> str:
    return "directory-1"


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[SessionStore]:
    """Sessions in a database of a server."""
    with database_url("postgres", folder) as url:
        store = SqlSessionStore(SqlDirectory(url, timeout_ms=PATIENCE_MS))
        await store.open()
        yield store
        await store.close()


@contextmanager
def database_url(product: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database that has this release's schema; for SQLite `tessera.db` in `folder`."""
    if product == "sqlite":
        yield made_sqlite(folder)
        return
    server = postgres_server()
    with server.database(template=server.template) as url:
        yield url


PRODUCTS = ("postgres", "sqlite")
STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[SessionStore]]] = {
    "memory": memory,
    "postgres": postgres,
    "redis": redis,
    "sqlite": sqlite,
}


def execute(store: SqlStore, *statements: str) -> list[tuple[Any, ...]]:
    """Statements over a connection that knows nothing of the store; the rows of the last."""
    url = store.database._url
    if url.get_backend_name() == "postgresql":
        return postgres_server().execute(*statements, database=str(url.database))
    with closing(sqlite3.connect(str(url.database))) as other, other:
        return [other.execute(statement).fetchall() for statement in statements][-1]


@contextmanager
def witness(store: SqlStore) -> Iterator[Callable[[], object]]:
    """What tells, each time, something else once somebody has written."""
    url = store.database._url
    if url.get_backend_name() == "postgresql":
        # The number of the next transaction that writes.
        yield lambda: execute(store, "SELECT pg_snapshot_xmax(pg_current_snapshot())")
        return
    with closing(sqlite3.connect(str(url.database))) as other:
        yield lambda: other.execute("PRAGMA data_version").fetchone()


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
    is_postgres = store.database._url.get_backend_name() == "postgresql"
    execute(store, *(_BREAK_POSTGRES if is_postgres else _BREAK_SQLITE))
    yield
    execute(store, "DROP TRIGGER broken ON outbox" if is_postgres else "DROP TRIGGER broken")


_BREAK_SQLITE = ["CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'broken'); END"]
_BREAK_POSTGRES = [
    "CREATE OR REPLACE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''broken''; END'",
    "CREATE TRIGGER broken BEFORE INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION broken()",
]


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
