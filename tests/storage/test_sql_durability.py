# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there after kill -9, and what was not is whole or absent."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from storage.examples import NOW, whole_log
from storage.stores import database_url
from tessera_service.models import LogEntry, SessionStatus
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, check

ROUNDS = 20 if os.environ.get("TESSERA_FAULTS") == "1" else 6


@pytest.mark.slow
def test_no_acknowledged_revocation_is_lost_to_a_kill(product: str, tmp_path: Path, repository: Path) -> None:
    chance = random.Random(3)
    acknowledged: list[tuple[str, str]] = []
    with database_url(product, tmp_path) as url:
        for turn in range(ROUNDS):
            acknowledged += killed(url, turn, repository, after=chance.random() * 0.3)
            check(url)
            entries = asyncio.run(log_of(url, acknowledged[-200:]))
            assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))
            assert set(acknowledged) <= {(entry.kind.value, entry.key) for entry in entries}
    assert len(acknowledged) >= ROUNDS // 2


def killed(url: str, turn: int, repository: Path, *, after: float) -> list[tuple[str, str]]:
    """Runs a revoker, kills it `after` seconds of work, in every other turn after it acknowledged something, and
    returns what it acknowledged."""
    paths = os.pathsep.join(filter(None, [str(repository / "tests"), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("revoker.py")), url, str(turn)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready \n"
    first = process.stdout.readline() if turn % 2 else b""
    timer = threading.Timer(after, process.send_signal, [signal.SIGKILL])
    timer.start()
    said = (first + process.stdout.read()).decode()
    assert process.wait(timeout=60) == -signal.SIGKILL
    timer.join()
    whole_lines = said[: said.rfind("\n") + 1].splitlines()
    return [(kind, key) for kind, key in (line.split(" ") for line in whole_lines)]


async def log_of(url: str, acknowledged: list[tuple[str, str]]) -> list[LogEntry]:
    """The whole log, after a look at some of what was acknowledged."""
    store = SqlSessionStore(SqlDirectory(url, timeout_ms=30_000))
    await store.open()
    for kind, key in acknowledged:
        if kind == "jti":
            name = key.removesuffix("-a0")
            state = await store.read_state(session_id=name, jti=key)
            assert state.jti_revoked
        else:
            session = await store.get(key)
            assert session is not None
            assert session.status(NOW) is SessionStatus.REVOKED
            assert None not in [await store.find_token(f"{key}-{jti}") for jti in ("a0", "r0", "a1", "r1")]
    entries = list(await whole_log(store))
    await store.close()
    return entries
