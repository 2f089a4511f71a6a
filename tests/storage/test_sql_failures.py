# SPDX-License-Identifier: Apache-2.0
"""SQLite that fails: StoreUnavailable in time, and the next call works once the cause is gone."""

import asyncio
import random
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from storage.examples import NOW, make_session, revocation, rotation, tokens, whole_log
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore

TIMEOUT_MS = 1000  # the deadline of these tests, shorter than in service; the same code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tessera.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqlSessionStore]:
    opened = SqlSessionStore(SqlDirectory(f"sqlite:///{file}", timeout_ms=TIMEOUT_MS))
    await opened.open()
    yield opened
    await opened.close()


async def unavailable_in_time(call: Coroutine[Any, Any, object]) -> None:
    """The call is refused within twice its deadline: the rest is for a busy machine."""
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await call
    assert time.monotonic() - start < 2 * TIMEOUT_MS / 1000


@contextmanager
def locked(file: Path, *, alone: bool = False) -> Iterator[None]:
    """Another process that writes and does not end; `alone`: one that lets nobody read either."""
    other = sqlite3.connect(file, isolation_level=None)
    if alone:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE log_head SET seq = seq")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def test_a_locked_database_is_unavailable_for_writing_and_read_all_the_same(
    store: SqlSessionStore, file: Path
) -> None:
    created = await store.create(make_session())
    with locked(file):
        await unavailable_in_time(store.create(make_session("s2")))
        await unavailable_in_time(store.rotate(rotation("s1-r0", 1)))
        await unavailable_in_time(store.revoke_session("s1", revocation=revocation()))
        assert await store.get("s1") == created
        await store.ping()
    assert await store.get("s2") is None
    assert (await store.revoke_session("s1", revocation=revocation())) is not None


async def test_many_callers_of_a_locked_database_all_leave_in_time(store: SqlSessionStore, file: Path) -> None:
    with locked(file):
        await asyncio.gather(*(unavailable_in_time(store.create(make_session(f"s{n}"))) for n in range(50)))
    await store.create(make_session("s100"))
    late = [n for n in range(50) if await store.get(f"s{n}") is not None]
    assert len(late) <= 1  # the one that held the writer when its caller left; the others took no step


async def test_a_database_that_another_process_keeps_to_itself_is_unavailable(
    store: SqlSessionStore, file: Path
) -> None:
    created = await store.create(make_session())
    for lane in (store.database._reader, store.database._writer):
        lane._engine.dispose()  # type: ignore[union-attr]
    with locked(file, alone=True):
        await unavailable_in_time(store.get("s1"))
        await unavailable_in_time(store.create(make_session("s2")))
        await unavailable_in_time(store.ping())
    assert await store.get("s1") == created
    await store.create(make_session("s2"))


async def test_a_missing_folder_of_the_folder_is_unavailable_until_it_is_there(tmp_path: Path) -> None:
    store = SqlSessionStore(SqlDirectory(f"sqlite:///{tmp_path}/missing/data/tessera.db", timeout_ms=TIMEOUT_MS))
    with pytest.raises(StoreUnavailable):
        await store.open()
    with pytest.raises(StoreUnavailable):
        await store.ping()
    (tmp_path / "missing").mkdir()
    await store.open()
    await store.create(make_session())
    await store.close()


async def test_a_file_that_is_no_database_is_unavailable_and_left_alone(file: Path) -> None:
    write(file, b"not a database " * 1000)
    store = SqlSessionStore(SqlDirectory(f"sqlite:///{file}", timeout_ms=TIMEOUT_MS))
    with pytest.raises(StoreUnavailable):
        await store.open()
    assert read(file) == b"not a database " * 1000


async def test_a_damaged_database_is_unavailable_never_empty(store: SqlSessionStore, file: Path) -> None:
    for number in range(50):
        await store.create(make_session(f"s{number}"))
    await store.close()
    pages = read(file)
    write(file, pages[:4096] + b"\xa5" * (len(pages) - 4096))
    with pytest.raises(StoreUnavailable):
        await store.open()
    with pytest.raises(StoreUnavailable):
        await store.get("s1")
    write(file, pages)
    await store.open()
    assert await store.get("s1") is not None


async def test_damage_that_open_does_not_see_is_unavailable_too(store: SqlSessionStore, file: Path) -> None:
    for number in range(50):
        await store.create(make_session(f"s{number}", subject=f"user-{number}"))
    await store.close()
    pages = read(file)
    used = 4096 * first_page_of("sessions", file)
    write(file, pages[: used - 4096] + b"\xa5" * 4096 + pages[used:])
    await store.open()
    await unavailable_in_time(store.get("s1"))
    await unavailable_in_time(store.revoke_session("s1", revocation=revocation()))
    await unavailable_in_time(store.rotate(rotation("s1-r0", 1)))


def read(file: Path) -> bytes:
    return file.read_bytes()


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def first_page_of(table: str, file: Path) -> int:
    """The number, from 1, of the page with which a table starts."""
    other = sqlite3.connect(file)
    [(page,)] = other.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [table])
    other.close()
    assert isinstance(page, int)
    return page


