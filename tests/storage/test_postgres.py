# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL that fails, hangs, restarts, or should not be used at all."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from figures import Tell
from postgres import PASSWORD, PostgresServer, postgres_server
from storage.examples import NOW_MS, make_session, revocation, rotation, tokens, whole_log
from tessera_service.engine.background import Background
from tessera_service.errors import StoreUnavailable
from tessera_service.models import OutboxSize
from tessera_service.storage.base import StoreRefused
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, check, outbox, upgrade
from tessera_service.storage.sql.migrate import head
from tessera_service.storage.sql.schema import metadata

TIMEOUT_MS = 1500
SECONDS = 60 if os.environ.get("TESSERA_FAULTS") == "1" else 6  # of everything at once
RECOVERED_SECONDS = 10  # promised are five
PATIENCE_SECONDS = 20  # for what would never end

T = TypeVar("T")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One that the tests of this file stop and start."""
    running = PostgresServer()
    try:
        running.start()
        yield running
    finally:
        running.remove()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database(template=server.template) as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlSessionStore]:
    opened = SqlSessionStore(SqlDirectory(url, timeout_ms=TIMEOUT_MS))
    await opened.open()
    yield opened
    await opened.close()


async def unavailable_in_time(call: Coroutine[Any, Any, object]) -> None:
    """The call is refused within twice its deadline: the rest is for a busy machine."""
    start = time.monotonic()
    with pytest.raises(StoreUnavailable) as raised:
        await call
    assert time.monotonic() - start < 2 * TIMEOUT_MS / 1000
    assert PASSWORD not in str(raised.value)


@contextmanager
def holding(url: str, statement: str) -> Iterator[None]:
    """Another process that did this and does not end."""
    with psycopg.connect(url) as other:
        other.execute(statement.encode())
        yield
        other.rollback()


async def test_a_hung_server_is_unavailable_in_time_and_answers_when_it_goes_on(
    store: SqlSessionStore, server: PostgresServer
) -> None:
    created = await store.create(make_session())
    with server.hung():
        calls = [store.get("s1"), store.ping(), store.revoke_session("s1", revocation=revocation()), store.ping()]
        await asyncio.gather(*map(unavailable_in_time, [*calls, *(store.ping() for _ in range(20))]))
        await unavailable_in_time(store.create(make_session("s2")))
    found = await recovered(lambda: store.get("s1"))  # what hung ends first
    assert found is not None
    assert found.created_ms == created.created_ms
    ended = await store.revoke_session("s1", revocation=revocation())
    assert ended is not None
    assert [entry.sequence for entry in await whole_log(store)] == [1]


@contextmanager
def hanging_after(server: PostgresServer, monkeypatch: pytest.MonkeyPatch, target: object) -> Iterator[None]:
    """The server hangs as soon as the next connection is made, before it is used."""
    connect = target.connect  # type: ignore[attr-defined]
    with ExitStack() as hung:

        def connect_then_hang(*arguments: Any, **named: Any) -> Any:
            made = connect(*arguments, **named)
            hung.enter_context(server.hung())
            return made

        async def connect_later_then_hang(*arguments: Any, **named: Any) -> Any:
            made = await connect(*arguments, **named)
            hung.enter_context(server.hung())
            return made

        is_async = asyncio.iscoroutinefunction(connect)
        monkeypatch.setattr(target, "connect", connect_later_then_hang if is_async else connect_then_hang)
        yield


async def end(before: set[threading.Thread]) -> None:
    """Returns when every thread of a store is over that was not there before: a process waits for them when it ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := [one for one in {*threading.enumerate()} - before if one.name.startswith("tessera-sql")]:
        assert time.monotonic() < deadline, left
        await asyncio.sleep(0.05)


async def test_a_store_that_is_closed_while_the_server_hangs_leaves_no_thread(server: PostgresServer, url: str) -> None:
    before = {*threading.enumerate()}
    store = SqlSessionStore(SqlDirectory(url, timeout_ms=TIMEOUT_MS))
    await store.open()
    await store.create(make_session())
    with server.hung():
        calls = [store.get("s1"), store.revoke_session("s1", revocation=revocation())]
        await asyncio.gather(*map(unavailable_in_time, [*calls, *(store.ping() for _ in range(8))]))
        await store.close()
        await end(before)


