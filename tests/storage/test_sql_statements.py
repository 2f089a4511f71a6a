# SPDX-License-Identifier: Apache-2.0
"""What the steps say to the database: few statements, locks in one order, by index, in words both products know."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from storage.examples import (
    NOW,
    NOW_MS,
    eviction,
    gateway_session,
    limit,
    make_session,
    revocation,
    rotation,
    slide,
    tokens,
)
from tessera_service.models import ServiceToken, SessionStatus, SigningKey, Tenant
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore
from tessera_service.storage.sql.database import Lane
from tessera_service.storage.sql.engine import insert_or_ignore
from tessera_service.storage.sql.schema import metadata, tenants

SQLITE = sqlite.dialect()
POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
PLAN = "EXPLAIN QUERY PLAN "


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlSessionStore]:
    opened = SqlSessionStore(SqlDirectory(f"sqlite:///{tmp_path}/tessera.db"))
    await opened.open()
    yield opened
    await opened.close()


@contextmanager
def said(store: SqlSessionStore | SqlDirectory) -> Iterator[list[str]]:
    """Every statement from here on, as PostgreSQL would be told it."""
    statements: list[str] = []

    def note(_connection: Any, element: Any, *_: Any) -> None:
        dialect = SQLITE if isinstance(element, sqlite.Insert) else POSTGRESQL  # insert_or_ignore chooses itself
        statements.append(str(element.compile(dialect=dialect)).replace("\n", " "))

    engines = [lane._engine for lane in lanes(store)]
    for engine in engines:
        event.listen(engine, "before_execute", note)
    yield statements
    for engine in engines:
        event.remove(engine, "before_execute", note)


def lanes(store: SqlSessionStore | SqlDirectory) -> list[Lane]:
    return [lane for lane in (store.database._reader, store.database._writer) if lane is not None]


async def statements_of(store: SqlSessionStore, call: Awaitable[object]) -> list[str]:
    with said(store) as statements:
        await call
    return statements


async def test_every_step_that_revokes_locks_the_subject_first_and_the_head_last(store: SqlSessionStore) -> None:
    for number in range(4):
        await store.create(make_session(f"s{number}"))
    await store.rotate(rotation("s0-r0", 1, session_id="s0"))
    steps = [
        store.revoke_session("s1", revocation=revocation()),
        store.rotate(rotation("nothing", 5, session_id="s0")),
        store.revoke_token(tokens("s2", 0)[0], revocation=revocation()),
        store.create_limited(gateway_session("g1"), limit=limit(1, scope="all"), eviction=eviction()),
        store.revoke_others("tenant-a", "alice", keep="s1", revocation=revocation()),
    ]
    for step in steps:
        first, *_, events, event_rows, head, entry = await statements_of(store, step)
        assert "FROM subjects" in first
        assert "FOR UPDATE" in first
        assert head.startswith("UPDATE log_head SET seq=(log_head.seq + ")
        assert head.endswith("RETURNING log_head.seq")
        assert entry.startswith("INSERT INTO revocation_log")
        assert events.startswith("UPDATE outbox_head SET seq=(outbox_head.seq + ")
        assert event_rows.startswith("INSERT INTO outbox ")


async def test_revoking_a_subject_takes_the_head_of_the_outbox_before_that_of_the_log(store: SqlSessionStore) -> None:
    await store.create(make_session())
    said = await statements_of(store, store.revoke_subject("tenant-a", "alice", revocation=revocation()))
    assert said[0].startswith("SELECT subjects.cutoff_ms")
    assert said[0].endswith("FOR UPDATE")
    steps = ["FROM outbox_head FOR UPDATE", "INSERT INTO outbox ", "UPDATE outbox_head", "UPDATE log_head"]
    places = [next(place for place, text in enumerate(said) if step in text) for step in steps]
    assert places == sorted(places)
    assert said[-1].startswith("INSERT INTO revocation_log")


async def test_a_session_is_locked_between_its_subject_and_the_head(store: SqlSessionStore) -> None:
    await store.create(make_session())
    await store.create(gateway_session("g1"))
    subject, session, *_ = await statements_of(store, store.slide(slide(0, 1, session_id="g1")))
    assert subject.endswith("FOR UPDATE OF subjects")
    assert session.endswith("FOR UPDATE OF sessions")
    subject, session, *_ = await statements_of(store, store.rotate(rotation("s1-r0", 1)))
    assert subject.endswith("FOR UPDATE OF subjects")
    assert session.endswith("FOR UPDATE OF sessions")
    subject, session, *_ = await statements_of(store, store.revoke_session("s1", revocation=revocation()))
    assert subject.endswith("FOR UPDATE OF subjects")
    assert session.endswith("FOR UPDATE OF sessions")


async def test_creating_locks_the_subject_first(store: SqlSessionStore) -> None:
    first, second, third, *_ = await statements_of(store, store.create(make_session("s1")))
    assert first.endswith("FOR UPDATE")
    assert "ON CONFLICT DO NOTHING" in second
    assert third == first
    assert (await statements_of(store, store.create(make_session("s2"))))[0] == first


async def test_a_purge_locks_subjects_before_sessions(store: SqlSessionStore) -> None:
    await store.create(make_session(expires_at=NOW))
    chosen, locks, gone, *_ = await statements_of(store, store.purge(now=NOW + 9, retention_seconds=0))
    assert chosen.startswith("SELECT sessions.session_id")
    assert locks.startswith("SELECT subjects.cutoff_ms")
    assert locks.endswith("FOR UPDATE")
    assert gone.startswith("DELETE FROM sessions")


async def test_the_usual_steps_take_few_statements(store: SqlSessionStore) -> None:
    await store.create(make_session("s0"))
    counts = {
        "create": len(await statements_of(store, store.create(make_session("s1")))),
        "rotate": len(await statements_of(store, store.rotate(rotation("s1-r0", 1)))),
        "read_state": len(await statements_of(store, store.read_state(session_id="s1", jti="x"))),
        "revoke_session": len(await statements_of(store, store.revoke_session("s1", revocation=revocation()))),
        "create_limited": len(
            await statements_of(store, store.create_limited(gateway_session("g1"), limit=limit(5), eviction=eviction()))
        ),
        "slide": len(await statements_of(store, store.slide(slide(0, 1, session_id="g1")))),
        "touch": len(await statements_of(store, store.touch({"g1": NOW_MS + 1, "s1": NOW_MS + 2}))),
        "list_sessions": len(
            await statements_of(
                store, store.list_sessions("tenant-a", subject=None, now=NOW, active_only=False, limit=20)
            )
        ),
        "count_sessions": len(await statements_of(store, store.count_sessions("tenant-a", surface="a", now=NOW))),
        "poll": len(await statements_of(store, store.read_log(after=1))),
    }
    assert counts == {
        "create": 5,
        "rotate": 4,
        "read_state": 2,
        "revoke_session": 7,
        "poll": 2,
        "create_limited": 6,
        "slide": 6,
        "touch": 3,
        "list_sessions": 1,
        "count_sessions": 1,
    }


async def test_every_statement_of_sessions_goes_by_an_index(store: SqlSessionStore, tmp_path: Path) -> None:
    told: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            told.append((statement, parameters))

    for lane in lanes(store):
        event.listen(lane._engine, "before_cursor_execute", note)
    for number in range(3):
        await store.create(make_session(f"s{number}", expires_at=NOW))
        await store.create(make_session(f"t{number}"))
        await store.rotate(rotation(f"t{number}-r0", 1, session_id=f"t{number}"))
    for number in range(5):
        new = replace(gateway_session(f"g{number}"), access_key_id="key-1")
        await store.create_limited(new, limit=limit(2), eviction=eviction())
    await store.slide(slide(0, 1, session_id="g4"))
    await store.touch({"g4": NOW_MS + 1})
    for subject in (None, "alice"):
        for active_only in (False, True):
            await store.list_sessions("tenant-a", subject=subject, now=NOW, active_only=active_only, limit=5)
    await store.count_sessions("tenant-a", surface="gateway", now=NOW)
    found = await store.walk_unended("tenant-a", limit=2)
    await store.walk_unended("tenant-a", after=found.rest, limit=2)
    await store.revoke_others("tenant-a", "alice", keep="g4", revocation=revocation(log_expires_at=NOW))
    await store.revoke_access_key_sessions("key-1", revocation=revocation(log_expires_at=NOW))
    await store.get("s1")
    await store.read_state(session_id="s1", jti="x")
    await store.find_token("s1-a0")
    await store.revoke_token(tokens("s1", 0)[0], revocation=revocation(log_expires_at=NOW))
    await store.revoke_session("t1", revocation=revocation(log_expires_at=NOW))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(log_expires_at=NOW))
    await store.read_log(after=1)
    await store.rotate(rotation("t2-r1", 2, session_id="t2"))
    await store.purge(now=NOW + 9000, retention_seconds=0)
    await store.revoke_subject("tenant-a", "bob", revocation=revocation(log_expires_at=NOW))
    await store.purge_log(now=NOW)
    for status in (None, *SessionStatus):
        await store.page_sessions("tenant-a", subject="alice", status=status, now=NOW, limit=5, offset=0)
    await store.erase_subject("tenant-a", "alice")
    await store.erase_events("tenant-a", "alice")
    claim = await store.claim_relay("audit", holder="a", now_ms=NOW_MS, lease_ms=1000)
    assert claim is not None
    await store.advance_relay("audit", fence=claim.fence, position=1, now_ms=NOW_MS, lease_ms=0)
    await store.read_outbox(after=1)
    await store.purge_outbox(before_ms=NOW_MS + 1)
    assert len(told) > 60
    whole = [plan for plan in plans(tmp_path / "tessera.db", told) if plan.startswith("SCAN ") and "_head" not in plan]
    assert whole == []


async def test_a_purge_of_many_subjects_goes_by_their_key(store: SqlSessionStore, tmp_path: Path) -> None:
    for number in range(100):
        await store.create(replace(make_session(f"s{number}", subject=f"user-{number}", expires_at=NOW), tokens=()))
    told: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "DELETE")):
            told.append((statement, parameters))

    for lane in lanes(store):
        event.listen(lane._engine, "before_cursor_execute", note)
    assert await store.purge(now=NOW, retention_seconds=0) == 100
    lines = plans(tmp_path / "tessera.db", told)
    assert [line for line in lines if line.startswith("SCAN")] == []
    assert "SEARCH subjects USING PRIMARY KEY (tenant_id=? AND subject=?)" in lines


def plans(file: Path, told: list[tuple[str, Any]]) -> list[str]:
    """How SQLite goes about each statement, one line for each table."""
    connection = sqlite3.connect(file)
    lines = []
    for statement, parameters in told:
        one = parameters[0] if isinstance(parameters, list) else parameters
        lines += [str(row[3]) for row in connection.execute(PLAN + statement, one)]
    connection.close()
    return [line for line in lines if "CONSTANT ROW" not in line and "VALUES" not in line and "IN(" not in line]


async def test_the_directory_speaks_both_dialects(store: SqlSessionStore, tmp_path: Path) -> None:
    directory = SqlDirectory(f"sqlite:///{tmp_path}/tessera.db")
    await directory.open()
    token = ServiceToken("j1", "tenant-a", "gateway", "edge", (), False, 1, NOW)
    with said(directory) as statements:
        await directory.add_tenant(Tenant("tenant-a", NOW))
        await directory.add_service_token(token)
        await directory.revoke_service_token("j1", revocation=revocation())
        await directory.add_signing_key(SigningKey("k1", "{}", "PEM", "m", NOW, NOW), after=None)
        await directory.revoke_signing_key("k1", revocation=revocation())
        await directory.purge_directory(now=NOW)
    await directory.close()
    # The user that a token may be minted for, the token that is revoked, the order of keys.
    assert sum(statement.endswith("FOR UPDATE") for statement in statements) == 3
    assert sum(statement.startswith("UPDATE log_head") for statement in statements) == 2
    assert sum("ON CONFLICT DO NOTHING" in statement for statement in statements) == 1


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_an_insert_that_may_find_its_row_there_is_said_in_both(dialect: Any) -> None:
    connection = cast(Connection, SimpleNamespace(dialect=dialect))
    statement = insert_or_ignore(connection, tenants)
    assert str(statement.compile(dialect=dialect)).endswith("ON CONFLICT DO NOTHING")


def test_the_tables_can_be_made_in_postgresql_too() -> None:
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=POSTGRESQL)).strip().startswith("CREATE TABLE")
        for index in table.indexes:
            statement = str(CreateIndex(index).compile(dialect=POSTGRESQL))
            assert ("WHERE" in statement) is (index.dialect_options["sqlite"]["where"] is not None)
