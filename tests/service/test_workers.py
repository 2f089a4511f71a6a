# SPDX-License-Identifier: Apache-2.0
"""How workers are watched over, with workers that do nothing but live, die or refuse to start."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from sleeper import Hanger, Sleeper
from tessera_service.server import workers
from tessera_service.server.workers import MAX_DEATHS, Workers, WorkersFailed

pytestmark = pytest.mark.slow

REFUSALS = MAX_DEATHS + 1


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "RETRY_SECONDS", 0.1)


def alive(folder: Path) -> set[int]:
    return {pid for path in folder.glob("pid-*") if _is_running(pid := int(path.name.removeprefix("pid-")))}


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def run_two(worker: Sleeper | Hanger, bound: socket.socket, script: Callable[[], None]) -> list[Any]:
    """Runs two workers, and `script` beside them once both serve. The log."""
    thread = threading.Thread(target=script)
    try:
        with capture_logs() as logs:
            Workers(worker, bound, count=2).run(on_ready=thread.start)
    finally:
        if thread.ident is not None:
            thread.join()
    return logs


@pytest.mark.parametrize("ends", ["refuses", "dies"])
def test_a_replacement_that_cannot_start_is_tried_again_and_the_others_go_on(
    tmp_path: Path, bound: socket.socket, ends: str
) -> None:
    kept: list[int] = []

    def script() -> None:
        try:
            killed, other = sorted(alive(tmp_path))
            for number in range(REFUSALS):
                (tmp_path / f"refusal-{number}").touch()
            os.kill(killed, signal.SIGKILL)
            until(lambda: len(list(tmp_path.glob("pid-*"))) == 2 + REFUSALS + 1)  # and one that could
            until(lambda: len(alive(tmp_path)) == 2)
            kept.extend({other} & alive(tmp_path))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    logs = run_two(Sleeper(tmp_path, ends), bound, script)

    assert len(kept) == 1
    assert [log["event"] for log in logs].count("worker_start_failed") == REFUSALS
    assert not alive(tmp_path)


def test_replacements_that_never_start_end_the_service(tmp_path: Path, bound: socket.socket) -> None:
    def script() -> None:
        for number in range(20):
            (tmp_path / f"refusal-{number}").touch()
        for worker in alive(tmp_path):
            os.kill(worker, signal.SIGKILL)
        until(lambda: len(alive(tmp_path)) == 0)

    with pytest.raises(WorkersFailed, match="5 workers died within a minute"):
        run_two(Sleeper(tmp_path), bound, script)

    # Two deaths and three attempts; one more if the second death was not seen yet when the first was to be replaced.
    assert len(list(tmp_path.glob("refusal-*"))) in (16, 17)


def test_a_first_worker_that_cannot_start_says_why(tmp_path: Path, bound: socket.socket) -> None:
    (tmp_path / "refusal-0").touch()

    with pytest.raises(WorkersFailed, match="the database does not answer"):
        Workers(Sleeper(tmp_path), bound, count=2).run(on_ready=lambda: None)


def test_a_worker_that_hangs_in_the_end_can_show_where(
    bound: socket.socket, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Before its parent kills it, which shows nothing."""
    monkeypatch.setattr(workers, "END_SECONDS", 1)

    logs = run_two(Hanger(1), bound, lambda: os.kill(os.getpid(), signal.SIGTERM))

    assert "worker_killed" not in [log["event"] for log in logs]
    assert capfd.readouterr().err.count("Timeout (0:00:01)!") == 2
