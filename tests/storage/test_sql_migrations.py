# SPDX-License-Identifier: Apache-2.0
"""The schema: migrated once, by whoever comes first, into files that only their owner reads."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from storage.examples import make_session, revocation, whole_log
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import StoreRefused
from tessera_service.storage.sql import (
    SqlDirectory,
    SqlSessionStore,
    check,
    engine,
    migrate,
    sqlite,
    sqlite_url,
    upgrade,
)
from tessera_service.storage.sql.migrate import head
from tessera_service.storage.sql.schema import metadata


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tessera.db"


@pytest.fixture
def any_umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def query(file: Path, sql: str) -> list[Any]:
    """All rows of a statement, by a connection that knows nothing of the stores."""
    connection = sqlite3.connect(file)
    try:
        with connection:
            return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_the_files_of_migrations_are_named_for_them_in_their_order() -> None:
    scripts = ScriptDirectory(str(migrate._FOLDER))
    assert migrate._revisions() == [script.revision for script in scripts.walk_revisions()][::-1]
    assert head() == scripts.get_current_head()


def test_a_database_that_is_up_to_date_is_opened_without_alembic(file: Path) -> None:
    upgrade(f"sqlite:///{file}")
    program = (
        "import sys; from tessera_service.app import upgrade; upgrade(sys.argv[1]); print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{file}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"


def test_whoever_waited_for_another_that_migrates_does_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others write by then: what is done under the lock, they wait for."""
    migrated: list[str] = []

    def note(connection: Any, revision: str) -> None:
        migrated.append(revision)
        _migrate(connection, revision)

    def be_overtaken(connection: Any) -> None:
        monkeypatch.setattr(sqlite, "make_durable", make_durable)
        migrate._upgrade(engine.parse_url(f"sqlite:///{file}"))
        make_durable(connection)

    _migrate, make_durable = migrate._migrate, sqlite.make_durable
    monkeypatch.setattr(migrate, "_migrate", note)
    monkeypatch.setattr(sqlite, "make_durable", be_overtaken)
    assert upgrade(f"sqlite:///{file}") == head()
    assert migrated == [head()]


def test_what_migrates_is_loaded_before_others_have_to_wait(file: Path) -> None:
    program = (
        "import sys; from tessera_service.storage.sql import sqlite, upgrade\n"
        "sqlite.lock_schema = lambda _: print('alembic.command' in sys.modules)\n"
        "upgrade(sys.argv[1])"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{file}"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"


def test_the_tables_are_what_the_migrations_make(file: Path) -> None:
    upgrade(f"sqlite:///{file}")
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_tables_are_made_word_for_word(file: Path, tmp_path: Path) -> None:
    upgrade(f"sqlite:///{file}")
    engine = create_engine(f"sqlite:///{tmp_path}/by-metadata.db")
    metadata.create_all(engine)
    engine.dispose()
    listed = "SELECT type, name, replace(replace(sql, char(9), ''), char(10), '') FROM sqlite_master"
    named = f"{listed} WHERE name NOT LIKE 'alembic%' AND name NOT LIKE 'sqlite_autoindex_alembic%' ORDER BY name"
    assert query(file, named) == query(tmp_path / "by-metadata.db", named)


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(file: Path) -> None:
    assert upgrade(f"sqlite:///{file}") == head()
    before = query(file, "SELECT * FROM meta UNION SELECT log_id, seq FROM log_head")
    assert upgrade(f"sqlite:///{file}") == head()
    assert query(file, "SELECT * FROM meta UNION SELECT log_id, seq FROM log_head") == before
    assert check(f"sqlite:///{file}") == head()


def test_a_database_is_durable_from_its_first_day(file: Path) -> None:
    upgrade(f"sqlite:///{file}")
    assert query(file, "PRAGMA journal_mode") == [("wal",)]


async def test_every_connection_of_a_store_is_durable_and_keeps_references(file: Path) -> None:
    store = SqlDirectory(f"sqlite:///{file}")
    await store.open()
    for lane, query_only in ((store.database._writer, 0), (store.database._reader, 1)):
        assert lane is not None
        with lane._engine.connect() as connection:
            for pragma, value in (("synchronous", 2), ("foreign_keys", 1), ("query_only", query_only)):
                assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one() == 1000
    await store.close()


async def test_a_relative_path_counts_from_the_working_folder_of_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = SqlDirectory("sqlite:///tessera.db")
    monkeypatch.chdir("/")
    assert store.log_key == SqlDirectory(sqlite_url(tmp_path / "tessera.db")).log_key
    await store.open()
    await store.close()
    assert query(tmp_path / "tessera.db", "SELECT seq FROM log_head") == [(0,)]


async def test_a_database_of_a_newer_release_is_refused_and_left_alone(file: Path) -> None:
    url = f"sqlite:///{file}"
    upgrade(url)
    query(file, "UPDATE alembic_version SET version_num = '9999'")
    for call in (upgrade, check):
        with pytest.raises(StoreRefused, match="9999, newer than this release"):
            call(url)
    with pytest.raises(StoreRefused):
        await SqlDirectory(url).open()
    assert query(file, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_a_database_without_a_schema_needs_an_upgrade(file: Path) -> None:
    file.touch()
    with pytest.raises(StoreRefused, match="upgrade"):
        check(f"sqlite:///{file}")


def test_checking_makes_no_file(file: Path) -> None:
    with pytest.raises(StoreUnavailable):
        check(f"sqlite:///{file}")
    assert not file.exists()


def test_checking_finds_damage(file: Path) -> None:
    upgrade(f"sqlite:///{file}")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] + b"\xa5" * (len(content) // 2))
    with pytest.raises(StoreUnavailable):
        check(f"sqlite:///{file}")


@pytest.mark.parametrize("any_umask", [0, 0o022, 0o777], indirect=True, ids=oct)
@pytest.mark.usefixtures("any_umask")
async def test_only_the_owner_reads_the_files(tmp_path: Path) -> None:
    store = SqlSessionStore(SqlDirectory(f"sqlite:///{tmp_path}/data/tessera.db"))
    await store.open()
    await store.create(make_session())
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]
    }
    assert modes == {"data": 0o700, "tessera.db": 0o600, "tessera.db-wal": 0o600, "tessera.db-shm": 0o600}
    await store.close()