async def test_a_full_disk_is_unavailable_and_nothing_is_half_done(store: SqlSessionStore, file: Path) -> None:
    await store.create(make_session())
    wal = file.with_name(file.name + "-wal")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 5000, hard))
    try:
        await unavailable_in_time(store.create(make_session("s2")))
        await unavailable_in_time(store.revoke_session("s1", revocation=revocation()))
        session = await store.get("s1")
        assert session is not None
        assert session.revoked_ms is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert await store.get("s2") is None
    assert await store.find_token("s2-a0") is None
    assert await whole_log(store) == ()
    await store.create(make_session("s2"))
    assert await store.revoke_session("s1", revocation=revocation()) is not None


async def test_a_database_that_may_not_grow_is_unavailable(store: SqlSessionStore) -> None:
    engine = store.database._writer._engine  # type: ignore[union-attr]

    def limit(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    event.listen(engine, "begin", limit)
    await unavailable_in_time(store.create(replace(make_session("s1"), scope="x" * 100_000)))
    event.remove(engine, "begin", limit)
    await store.create(make_session("s1"))


async def test_a_file_that_vanished_takes_no_more_writes(store: SqlSessionStore, file: Path) -> None:
    await store.create(make_session())
    move(file, file.with_name("away.db"))
    await unavailable_in_time(store.revoke_session("s1", revocation=revocation()))
    await unavailable_in_time(store.get("s1"))
    await unavailable_in_time(store.ping())
    move(file.with_name("away.db"), file)
    assert await store.revoke_session("s1", revocation=revocation()) is not None


async def test_a_file_that_was_replaced_takes_no_more_writes(store: SqlSessionStore, file: Path) -> None:
    await store.create(make_session())
    move(file, file.with_name("away.db"))
    write(file, b"")
    await unavailable_in_time(store.revoke_session("s1", revocation=revocation()))
    await unavailable_in_time(store.get("s1"))
    await unavailable_in_time(store.ping())


def move(file: Path, to: Path) -> None:
    file.rename(to)


async def test_a_step_that_hangs_does_not_hold_its_caller(store: SqlSessionStore) -> None:
    def hang(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        driver.create_function("hang", 0, lambda: time.sleep(3.5 * TIMEOUT_MS / 1000))
        connection.exec_driver_sql("SELECT hang()").all()

    await unavailable_in_time(store.database.write(hang))
    await unavailable_in_time(store.create(make_session()))
    assert await store.get("s1") is None  # readers do not wait for it
    for _ in range(60):
        try:
            await store.create(make_session())
        except StoreUnavailable:
            continue
        except ValueError:  # the one before was done after all, as its caller left
            pass
        break
    assert await store.get("s1") is not None


async def test_closing_waits_for_what_is_in_flight(store: SqlSessionStore) -> None:
    calls = [asyncio.create_task(store.create(make_session(f"s{number}"))) for number in range(20)]
    await asyncio.sleep(0.01)
    await store.close()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(not isinstance(result, BaseException) or isinstance(result, StoreUnavailable) for result in results)
    await store.open()
    for number, result in enumerate(results):
        if not isinstance(result, BaseException):
            assert await store.get(f"s{number}") == result


async def test_a_row_that_cannot_be_read_is_unavailable(store: SqlSessionStore, file: Path) -> None:
    await store.create(make_session())
    with sqlite3.connect(file) as other:
        other.execute("UPDATE sessions SET permissions = '{'")
    other.close()
    await unavailable_in_time(store.get("s1"))
    await unavailable_in_time(store.rotate(rotation("s1-r0", 1)))
    await store.create(make_session("s2"))


async def test_an_error_shows_nothing_that_was_stored(store: SqlSessionStore, file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("DROP TABLE session_tokens")
    other.close()
    with pytest.raises(StoreUnavailable) as raised:
        await store.create(make_session())
    chain: BaseException | None = raised.value
    while chain is not None:
        assert "s1-a0" not in str(chain)
        assert "203.0.113.9" not in str(chain)
        chain = chain.__cause__ or chain.__context__


async def test_callers_that_are_cancelled_anywhere_leave_whole_steps_and_a_free_writer(store: SqlSessionStore) -> None:
    chance = random.Random(20)
    await store.create(make_session())

    async def one(number: int) -> None:
        name = f"c{number}"
        await store.create(make_session(name))
        await store.rotate(rotation(f"{name}-r0", 1, session_id=name))
        await store.revoke_token(tokens(name, 1)[0], revocation=revocation())
        await store.revoke_session(name, revocation=revocation())
        await store.read_log(after=0)

    for number in range(150):
        task = asyncio.create_task(one(number))
        await asyncio.sleep(chance.random() * 0.012)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() or task.exception() is None  # unless it was faster
    await store.create(make_session("last"))
    assert store.database._writer._slots._value == 1  # type: ignore[union-attr]
    await check_whole(store, 150)


async def check_whole(store: SqlSessionStore, number_of_sessions: int) -> None:
    """Every session has its tokens, every revocation its entry, and the log no gap."""
    entries = await whole_log(store)
    assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
    logged = {entry.key for entry in entries}
    found = 0
    for name in (f"c{number}" for number in range(number_of_sessions)):
        session = await store.get(name)
        if session is None:
            assert await store.find_token(f"{name}-a0") is None
            continue
        found += 1
        pairs = tokens(name, 0) + tokens(name, 1)
        known = [await store.find_token(token.jti) for token in pairs]
        assert known == [*pairs[:2], *(pairs[2:] if session.spent else (None, None))]
        assert (session.revoked_ms is not None) is (name in logged)
        assert session.status(NOW).value == ("revoked" if name in logged else "active")
    assert found > 0
