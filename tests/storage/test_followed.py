# SPDX-License-Identifier: Apache-2.0
"""Logs of real stores, followed: what is committed late, what was lost, what a restored backup goes on with, and a
record that was read before it was revoked."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from storage.examples import NOW, make_session, revocation, tokens
from storage.stores import PRODUCTS, STORES, database_url, execute
from tessera_service.engine import EngineConfig
from tessera_service.engine.revocation import Mirror
from tessera_service.models import LogKind
from tessera_service.storage.base import SessionStore, parts_of
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, log

LONG = NOW + 100_000


def mirror_of(store: SessionStore) -> Mirror:
    config = EngineConfig(issuer="https://issuer.example", store_timeout_ms=60_000, max_freshness_ms=60_000)
    return Mirror(logs=parts_of(store), config=config, withdraw_key=lambda _: None)


async def revoke(store: SessionStore, *numbers: int) -> None:
    """An entry for each, that counts for long."""
    for number in numbers:
        await store.revoke_token(tokens("s1", number)[0], revocation=revocation(log_expires_at=LONG))


def held(mirror: Mirror) -> set[int]:
    """Which of the first numbers the mirror knows to be revoked."""
    return {number for number in range(20) if mirror.revocations.is_jti_revoked(tokens("s1", number)[0].jti)}


@pytest.fixture(params=PRODUCTS)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[SqlSessionStore]]:
    """Two processes on one database."""
    with database_url(request.param, tmp_path) as url:
        opened = [SqlSessionStore(SqlDirectory(url, timeout_ms=60_000)) for _ in range(2)]
        for store in opened:
            await store.open()
        yield opened
        for store in opened:
            await store.close()


async def test_an_entry_that_is_committed_late_is_overtaken_by_none(stores: list[SqlSessionStore]) -> None:
    mirror, appended, go_on = mirror_of(stores[1]), threading.Event(), threading.Event()
    await mirror.poll()

    def late(connection: Connection) -> None:
        log.append(connection, LogKind.JTI, tokens("s1", 1)[0].jti, revocation(log_expires_at=LONG), tenant_id="t")
        appended.set()
        assert go_on.wait(30)

    first = asyncio.create_task(stores[0].database.write(late))
    try:
        assert await asyncio.to_thread(appended.wait, 30)
        second = asyncio.create_task(revoke(stores[1], 2))
        await asyncio.sleep(0.3)
        assert not second.done()  # else a follower would go on from it, and never look back
        await mirror.poll()
        assert held(mirror) == set()
    finally:
        go_on.set()
    await asyncio.gather(first, second)
    await mirror.poll()
    assert held(mirror) == {1, 2}
    page = await stores[1].read_log(after=0)
    assert [entry.key for entry in page.entries] == [tokens("s1", number)[0].jti for number in (1, 2)]


RESTORABLE = ("memory", *PRODUCTS)  # Redis loses its tail in test_redis_lives.py


@pytest.fixture(params=RESTORABLE)
async def restorable(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    async with STORES[request.param](tmp_path) as opened:
        yield opened


def restore(store: SessionStore, sequence: int) -> None:
    """The log as it was when that was its newest entry: an older backup, or a standby that lacked the rest."""
    if isinstance(store, MemorySessionStore):
        assert store._state is not None
        log = store._state.log
        log.head = sequence
        log._entries = {number: entry for number, entry in log._entries.items() if number <= sequence}
        log._jtis.clear()
        return
    assert isinstance(store, SqlSessionStore)
    execute(
        store,
        f"DELETE FROM revocation_log WHERE sequence > {sequence}",
        f"UPDATE log_head SET seq = {sequence}",
        "SELECT 1",
    )


@pytest.mark.parametrize("more", [(), (5,), (5, 6), (5, 6, 7)], ids=["shorter", "still shorter", "as long", "longer"])
async def test_a_lost_tail_is_noticed_and_revives_nothing(restorable: SessionStore, more: tuple[int, ...]) -> None:
    mirror = mirror_of(restorable)
    await revoke(restorable, 1, 2, 3, 4)
    await mirror.poll()
    remember_alive(mirror)
    restore(restorable, 2)
    await revoke(restorable, *more)
    await mirror.poll()
    assert held(mirror) == {1, 2, 3, 4, *more}
    assert mirror.table.find("somebody", now=NOW) is None  # who lived in what was lost may not live any more
    remember_alive(mirror)
    await revoke(restorable, 9)
    await mirror.poll()
    assert 9 in held(mirror)
    assert mirror.table.find("somebody", now=NOW) is not None  # it is followed again


async def test_another_life_of_a_log_is_noticed_though_its_entries_are_the_same(restorable: SessionStore) -> None:
    mirror = mirror_of(restorable)
    await revoke(restorable, 1, 2)
    await mirror.poll()
    remember_alive(mirror)
    await restorable.renew_log(log_id="another")
    await mirror.poll()
    assert mirror.table.find("somebody", now=NOW) is None
    assert held(mirror) == {1, 2}


def remember_alive(mirror: Mirror) -> None:
    """Somebody who is not concerned by any entry."""
    known = {"id": "somebody", "tenant_id": "tenant-a", "subject": "somebody", "data": b"x"}
    assert mirror.table.put(mirror.table.ticket(), **known, created_ms=1, expires_at=LONG)  # type: ignore[arg-type]
    assert mirror.table.find("somebody", now=NOW) is not None


@pytest.mark.parametrize("form", ["session", "subject"])
async def test_a_record_that_was_read_before_it_was_revoked_is_not_remembered(store: SessionStore, form: str) -> None:
    session = await store.create(make_session())
    mirror = mirror_of(store)
    await mirror.poll()
    for revoked in (False, True):
        ticket = mirror.table.ticket()
        state = await store.read_state(session_id=session.session_id, jti="s1-a0")
        assert state.session is not None
        if revoked and form == "session":
            await store.revoke_session(session.session_id, revocation=revocation(log_expires_at=LONG))
        elif revoked:
            await store.revoke_subject(session.tenant_id, session.subject, revocation=revocation(log_expires_at=LONG))
        await mirror.poll()
        kept = mirror.table.put(
            ticket,
            id=session.session_id,
            tenant_id=session.tenant_id,
            subject=session.subject,
            created_ms=session.created_ms,
            expires_at=LONG,
            data=b"x",
        )
        assert kept is not revoked
        assert (mirror.table.find(session.session_id, now=NOW) is None) is revoked
