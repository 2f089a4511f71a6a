# SPDX-License-Identifier: Apache-2.0
"""SQLite, as `engine.Product` wants it.

WAL and `synchronous=FULL`, so that what was committed survives power loss; every writing transaction is BEGIN
IMMEDIATE, so that it never starts reading what it then may not write. The driver's own transaction handling is off: it
would begin late and deferred.
"""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from tessera_service.storage.base import StoreRefused
from tessera_service.storage.sql.pool import Pool

READERS: Final = 4
_WAL_WAIT_SECONDS: Final = 10.0
_ASK_SECONDS: Final = 0.002  # between two attempts to begin writing while another process does


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file: what its name has of `%`, `?` and the like is escaped."""
    return "sqlite:///" + quote(str(path))


def parse_url(text: str) -> URL:
    """The URL of a database that can be used, with an absolute path. ValueError says what is wrong, without the URL,
    which may hold a password."""
    scheme, separator, rest = text.partition("://")
    if scheme not in ("sqlite", "sqlite+aiosqlite") or not separator:
        raise ValueError("the database URL is none of SQLite: expected sqlite:///PATH")
    path = unquote(rest.removeprefix("/"))
    if not rest.startswith("/") or "?" in rest or not path or path.startswith(":"):
        raise ValueError("the database URL has to name a file and nothing else: expected sqlite:///PATH")
    return URL.create("sqlite", database=str(Path(path).absolute()))


def prepare(url: URL) -> None:
    """Creates the file if it is missing, readable by its owner alone, and its folder likewise. OSError if it cannot."""
    path = _path(url)
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.parent.chmod(0o700)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, 0o600)  # the umask may have taken more away
    finally:
        os.close(descriptor)


def make_durable(connection: Connection) -> None:
    """Switches the database to WAL, once for its life. Outside of a transaction. StoreRefused if that is impossible
    here, OSError if it fails."""
    deadline = time.monotonic() + _WAL_WAIT_SECONDS
    driver: Any = connection.connection.driver_connection
    while True:
        try:
            mode = driver.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            # Another process switches at this moment: SQLite does not wait for it by itself.
            if not _is_busy(error) or time.monotonic() > deadline:
                raise OSError("the database cannot be switched to a write-ahead log") from error
            time.sleep(0.02)
            continue
        if mode != "wal":
            raise StoreRefused(f"the database cannot use a write-ahead log here (journal_mode={mode})")
        return


def check_server(connection: Connection) -> None:
    """Nothing: there is no server."""


def lock_schema(connection: Connection) -> None:
    """Nothing: a transaction that writes is alone."""


def check_integrity(connection: Connection) -> bool:
    """Whether the database finds itself undamaged; reads all of it."""
    return [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(1)")] == ["ok"]


def sync_engine(url: URL, *, writes: bool, timeout_ms: int) -> Engine:
    """One connection at a time, for migrations."""
    engine = create_engine(
        _file_url(url, "sqlite"), poolclass=NullPool, hide_parameters=True, connect_args=_connect_args(timeout_ms)
    )
    _tune(engine, _path(url), wait_seconds=timeout_ms / 1000 if writes else None)
    return engine


def pool(url: URL, *, writes: bool, timeout_ms: int) -> Pool:
    """The one connection that writes, or the few that read. Both wait for other processes for `timeout_ms`."""
    engine = create_engine(
        _file_url(url, "sqlite"),
        poolclass=QueuePool,
        pool_size=slots(writes=writes),
        max_overflow=0,
        hide_parameters=True,
        connect_args=_connect_args(timeout_ms),
    )
    _tune(engine, _path(url), wait_seconds=timeout_ms / 1000 if writes else None)
    return Pool(engine, _cut_nothing)


def listener(url: URL) -> None:
    """Nobody: processes that share a file cannot tell each other."""


def hint(connection: Connection) -> None:
    """Nothing: nobody listens."""


def slots(*, writes: bool) -> int:
    """How many connections of a kind there are in a process: SQLite has one writer at a time anyway."""
    return 1 if writes else READERS


def _cut_nothing() -> None:
    """Every wait for a file has its end."""


def _path(url: URL) -> Path:
    return Path(url.database or "")


def _file_url(url: URL, driver: str) -> URL:
    # mode=rw: a file that vanished must not come back empty.
    return URL.create(driver, database=_path(url).as_uri(), query={"mode": "rw", "uri": "true"})


def _connect_args(timeout_ms: int) -> dict[str, Any]:
    return {"timeout": timeout_ms / 1000}


def _tune(engine: Engine, path: Path, *, wait_seconds: float | None) -> None:
    """`wait_seconds`: how long a transaction waits for its turn to write; None: it only reads."""
    pragmas = ["PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON"]
    if wait_seconds is None:
        pragmas.append("PRAGMA query_only=ON")

    @event.listens_for(engine, "connect")
    def _connected(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.info["file"] != _identity(path):
            # What is written to a file without a name is lost with the process.
            raise OSError("the database file was removed or replaced")
        if wait_seconds is None:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection, time.monotonic() + wait_seconds)


def _begin_writing(connection: Connection, deadline: float) -> None:
    """SQLite's own wait asks less and less often, at last every 100 ms: it never finds the moment between two
    transactions of a process that has many to do."""
    driver: Any = connection.connection.driver_connection
    wait_ms = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while not _began(driver, deadline):
            time.sleep(_ASK_SECONDS)
    finally:
        driver.execute(f"PRAGMA busy_timeout={wait_ms}")


def _began(driver: Any, deadline: float) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not _is_busy(error) or time.monotonic() > deadline:
            raise
        return False
    return True


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
