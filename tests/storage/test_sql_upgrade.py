# SPDX-License-Identifier: Apache-2.0
"""From the schema of each release to the next: what was there stays true, and the release before goes on beside it."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from storage.examples import NOW, NOW_MS, eviction, gateway_session, limit, revocation, rotation
from tessera_service.models import OutboxSize, SessionStatus
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, engine, migrate, sqlite

# As the first release writes a session, all columns by name.
FIRST = {
    "tenant_id": "tenant-a",
    "subject": "alice",
    "surface": "token",
    "auth_method": "jwt_bearer",
    "client_id": "dx-vas",
    "scope": "",
    "permissions": "[]",
    "roles": "[]",
    "metadata": "{}",
    "created_ms": NOW_MS,
    "expires_at": NOW + 3600,
    "ends_at": NOW + 3600,
    "spent": "[]",
    "locked": 0,
    "over_ms": NOW_MS + 3_600_000,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of the first release: alice's sessions, alive, revoked, locked, and expired before a cut-off."""
    path = tmp_path / "tessera.db"
    url = engine.parse_url(f"sqlite:///{path}")
    sqlite.prepare(url)
    with sqlite.sync_engine(url, writes=True, timeout_ms=1000).connect() as connection:
        sqlite.make_durable(connection)
        with connection.begin():
            migrate._migrate(connection, "0001")
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("INSERT INTO subjects VALUES ('tenant-a', 'alice', ?)", [NOW_MS - 10])
    insert(path, session_id="alive", refresh_jti="alive-r0")
    insert(path, session_id="revoked", revoked_ms=NOW_MS, over_ms=NOW_MS)
    insert(path, session_id="locked", locked=1)
    insert(path, session_id="cut", created_ms=NOW_MS - 20, expires_at=NOW - 5, over_ms=NOW_MS - 5000)
    insert(path, session_id="expired", expires_at=NOW, over_ms=NOW_MS)
    return path


def insert(path: Path, **values: object) -> None:
    """A session as the first release inserts it."""
    row = FIRST | values
    statement = f"INSERT INTO sessions ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement, list(row.values()))


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqlSessionStore]:
    opened = SqlSessionStore(SqlDirectory(f"sqlite:///{file}"))
    await opened.open()
    yield opened
    await opened.close()


async def test_sessions_of_the_first_release_live_on(store: SqlSessionStore) -> None:
    session = await store.get("alive")
    assert session is not None
    assert (session.last_activity_ms, session.span_seconds, session.newest) == (NOW_MS, 0, None)
    assert session.status(NOW) is SessionStatus.ACTIVE
    assert (await store.rotate(rotation("alive-r0", 1, session_id="alive"))).status.value == "rotated"
    await store.touch({"alive": NOW_MS + 5})
    touched = await store.get("alive")
    assert touched is not None
    assert touched.last_activity_ms == NOW_MS + 5


async def test_sessions_of_the_first_release_are_counted_right(store: SqlSessionStore) -> None:
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active, counts.expired) == (5, 1, 1)


async def test_the_first_release_goes_on_writing_beside_this_one(store: SqlSessionStore, file: Path) -> None:
    insert(file, session_id="late", created_ms=NOW_MS - 1, surface="gateway")
    session = await store.get("late")
    assert session is not None
    assert (session.last_activity_ms, session.status(NOW)) == (NOW_MS - 1, SessionStatus.ACTIVE)
    created = await store.create_limited(gateway_session("new"), limit=limit(2, scope="all"), eviction=eviction())
    assert [session.session_id for session in created.evicted] == ["late"]
    insert(file, session_id="later", created_ms=NOW_MS + 1)
    listed = await store.list_sessions("tenant-a", subject="alice", now=NOW, active_only=True, limit=9)
    assert [session.session_id for session in listed] == ["later", "new", "alive"]
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active, counts.expired) == (6, 0, 0)


async def test_what_the_first_release_revokes_is_neither_active_nor_evicted(store: SqlSessionStore, file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE sessions SET revoked_ms = ?, over_ms = ?", [NOW_MS, NOW_MS])
    created = await store.create_limited(gateway_session("new"), limit=limit(1, scope="all"), eviction=eviction())
    assert created.evicted == ()
    assert (await store.count_sessions("tenant-a", surface="token", now=NOW)).active == 0
    await store.touch({"alive": NOW_MS - 1})
    ended = await store.get("alive")
    assert ended is not None
    assert ended.last_activity_ms == NOW_MS


async def test_the_end_of_a_session_of_the_first_release_is_told(store: SqlSessionStore, file: Path) -> None:
    assert await store.outbox_size() == OutboxSize(0, 0, {})
    insert(file, session_id="late", metadata='{"ip_address":"203.0.113.9"}')
    await store.revoke_session("alive", revocation=revocation())
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    told = [row.event for row in await store.read_outbox(after=0)]
    assert [event.event_id for event in told] == ["alive.revoked", "expired.revoked", "late.revoked"]
    assert [event.data["ip_address"] for event in told] == [None, None, "203.0.113.9"]
