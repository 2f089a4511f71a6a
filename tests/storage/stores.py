# SPDX-License-Identifier: Apache-2.0
"""The stores under the contract suite: adding one is one row in STORES."""

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.memory_outbox import MemoryOutbox
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


STORES: dict[str, Callable[[Path], AbstractAsyncContextManager[SessionStore]]] = {"memory": memory, "sqlite": sqlite}


@contextmanager
def broken_outbox(store: object) -> Iterator[None]:
    """As long as it lasts, no event can be written, and all else can."""
    if isinstance(store, MemorySessionStore):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MemoryOutbox, "append", _refuse)
            yield
        return
    assert isinstance(store, SqlStore)
    with sqlite3.connect(str(store.database._url.database)) as other:
        other.execute("CREATE TRIGGER broken BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'broken'); END")
    yield
    other.execute("DROP TRIGGER broken")
    other.close()


def _refuse(*_: object) -> None:
    raise StoreUnavailable
