# SPDX-License-Identifier: Apache-2.0
"""/metrics of two processes on one port: whoever is asked answers for both."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from e2e.conftest import Start
from e2e.process import ALL, Client, ServiceProcess

pytestmark = pytest.mark.slow

INTROSPECTED = "tessera_introspections_total"
ISSUED = "tessera_tokens_issued_total"


def read(service: ServiceProcess) -> dict[str, float]:
    """The values of each name, added up over its labels; by a connection of its own, so by any worker."""
    values: dict[str, float] = {}
    for family in text_string_to_metric_families(httpx.get(f"{service.url}/metrics", timeout=10).text):
        for sample in family.samples:
            values[sample.name] = values.get(sample.name, 0) + sample.value
    return values


def introspected_by(folder: Path) -> dict[int, float]:
    """What each worker's own file says."""
    found = {}
    for path in folder.glob("counter_*.db"):
        metrics = MultiProcessCollector.merge([str(path)])  # type: ignore[no-untyped-call]
        samples = (sample for metric in metrics for sample in metric.samples if sample.name == INTROSPECTED)
        found[int(path.stem.removeprefix("counter_"))] = sum(sample.value for sample in samples)
    return found


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the service makes its temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


@pytest.fixture
def service(start_service: Start, temporary: Path) -> ServiceProcess:
    return start_service("--workers", "2", RATE_LIMIT="off", TMPDIR=str(temporary))


def shared_folder(temporary: Path) -> Path:
    (folder,) = temporary.glob("tessera-metrics-*")
    return folder


def resident_bytes(temporary: Path) -> list[int]:
    """Of each worker."""
    statms = [Path(f"/proc/{pid}/statm").read_text() for pid in workers(temporary)]
    return [int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") for statm in statms]


def workers(temporary: Path) -> list[int]:
    """Their process ids."""
    pids = [int(path.stem.rsplit("_", 1)[1]) for path in shared_folder(temporary).glob("gauge_livesum_*.db")]
    assert len(pids) == 2
    return pids


def introspect_until_both_did(service: ServiceProcess, folder: Path) -> float:
    """How often."""
    client = Client(service, service.mint(*ALL))
    token = client.issue()["access_token"]
    count = 0
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            assert all(pool.map(lambda _: client.introspect(token)["active"], range(16)))
            count += 16
            if sum(counted > 0 for counted in introspected_by(folder).values()) == 2:
                return count
    raise AssertionError(f"one worker answered all of {count}")


def test_whoever_is_asked_tells_what_all_workers_did(service: ServiceProcess, temporary: Path) -> None:
    count = introspect_until_both_did(service, shared_folder(temporary))

    told = [read(service) for _ in range(10)]

    assert [one[INTROSPECTED] for one in told] == [count] * 10
    assert {one[ISSUED] for one in told} == {2}
    assert {one["tessera_http_request_duration_seconds_count"] > count for one in told} == {True}
    assert {one["python_info"] for one in told} == {1}
    # Each worker knows the session and the caller's token.
    until(lambda: read(service)["tessera_session_snapshots"] >= 3)
    until(lambda: read(service)["tessera_mirror_fresh"] == 1)
    assert read(service)["process_resident_memory_bytes"] > 1.5 * min(resident_bytes(temporary))


def test_what_a_dead_worker_counted_stays_and_its_state_goes(service: ServiceProcess, temporary: Path) -> None:
    folder = shared_folder(temporary)
    count = introspect_until_both_did(service, folder)
    until(lambda: read(service)["tessera_session_snapshots"] >= 3)
    victim, survivor = sorted(introspected_by(folder))

    os.kill(victim, signal.SIGKILL)
    until(lambda: not list(folder.glob(f"gauge_live*_{victim}.db")))
    until(lambda: len(list(folder.glob("gauge_livesum_*.db"))) == 2)

    assert list(folder.glob(f"gauge_live*_{survivor}.db"))
    assert [read(service)[INTROSPECTED] for _ in range(10)] == [count] * 10
    assert read(service)["tessera_session_snapshots"] <= 2  # of the survivor alone: the new one was asked nothing


def test_a_worker_that_hangs_is_not_fresh(service: ServiceProcess, temporary: Path) -> None:
    until(lambda: read(service).get("tessera_mirror_fresh") == 1)
    victim, _ = workers(temporary)

    os.kill(victim, signal.SIGSTOP)
    try:
        until(lambda: read(service)["tessera_mirror_fresh"] == 0)
        assert read(service)["tessera_mirror_age_seconds"] > 1
    finally:
        os.kill(victim, signal.SIGCONT)
    until(lambda: read(service)["tessera_mirror_fresh"] == 1)


def test_the_folder_of_the_workers_goes_with_them(service: ServiceProcess, temporary: Path) -> None:
    assert shared_folder(temporary).stat().st_mode & 0o077 == 0

    assert service.stop() == 0

    assert list(temporary.glob("tessera-metrics-*")) == []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
