# SPDX-License-Identifier: Apache-2.0
"""What users, hits and codes say to the database: few statements, locks first, by index, as both products know it."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as hook
from sqlalchemy.dialects import postgresql, sqlite

from storage.examples import NOW, NOW_MS, revocation
from storage.user_examples import directories, event, make_user
from tessera_service.models import CodeRecord, HitLimit, ServiceToken
from tessera_service.storage.sql import SqlDirectory

SQLITE = sqlite.dialect()
POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
LIMITS = [HitLimit(b"key-2", 2, 60, 60), HitLimit(b"key-1", 100, 3600)]


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[SqlDirectory]:
    async with directories(tmp_path) as (opened,):
        yield opened


@contextmanager
def heard(directory: SqlDirectory, name: str, note: Any) -> Iterator[None]:
    engines = [lane._engine for lane in (directory.database._reader, directory.database._writer) if lane]
    for engine in engines:
        hook.listen(engine, name, note)
    yield
    for engine in engines:
        hook.remove(engine, name, note)


async def statements_of(directory: SqlDirectory, call: Awaitable[object]) -> list[str]:
    """Every statement of a call, as PostgreSQL would be told it."""
    statements: list[str] = []

    def note(_connection: Any, element: Any, *_: Any) -> None:
        dialect = SQLITE if isinstance(element, sqlite.Insert) else POSTGRESQL  # an upsert chooses itself
        statements.append(str(element.compile(dialect=dialect)).replace("\n", " "))

    with heard(directory, "before_execute", note):
        await call
    return statements


def plans(folder: Path, told: list[tuple[str, Any]]) -> list[str]:
    """How SQLite goes about each statement."""
    with closing(sqlite3.connect(folder / "tessera.db")) as other:
        return [row[3] for told_one, values in told for row in other.execute("EXPLAIN QUERY PLAN " + told_one, values)]


async def live_through(directory: SqlDirectory) -> None:
    """Each call that the directory knows of users, hits and codes, with something to do for each."""
    user = make_user()
    await directory.add_user(user, event=event(user))
    await directory.get_user("tenant-a", "u1")
    for name, value in (("username", "alice"), ("email", "alice@example.com"), ("phone", "+84912345678")):
        await directory.find_user("tenant-a", **{name: value})
    await directory.list_users("tenant-a")
    await directory.list_users("tenant-a", after=user)
    token = ServiceToken("j1", "tenant-a", "u1", "edge", (), False, NOW_MS, NOW + 60)
    await directory.add_service_token(token)
    after = replace(user, version=2)
    await directory.update_user(after, ends_sessions=False, revocation=revocation(), event=event(after))
    await directory.set_password_hash("tenant-a", "u1", old="$argon2id$1", new="$argon2id$2")
    await directory.delete_user("tenant-a", "u1", version=2, revocation=revocation(), event=event(after, "deleted"))
    await directory.take(LIMITS, now_ms=NOW_MS)
    held = await directory.take(LIMITS, now_ms=NOW_MS)
    await directory.take(LIMITS, now_ms=NOW_MS)
    assert held.hit_id is not None
    await directory.give_back(held.hit_id)
    await directory.forget(b"key-1")
    await directory.put_code(CodeRecord(b"key", b"right", NOW))
    for code_hash in (b"wrong", b"right"):
        guess = await directory.guess_code(b"key", code_hash=code_hash, now=NOW - 1, max_guesses=5)
    assert guess.spent is not None
    await directory.restore_code(guess.spent)
    await directory.guess_code(b"key", code_hash=b"right", now=NOW, max_guesses=5)
    await directory.purge_directory(now=NOW + 9000)


async def test_every_statement_goes_by_an_index(directory: SqlDirectory, tmp_path: Path) -> None:
    told: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT")):
            told.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    with heard(directory, "before_cursor_execute", note):
        await live_through(directory)
    assert len(told) > 50
    lines = plans(tmp_path, told)
    read = [line for line in lines if line.startswith(("SCAN", "SEARCH"))]
    assert len(read) > 40
    # The heads have one row each.
    assert [line for line in read if line.startswith("SCAN") and "_head" not in line and "CONSTANT" not in line] == []


async def test_a_purge_of_hits_goes_by_their_expiry_and_their_key(directory: SqlDirectory, tmp_path: Path) -> None:
    told: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("DELETE"):
            told.append((statement, parameters))

    with heard(directory, "before_cursor_execute", note):
        await directory.purge_directory(now=NOW)
    lines = [line.replace("COVERING ", "") for line in plans(tmp_path, told)]
    assert "SEARCH hits USING INDEX ix_hits_hit_id (hit_id=? AND key=?)" in lines
    assert "SEARCH hits USING INDEX ix_hits_expires_ms (expires_ms<?)" in lines
    assert "SEARCH hit_keys USING PRIMARY KEY (key=?)" in lines
    assert "SEARCH hit_keys USING INDEX ix_hit_keys_expires_ms (expires_ms<?)" in lines
    assert "SEARCH codes USING PRIMARY KEY (key=?)" in lines
    assert "SEARCH codes USING INDEX ix_codes_expires_at (expires_at<?)" in lines


async def test_a_take_locks_its_keys_in_one_order_and_first(directory: SqlDirectory) -> None:
    orders: list[list[bytes]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("INSERT INTO hit_keys"):
            orders.append([row[0] for row in parameters])

    with heard(directory, "before_cursor_execute", note):
        await directory.take(LIMITS, now_ms=NOW_MS)
        await directory.take(LIMITS[::-1], now_ms=NOW_MS)
    assert orders == [[b"key-1", b"key-2"]] * 2
    first, *_ = await statements_of(directory, directory.take(LIMITS, now_ms=NOW_MS))
    assert first.startswith("INSERT INTO hit_keys")
    assert 'ON CONFLICT ("key") DO UPDATE' in first


async def test_what_gives_hits_back_locks_their_keys_in_the_same_order(directory: SqlDirectory) -> None:
    taken = await directory.take(LIMITS, now_ms=NOW_MS)
    assert taken.hit_id is not None
    _, locked, *_ = await statements_of(directory, directory.give_back(taken.hit_id))
    assert locked.startswith("SELECT hit_keys.key")
    assert locked.endswith("ORDER BY hit_keys.key FOR UPDATE")
    locked, _ = await statements_of(directory, directory.forget(b"key-1"))
    assert locked.endswith("FOR UPDATE")


async def test_whoever_names_a_user_locks_the_tenant_and_tells_last(directory: SqlDirectory) -> None:
    user = make_user()
    added = await statements_of(directory, directory.add_user(user, event=event(user)))
    after = replace(user, version=2)
    updated = await statements_of(
        directory, directory.update_user(after, ends_sessions=False, revocation=revocation(), event=event(after))
    )
    for statements in (added, updated):
        assert statements[0].startswith("SELECT tenants.tenant_id")
        assert statements[0].endswith("FOR UPDATE")
    assert updated[1].startswith("SELECT users.version")
    assert updated[1].endswith("FOR UPDATE")
    told = event(replace(user, version=3), "deleted")
    deleted = await statements_of(
        directory, directory.delete_user("tenant-a", "u1", version=2, revocation=revocation(), event=told)
    )
    for statements in (updated, deleted):
        assert "UPDATE outbox_head" in statements[-4]
        assert statements[-3].startswith("INSERT INTO outbox")
        assert statements[-2].startswith("UPDATE log_head")
        assert statements[-1].startswith("INSERT INTO revocation_log")
    assert added[-1].startswith("INSERT INTO outbox")


async def test_the_usual_steps_take_few_statements(directory: SqlDirectory) -> None:
    await directory.put_code(CodeRecord(b"key", b"right", NOW))
    user = make_user()
    await directory.add_user(user, event=event(user))
    counts = {
        "take": len(await statements_of(directory, directory.take(LIMITS, now_ms=NOW_MS))),
        "filled": len(await statements_of(directory, directory.take(LIMITS, now_ms=NOW_MS))),
        "refused": len(await statements_of(directory, directory.take(LIMITS, now_ms=NOW_MS))),
        "wrong": len(
            await statements_of(directory, directory.guess_code(b"key", code_hash=b"", now=NOW - 1, max_guesses=5))
        ),
        "find_user": len(await statements_of(directory, directory.find_user("tenant-a", username="alice"))),
    }
    assert counts == {"take": 3, "filled": 4, "refused": 2, "wrong": 1, "find_user": 1}


async def test_a_guess_counts_and_locks_in_its_first_statement(directory: SqlDirectory) -> None:
    (only,) = await statements_of(directory, directory.guess_code(b"key", code_hash=b"", now=NOW, max_guesses=5))
    assert only.startswith("INSERT INTO codes")
    assert 'ON CONFLICT ("key") DO UPDATE SET guesses = (codes.guesses + ' in only
    assert "RETURNING" in only