async def test_a_folder_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    store = SqlDirectory(f"sqlite:///{tmp_path}/data/tessera.db")
    await store.open()
    await store.close()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o755


@pytest.mark.parametrize("name", ["with space", "50%25", "ä", "a?b", "a#b", "a&mode=ro", "it's"])
async def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    store = SqlDirectory(sqlite_url(tmp_path / name / "tessera.db"))
    await store.open()
    await store.ping()
    await store.close()
    assert query(tmp_path / name / "tessera.db", "SELECT seq FROM log_head") == [(0,)]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nothing",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:x?uri=true",
        "mysql://u:secret@h/d",
        "sqlite:///",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="database URL") as raised:
        SqlDirectory(url)
    assert "secret" not in str(raised.value)


@pytest.mark.slow
def test_five_processes_that_start_at_once_migrate_once(file: Path) -> None:
    script = (
        "import sys; from tessera_service.storage.sql import upgrade; sys.stdin.read(1); print(upgrade(sys.argv[1]))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, f"sqlite:///{file}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(5)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"g")
        process.stdin.flush()
    answers = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0] * 5, answers
    assert {out.decode().strip() for out, _ in answers} == {head()}
    assert query(file, "SELECT count(*) FROM log_head") == [(1,)]
    assert query(file, "SELECT count(*) FROM meta") == [(1,)]


async def test_many_stores_of_one_process_that_open_at_once_migrate_once(file: Path) -> None:
    stores = [SqlDirectory(f"sqlite:///{file}") for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    assert len({await store.directory_id() for store in stores}) == 1
    for store in stores:
        await store.close()


async def test_sessions_and_revocations_outlive_a_restart(file: Path) -> None:
    url = f"sqlite:///{file}"
    store = SqlSessionStore(SqlDirectory(url))
    await store.open()
    await store.create(make_session())
    revoked = await store.revoke_session("s1", revocation=revocation())
    page = await store.read_log(after=0)
    await store.close()
    again = SqlSessionStore(SqlDirectory(url))
    await again.open()
    assert await again.get("s1") == revoked
    assert await again.read_log(after=0) == page
    assert len(await whole_log(again)) == 1
    await again.close()
