# SPDX-License-Identifier: Apache-2.0
"""A SQLite database with very many sessions, filled without signing anything: rows as the store writes them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final

from tessera_service.models import Newest, Revocation, Session, SessionMetadata, TokenKind, TokenRecord
from tessera_service.storage import rules
from tessera_service.storage.sql import sqlite_url, upgrade
from tessera_service.storage.sql.rows import session_values, token_values
from tessera_service.storage.sql.schema import session_tokens, sessions, subjects

NOW: Final = 1_800_000_000
RETENTION: Final = 30 * 86_400
TENANT: Final = "tenant-a"
SUBJECTS: Final = 100_000
HEAVY: Final = "heavy"  # one of a hundred sessions, all live
BUSY: Final = "busy"  # one of a hundred sessions, all over
_BATCH: Final = 20_000
_INDEXES: Final = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    " AND tbl_name IN ('sessions', 'session_tokens')"
)


def fill(path: Path, number: int) -> None:
    """`number` sessions of one tenant: of ten, six are live, two expired, one is revoked, one is ready to go."""
    upgrade(sqlite_url(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-200000")
        names = ((TENANT, subject, 0) for subject in (HEAVY, BUSY, *(f"user-{n}" for n in range(SUBJECTS))))
        indexes = connection.execute(_INDEXES).fetchall()  # made at the end: much quicker than row by row
        with connection:
            connection.executemany(_insert(subjects, ["tenant_id", "subject", "cutoff_ms"]), names)
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}")
        made = (make(n) for n in range(number))
        while batch := list(islice(made, _BATCH)):
            with connection:
                _store(connection, batch)
        for _, statement in indexes:
            connection.execute(statement)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def make(number: int) -> Session:
    """The session `number`, as the store keeps it: most are the gateway's, created one millisecond after the other."""
    session_id = f"{number:08x}-0000-7000-8000-{number * 2654435761 % 2**48:012x}"
    subject = {7: HEAVY, 8: BUSY}.get(number % 100, f"user-{number * 7919 % SUBJECTS}")
    over_at = {8: NOW - 3600, 9: NOW - 60, 0: NOW - RETENTION - 1}.get(number % 10, NOW + 60 + number % 1740)
    token = TokenRecord(f"{session_id}-t", session_id, TENANT, subject, TokenKind.ACCESS, over_at)
    session = Session(
        session_id=session_id,
        tenant_id=TENANT,
        subject=subject,
        surface="token" if number % 10 == 5 else "gateway",
        auth_method="gateway",
        client_id="dx-vas",
        scope="",
        permissions=("doc.read", "doc.write"),
        roles=("teacher",),
        username=subject,
        metadata=SessionMetadata(ip_address="203.0.113.9", user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"),
        created_ms=(NOW - 7200) * 1000 + number,
        expires_at=over_at,
        ends_at=NOW + 90 * 86_400,
        refresh_jti=None,
        tokens=(token,),
        last_activity_ms=(NOW - 7200) * 1000 + number,
        span_seconds=1800,
        newest=Newest(token.jti, over_at, b'{"payload":"%s"}' % (b"x" * 350), "k" * 43),
    )
    if number % 10 == 6:
        return rules.ended(session, Revocation((NOW - 600) * 1000, "manual", subject, NOW))
    return session


def _store(connection: sqlite3.Connection, batch: list[Session]) -> None:
    rows = [session_values(session) for session in batch]
    connection.executemany(_insert(sessions, list(rows[0])), [tuple(row.values()) for row in rows])
    tokens = [row for session in batch for row in token_values(session.tokens)]
    connection.executemany(_insert(session_tokens, list(tokens[0])), [tuple(row.values()) for row in tokens])


def _insert(table: Any, columns: list[str]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


def told(statements: list[tuple[str, Any]], path: Path) -> Iterator[str]:
    """How SQLite goes about each statement."""
    with closing(sqlite3.connect(path)) as connection:
        for statement, parameters in statements:
            one = parameters[0] if isinstance(parameters, list) else parameters
            yield from (str(row[3]) for row in connection.execute("EXPLAIN QUERY PLAN " + statement, one))
