# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, as `engine.Product` wants it.

Steps that write are READ COMMITTED and take row locks in one order, so that a statement after a lock sees what its last
holder wrote; a step that reads has one snapshot (REPEATABLE READ), and is on the server that is written to: a standby
may be behind, and a revocation would be unknown there. Every wait has an end, on the server and on the way to it.
"""

from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from tessera_service.storage.base import StoreRefused
from tessera_service.storage.sql.pool import Pool
from tessera_service.storage.sql.postgres_hints import Listener, notify
from tessera_service.storage.sql.postgres_wires import Wires

READERS: Final = 4
WRITERS: Final = 8
OLDEST: Final = 13  # the oldest release that a server may be of

_SCHEMA_LOCK: Final = int.from_bytes(b"tessera\0")  # an advisory lock of this database
# Only a runaway: one step may end all sessions of one subject. Its caller leaves long before.
_STATEMENT_MS: Final = 30_000
_IDLE_MS: Final = 5_000  # a process that stopped inside a transaction lets go of its locks
_IDLE_MIGRATING_MS: Final = 60_000  # what to do is read from files in between
# A server that is gone without a word is noticed in about five seconds.
_NETWORK: Final = {
    "connect_timeout": 2,
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}


def parse_url(text: str) -> URL:
    """The URL of a database. ValueError as `engine.parse_url`."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise ValueError("the database URL is none: expected postgresql://USER@HOST/DATABASE") from None
    if url.drivername not in ("postgresql", "postgresql+psycopg") or not url.database:
        raise ValueError("the database URL has to name a database: expected postgresql://USER@HOST/DATABASE")
    if not url.query.keys().isdisjoint(("password", "sslpassword")):
        raise ValueError("the database URL has a password where it would be shown: put it before the host")
    return url.set(drivername="postgresql+psycopg")


def prepare(url: URL) -> None:
    """Nothing: who runs the server makes the database."""


def check_server(connection: Connection) -> None:
    """StoreRefused for a server that is too old, keeps text in another way, or may lose what it said it stored."""
    version, encoding, fsync = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'), "
        "current_setting('fsync')"
    ).one()
    if version < OLDEST * 10_000:
        raise StoreRefused(f"PostgreSQL {version // 10_000} is too old: {OLDEST} or later is needed")
    if encoding != "UTF8":
        raise StoreRefused(f"the database has the encoding {encoding}: UTF8 is needed")
    if fsync != "on":
        raise StoreRefused("PostgreSQL runs with fsync=off, which loses revocations when the machine stops")


def make_durable(connection: Connection) -> None:
    """Nothing: every connection asks for it (`synchronous_commit`)."""


def lock_schema(connection: Connection) -> None:
    """Waits for another process that migrates."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})")


def check_integrity(connection: Connection) -> bool:  # noqa: ARG001 -- as every product has it
    """Nothing is read: the server has checksums and tools of its own."""
    return True


def sync_engine(url: URL, *, writes: bool, timeout_ms: int) -> Engine:
    """One connection at a time, for migrations, which may take as long as they need once they have their locks."""
    arguments = _connect_args(wait_ms=timeout_ms, statement_ms=0, idle_ms=_IDLE_MIGRATING_MS)
    return _tuned(create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments), writes=writes)


def pool(url: URL, *, writes: bool, timeout_ms: int) -> Pool:
    """Connections that stay; one that was lost is found out by its next step, which then runs on another."""
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=slots(writes=writes),
        max_overflow=0,
        hide_parameters=True,
        connect_args=_connect_args(wait_ms=timeout_ms, statement_ms=_STATEMENT_MS, idle_ms=_IDLE_MS),
    )
    return Pool(_tuned(engine, writes=writes), Wires(engine).cut)


def listener(url: URL) -> Listener:
    """One connection more, which carries nothing else."""
    settings = {"target_session_attrs": "read-write", "fallback_application_name": "tessera"}
    _, own = url.get_dialect()().create_connect_args(url)
    return Listener(**{**own, **_NETWORK, **settings})


def hint(connection: Connection) -> None:
    """As soon as this transaction is committed."""
    notify(connection)


def slots(*, writes: bool) -> int:
    """How many connections of a kind there are in a process."""
    return WRITERS if writes else READERS


def _connect_args(*, wait_ms: int, statement_ms: int, idle_ms: int) -> dict[str, Any]:
    settings = {
        "synchronous_commit": "on",  # whatever is set for the server, the database or the role
        "lock_timeout": wait_ms,
        "statement_timeout": statement_ms,
        "idle_in_transaction_session_timeout": idle_ms,
    }
    return _NETWORK | {
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "client_encoding": "utf8",
        "target_session_attrs": "read-write",
        "fallback_application_name": "tessera",
    }


def _tuned(engine: Engine, *, writes: bool) -> Engine:
    from psycopg import IsolationLevel  # an extra

    level = IsolationLevel.READ_COMMITTED if writes else IsolationLevel.REPEATABLE_READ

    @event.listens_for(engine, "connect")
    def _connected(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = level
        connection.read_only = not writes

    event.listen(engine, "handle_error", _quieten)
    return engine


def _quieten(context: ExceptionContext) -> None:
    """Leaves out of an error what the server quotes from rows."""
    primary = getattr(getattr(context.original_exception, "diag", None), "message_primary", None)
    if primary is None:  # the server said nothing, such as when there is none
        return
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            error.args = (primary, *error.args[1:])