async def test_a_thread_ends_that_hangs_before_anybody_has_its_connection(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {*threading.enumerate()}
    store = SqlSessionStore(SqlDirectory(url, timeout_ms=TIMEOUT_MS))
    await store.open()
    with hanging_after(server, monkeypatch, psycopg):  # the first that writes
        await unavailable_in_time(store.create(make_session()))
        await store.close()
        await end(before)


async def test_what_hears_of_entries_stops_though_the_server_hangs_before_it_listens(
    store: SqlSessionStore, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks, began = Background(), asyncio.Event()
    with hanging_after(server, monkeypatch, psycopg.AsyncConnection):

        async def wait() -> None:
            began.set()
            await store.wait_for_entry(seconds=1)

        tasks.every(0.02, wait, name="hints")
        await began.wait()
        await asyncio.sleep(1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await tasks.stop()


async def recovered(call: Callable[[], Awaitable[T]]) -> T:
    """What a call answers as soon as it is answered."""
    deadline = time.monotonic() + RECOVERED_SECONDS
    while True:
        try:
            return await call()
        except StoreUnavailable:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
async def test_a_restart_of_the_server_needs_none_of_the_service(
    store: SqlSessionStore, server: PostgresServer, how: signal.Signals
) -> None:
    await fill(store)
    await store.revoke_session("s0", revocation=revocation())
    server.stop(how)
    await unavailable_in_time(store.get("s1"))
    await unavailable_in_time(store.create(make_session("s9")))
    server.start()
    sessions = await asyncio.gather(*(recovered(partial(store.get, f"s{number}")) for number in range(8)))
    assert None not in sessions
    rotations = [partial(store.rotate, rotation(f"s{n}-r0", 1, session_id=f"s{n}")) for n in range(1, 8)]
    await asyncio.gather(*map(recovered, rotations))
    assert [entry.key for entry in await whole_log(store)] == ["s0"]
    assert await store.get("s9") is None


async def test_a_restart_between_two_steps_is_not_noticed(store: SqlSessionStore, server: PostgresServer) -> None:
    await fill(store)
    server.stop(signal.SIGQUIT)
    server.start()
    for number in range(8):  # though every connection of the pool is dead
        await store.create(make_session(f"t{number}"))
        assert await store.get(f"t{number}") is not None


async def fill(store: SqlSessionStore) -> None:
    """Sessions s0 to s7, by as many connections as there are."""
    await asyncio.gather(*(recovered(partial(store.purge_log, now=0)) for _ in range(8)))
    await asyncio.gather(*(recovered(partial(store.create, make_session(f"s{number}"))) for number in range(8)))


async def test_connections_that_the_server_ends_are_made_again(store: SqlSessionStore, server: PostgresServer) -> None:
    created = await store.create(make_session())
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tessera'")
    assert await store.get("s1") == created
    assert await store.revoke_session("s1", revocation=revocation()) is not None


async def test_events_wait_for_their_places_and_who_writes_them_does_not(store: SqlSessionStore, url: str) -> None:
    with holding(url, "SELECT seq FROM outbox_head FOR UPDATE"):
        for number in range(3):
            await store.create(make_session(f"s{number}"))
            await store.revoke_session(f"s{number}", revocation=revocation())
        await unavailable_in_time(store.read_outbox(after=0))
    rows = await store.read_outbox(after=0)
    assert [row.sequence for row in rows] == [1, 2, 3, 4, 5, 6]
    told = [f"s{number}.{what}" for number in range(3) for what in ("issued", "revoked")]
    assert [row.event.event_id for row in rows] == told
    assert (await store.outbox_size()).rows == 6
    assert await store.purge_outbox(before_ms=NOW_MS + 10**9) == 6


async def test_a_revocation_of_a_subject_does_not_wait_for_places_nor_gives_them(
    store: SqlSessionStore, server: PostgresServer, url: str
) -> None:
    """However many events nobody could deliver stand before it."""
    for number, subject in enumerate(("alice", "bob", "alice", "alice")):
        await store.create(make_session(f"s{number}", subject=subject, created_ms=NOW_MS + 9 - number))
    with holding(url, "SELECT seq FROM outbox_head FOR UPDATE"):
        assert (await store.revoke_subject("tenant-a", "alice", revocation=revocation())).ended == 3
    waiting = "SELECT count(*) FROM outbox WHERE sequence < 0"
    assert server.execute(waiting, database=url.rsplit("/", 1)[1]) == [(7,)]
    rows = await store.read_outbox(after=0)
    assert [row.sequence for row in rows] == list(range(1, 8))
    assert [row.event.event_id for row in rows[4:]] == ["s3.revoked", "s2.revoked", "s0.revoked"]


async def until_somebody_waits(observer: psycopg.Connection) -> None:
    """For a lock of that database."""
    waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    deadline = time.monotonic() + 2 * TIMEOUT_MS / 1000
    while observer.execute(waits).fetchone() is None:
        assert time.monotonic() < deadline, "nobody waits"
        observer.rollback()  # what is seen of activity stands still within a transaction
        await asyncio.sleep(0.01)


async def test_who_purges_and_who_erases_events_holds_none_while_it_waits_for_the_head(
    store: SqlSessionStore, url: str
) -> None:
    """Else they and who gives places could wait for each other."""
    await fill(store)
    assert await store.read_outbox(after=0)
    with holding(url, "SELECT seq FROM outbox_head FOR UPDATE"):
        for step in (
            store.purge_outbox(before_ms=NOW_MS + 10**9),
            store.erase_events("tenant-a", "alice"),
        ):
            waiting = asyncio.create_task(unavailable_in_time(step))
            with psycopg.connect(url) as other:
                await until_somebody_waits(other)
                assert len(other.execute("SELECT 1 FROM outbox FOR UPDATE NOWAIT").fetchall()) == 8
            await waiting


async def test_events_that_have_no_place_yet_are_of_the_outbox_too(
    store: SqlSessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for its size gives places to some of them only."""
    monkeypatch.setattr(outbox, "_AT_ONCE", 2)
    for number in range(7):
        await store.create(make_session(f"s{number}"))
    for _ in range(5):
        assert await store.outbox_size() == OutboxSize(7, 7, {})
    assert await store.purge_outbox(before_ms=NOW_MS + 10**9) == 7
    await store.create(make_session("s7"))
    assert await store.outbox_size() == OutboxSize(1, 8, {})


async def test_who_waits_for_a_process_that_stopped_leaves_in_time_and_nothing_stays(
    store: SqlSessionStore, url: str
) -> None:
    created = await store.create(make_session())
    with holding(url, "UPDATE log_head SET seq = seq"):
        revoking = [store.revoke_token(token, revocation=revocation()) for token in tokens("s1", 0) * 20]
        await asyncio.gather(*map(unavailable_in_time, revoking))
        assert await store.get("s1") == created
    assert await store.revoke_session("s1", revocation=revocation()) is not None
    log = await whole_log(store)
    assert [entry.sequence for entry in log] == list(range(1, len(log) + 1))


async def test_nothing_of_a_connection_can_make_a_commit_less_durable(store: SqlSessionStore, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as operator:
        operator.execute("ALTER ROLE postgres SET synchronous_commit = off")
        try:
            for lane in (store.database._writer, store.database._reader):
                assert lane is not None
                lane._engine.dispose()
                with lane._engine.connect() as connection:
                    assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
        finally:
            operator.execute("ALTER ROLE postgres RESET synchronous_commit")


async def test_what_reads_cannot_write(store: SqlSessionStore) -> None:
    with pytest.raises(StoreUnavailable):
        await store.database.read(lambda connection: connection.exec_driver_sql("DELETE FROM log_head"))


def test_a_server_that_may_lose_what_it_stored_is_refused(server: PostgresServer, url: str) -> None:
    server.stop()
    server.start("fsync=off")
    try:
        for call in (upgrade, check):
            with pytest.raises(StoreRefused, match="fsync=off"):
                call(url)
    finally:
        server.stop()
        server.start()


def test_a_database_that_keeps_other_text_is_refused() -> None:
    server = postgres_server()
    server.execute("CREATE DATABASE other TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    with pytest.raises(StoreRefused, match="UTF8 is needed"):
        upgrade(server.dsn("other"))


async def test_an_absent_server_and_a_wrong_password_are_unavailable_and_not_repeated() -> None:
    server = postgres_server()
    wrong = server.dsn("postgres").replace(PASSWORD, PASSWORD[::-1])
    for url in (f"postgresql://postgres:{PASSWORD}@127.0.0.1:1/tessera", wrong, server.dsn("absent")):
        with pytest.raises(StoreUnavailable) as raised:
            await SqlDirectory(url).open()
        assert PASSWORD not in str(raised.value)
        assert PASSWORD[::-1] not in str(raised.value)
        assert PASSWORD not in SqlDirectory(url).log_key


# The schema


def test_the_migrations_make_the_tables() -> None:
    server = postgres_server()
    with server.database(template=server.template) as url:
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as connection:
            differences = compare_metadata(MigrationContext.configure(connection), metadata)
        engine.dispose()
    assert differences == []


async def test_an_empty_database_is_filled_or_refused() -> None:
    with postgres_server().database() as url:
        with pytest.raises(StoreRefused, match="upgrade it"):
            await SqlDirectory(url, migrates=False).open()
        with pytest.raises(StoreRefused, match="upgrade it"):
            check(url)
        assert upgrade(url) == upgrade(url) == check(url) == head()
        directory = SqlDirectory(url, migrates=False)
        await directory.open()
        await directory.close()


def test_a_database_of_a_newer_release_is_refused_and_left_alone() -> None:
    server = postgres_server()
    with server.database(template=server.template) as url:
        name = url.rsplit("/", 1)[1]
        server.execute("UPDATE alembic_version SET version_num = '9999'", database=name)
        for call in (upgrade, check):
            with pytest.raises(StoreRefused, match="9999, newer than this release"):
                call(url)
        assert server.execute("SELECT version_num FROM alembic_version", database=name) == [("9999",)]


@pytest.mark.slow
def test_five_processes_that_start_at_once_migrate_once() -> None:
    code = "import sys; from tessera_service.storage.sql import upgrade; sys.stdin.read(1); print(upgrade(sys.argv[1]))"
    server = postgres_server()
    with server.database() as url:
        command = [sys.executable, "-c", code, url]
        started = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(5)
        ]
        for process in started:
            assert process.stdin is not None
            process.stdin.write(b"g")
            process.stdin.flush()
        answers = [process.communicate(timeout=60) for process in started]
        assert [process.returncode for process in started] == [0] * 5, answers
        assert {out.decode().strip() for out, _ in answers} == {head()}
        name = url.rsplit("/", 1)[1]
        assert server.execute("SELECT count(*) FROM log_head", database=name) == [(1,)]
        assert server.execute("SELECT count(*) FROM meta", database=name) == [(1,)]


# Many processes


@pytest.mark.slow
def test_two_processes_that_do_everything_at_once_wait_for_each_other_in_one_order(
    repository: Path, tell: Tell
) -> None:
    """PostgreSQL would end one of two that wait for each other, and counts how often it had to."""
    server = postgres_server()
    paths = os.pathsep.join(filter(None, [str(repository / "tests"), os.environ.get("PYTHONPATH")]))
    with server.database(template=server.template) as url:
        command = [sys.executable, str(Path(__file__).with_name("mixer.py")), url]
        started = [
            subprocess.Popen(
                [*command, name, str(SECONDS)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONPATH": paths},
            )
            for name in ("p", "q")
        ]
        said = [process.communicate(timeout=SECONDS + 120) for process in started]
        assert [process.returncode for process in started] == [0, 0], said[0][1] + said[1][1]
        tell("; ".join(out.strip() for out, _ in said))
        name = url.rsplit("/", 1)[1]
        # Whoever has left has told the statistics.
        ((deadlocks, committed),) = server.execute(
            f"SELECT deadlocks, xact_commit FROM pg_stat_database WHERE datname = '{name}'"
        )
        assert committed
        assert deadlocks == 0, (server.folder / "log").read_text()[-4000:]
        for head_, log in (("log_head", "revocation_log"), ("outbox_head", "outbox")):
            ((seq, newest),) = server.execute(
                f"SELECT seq, (SELECT max(sequence) FROM {log}) FROM {head_}", database=name
            )
            assert newest is None or int(str(newest)) <= int(str(seq))
