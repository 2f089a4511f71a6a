# SPDX-License-Identifier: Apache-2.0
"""run.py [SESSIONS] [FOLDER]: times of the SQLite store among very many sessions, beside the goals, with query plans.

Each line: best and median of several calls through the store (deadline, thread and transaction included), the goal in
milliseconds if there is one, then the plan of every statement of the call.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from million import BUSY, HEAVY, NOW, RETENTION, TENANT, fill, make, told
from sqlalchemy import event

from tessera_service.models import Revocation, SessionLimit, Slide
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, sqlite_url

ROUNDS = 9
REVOCATION = Revocation(NOW * 1000, "benchmark", "admin", NOW + 60)


async def main(number: int, folder: Path) -> None:
    path = folder / "tessera.db"
    start = time.perf_counter()
    fill(path, number)
    print(f"filled {number:,} sessions in {time.perf_counter() - start:.0f} s")
    size = path.stat().st_size
    print(f"database {size / 1e6:,.0f} MB, {size / number:,.0f} B a session, its token and indexes included\n")
    store = SqlSessionStore(SqlDirectory(sqlite_url(path), timeout_ms=60_000))
    await store.open()
    for name, goal, call in calls(store, number):
        await measure(store, path, name, goal, call)
    await store.close()


def calls(store: SqlSessionStore, number: int) -> Iterator[tuple[str, float | None, Callable[[int], Awaitable[Any]]]]:
    """(what, goal in ms, the call of a round)"""

    def page(subject: str | None, *, active_only: bool) -> Callable[[int], Awaitable[Any]]:
        return lambda _: store.list_sessions(TENANT, subject=subject, now=NOW, active_only=active_only, limit=20)

    def create(turn: int) -> Awaitable[Any]:
        session = make(number + 1000 * turn + 1)
        limit = SessionLimit(5, "evict", "gateway", NOW)
        return store.create_limited(session, limit=limit, eviction=REVOCATION)

    def slide(turn: int) -> Awaitable[Any]:
        session = make(11 + 100 * turn)
        newest, after = session.newest, make(number + 100_001 + 10 * turn)
        assert newest is not None
        assert after.newest is not None
        token = after.tokens[0]
        return store.slide(Slide(session.session_id, newest.jti, after.newest, token, NOW + 1800, NOW))

    def touch(turn: int) -> Awaitable[Any]:
        return store.touch({make(1000 * n + 11).session_id: NOW * 1000 + turn for n in range(500)})

    def revoke(subject: Callable[[int], str]) -> Callable[[int], Awaitable[Any]]:
        return lambda turn: store.revoke_subject(TENANT, subject(turn), revocation=REVOCATION)

    yield "a user's active sessions", 5, page("user-7919", active_only=True)
    yield "a user's sessions", 5, page("user-7919", active_only=False)
    yield "a heavy user's active sessions", 5, page(HEAVY, active_only=True)
    yield "a busy user's active sessions", 5, page(BUSY, active_only=True)
    yield "the tenant's newest page", 5, page(None, active_only=False)
    yield "the tenant's newest active page", 5, page(None, active_only=True)
    yield "exact counts", 100, lambda _: store.count_sessions(TENANT, surface="gateway", now=NOW)
    yield "one session", None, lambda turn: store.get(make(turn).session_id)
    yield "create within a limit", None, create
    yield "slide", None, slide
    yield "touch 500", None, touch
    yield "purge of 500", None, lambda _: store.purge(now=NOW, retention_seconds=RETENTION)
    yield "revoke a subject", None, revoke(lambda turn: f"user-{turn}")
    yield "revoke the heavy subject, the first time the worst", None, revoke(lambda _: HEAVY)


async def measure(
    store: SqlSessionStore, path: Path, name: str, goal: float | None, call: Callable[[int], Awaitable[Any]]
) -> None:
    times = []
    with statements_of(store) as statements:
        for turn in range(ROUNDS):
            start = time.perf_counter()
            await call(turn)
            times.append((time.perf_counter() - start) * 1000)
    aim = "" if goal is None else f"   goal {goal:g} ms: {'met' if median(times) <= goal else 'MISSED'}"
    print(f"{name}: best {min(times):.2f} ms, median {median(times):.2f} ms, worst {max(times):.2f} ms{aim}")
    for line in dict.fromkeys(told(statements, path)):
        print(f"    {line}")


@contextmanager
def statements_of(store: SqlSessionStore) -> Iterator[list[tuple[str, Any]]]:
    """Every statement from here on, with its parameters."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            statements.append((statement, parameters))

    lanes = [lane for lane in (store.database._reader, store.database._writer) if lane is not None]
    for lane in lanes:
        event.listen(lane._engine, "before_cursor_execute", note)
    yield statements
    for lane in lanes:
        event.remove(lane._engine, "before_cursor_execute", note)


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    place = Path(tempfile.mkdtemp(prefix="tessera-benchmark-", dir=sys.argv[2] if len(sys.argv) > 2 else None))
    try:
        asyncio.run(main(wanted, place))
    finally:
        shutil.rmtree(place)
