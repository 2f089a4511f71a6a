# SPDX-License-Identifier: Apache-2.0
"""Stores that say when to look at their log, and go on saying it after what cut them off."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from redis_server import shared_redis
from storage.examples import revocation, tokens
from storage.stores import STORES, execute
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import HintsAtEntries, SessionStore
from tessera_service.storage.sql.store import SqlStore

PATIENCE_SECONDS = 20.0


@pytest.fixture(params=["postgres", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with STORES[request.param](tmp_path) as opened:
        yield opened


async def append(store: SessionStore, number: int) -> None:
    await store.revoke_token(tokens("s1", number)[0], revocation=revocation())


async def wait(store: SessionStore, *, seconds: float) -> bool:
    assert isinstance(store, HintsAtEntries)
    return await store.wait_for_entry(seconds=seconds)


async def hear(store: SessionStore, *, first: int = 0) -> None:
    """Returns when an entry was heard of: one after another is appended, as the first may come before there is anybody
    who listens."""
    deadline, number = time.monotonic() + PATIENCE_SECONDS, first
    waiting = asyncio.create_task(wait(store, seconds=PATIENCE_SECONDS))
    while True:
        await append(store, number)
        number += 1
        await asyncio.wait([waiting], timeout=0.2)
        assert time.monotonic() < deadline, "nothing is heard"
        if waiting.done():
            if waiting.exception() is None and waiting.result():
                return
            waiting = asyncio.create_task(wait(store, seconds=PATIENCE_SECONDS))


async def cut_off(store: SessionStore) -> None:
    """Ends every connection to the store."""
    if isinstance(store, SqlStore):
        execute(store, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tessera'")
    else:
        assert shared_redis().command("CLIENT", "KILL", "TYPE", "normal").startswith(":")


async def test_whoever_waits_hears_of_an_entry(store: SessionStore) -> None:
    await hear(store)


async def test_an_entry_between_two_waits_is_not_missed(store: SessionStore) -> None:
    await hear(store)
    await append(store, 1000)
    started = time.monotonic()
    assert await wait(store, seconds=PATIENCE_SECONDS)
    assert time.monotonic() - started < PATIENCE_SECONDS / 2


async def test_without_an_entry_a_wait_ends_after_its_time(store: SessionStore) -> None:
    assert not await wait(store, seconds=0.05)
    assert not await wait(store, seconds=0.05)


async def test_a_lost_connection_is_unavailable_and_then_another(store: SessionStore) -> None:
    await hear(store)
    while await wait(store, seconds=0.05):  # what was appended while it was heard
        pass
    waiting = asyncio.create_task(wait(store, seconds=0.7))
    await asyncio.sleep(0.2)
    await cut_off(store)
    with pytest.raises(StoreUnavailable):
        await waiting
    await hear(store, first=2000)


async def test_a_log_that_begins_anew_is_heard(tmp_path: Path) -> None:
    async with STORES["redis"](tmp_path) as store:
        await hear(store)
        shared_redis().command("FLUSHDB")
        await hear(store)


async def test_a_closed_store_is_unavailable(store: SessionStore) -> None:
    await store.close()
    with pytest.raises(StoreUnavailable):
        await wait(store, seconds=0.05)


async def test_a_wait_that_is_given_up_keeps_nothing_open(store: SessionStore) -> None:
    waiting = asyncio.create_task(wait(store, seconds=PATIENCE_SECONDS))
    await asyncio.sleep(0.2)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    started = time.monotonic()
    await store.close()
    assert time.monotonic() - started < PATIENCE_SECONDS / 2
