# SPDX-License-Identifier: Apache-2.0
"""Two processes on one port and one database."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from e2e.conftest import Start
from e2e.process import ALL, Client, ServiceProcess, run

pytestmark = pytest.mark.slow


def test_what_one_worker_revokes_the_other_refuses_within_a_second(start_service: Start, tmp_path: Path) -> None:
    service = start_service("--workers", "2", data_dir=tmp_path / "data", RATE_LIMIT="off")  # one makes all there is
    client = Client(service, service.mint(*ALL))
    issued = [client.issue(f"user-{number}") for number in range(3)]
    with ThreadPoolExecutor(8) as pool:  # both have every session in memory
        answers = list(pool.map(lambda one: client.introspect(one["access_token"])["active"], issued * 20))
    assert all(answers)

    for one in issued:
        assert client.revoke(session_id=one["session_id"]).status_code == 204
    time.sleep(1.0)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: client.introspect(one["access_token"])["active"], issued * 20))

    assert not any(answers)
    assert len(_workers(service)) == 2


def test_a_worker_that_dies_is_replaced(start_service: Start) -> None:
    service = start_service("--workers", "2")
    first = _workers(service)

    os.kill(next(iter(first)), signal.SIGKILL)
    deadline = time.monotonic() + 30
    while len(_workers(service) - first) != 1 and time.monotonic() < deadline:
        time.sleep(0.1)

    assert len(_workers(service)) == 2
    assert httpx.get(f"{service.url}/livez").status_code == 200
    assert service.stop() == 0
    assert [event["event"] for event in service.events].count("worker_died") == 1


def test_workers_end_when_their_parent_is_killed(start_service: Start) -> None:
    service = start_service("--workers", "2")
    workers = _workers(service)

    service.send(signal.SIGKILL)
    service.wait()
    deadline = time.monotonic() + 15
    while any(map(_is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)

    assert not any(map(_is_running, workers))


def test_workers_do_not_share_memory(tmp_path: Path) -> None:
    arguments = ("--port", "0", "--workers", "2", "--data-dir", str(tmp_path))
    done = run("serve", *arguments, settings={"SESSION_STORAGE_TYPE": "memory"})

    assert done.returncode == 2
    assert done.stderr.startswith("tessera: SESSION_STORAGE_TYPE: memory is one process's own")
    assert done.stderr.count("\n") == 1


def _workers(service: ServiceProcess) -> set[int]:
    """Children of the service that run Python workers (spawning also starts a resource tracker)."""
    children = Path(f"/proc/{service.pid}/task/{service.pid}/children").read_text().split()
    return {int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()}


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
