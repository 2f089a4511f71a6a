# SPDX-License-Identifier: Apache-2.0
"""The stores under the contract suite: adding one is one row in STORES."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore


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
