# SPDX-License-Identifier: Apache-2.0
"""snapshot.py [REVOCATIONS] [FOLDER]: a snapshot of very many revocations from a real service (SQLite) to a follower.

Prints for the same answer: read raw, unpacked, and followed into a RevocationSet; memory of both sides at its peak; and
how long others waited for the service meanwhile.
"""

import http.client
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tessera.follower import RevocationFollower

TENANT = "default"
LISTENING = re.compile(r"http://127\.0\.0\.1:[0-9]+")
CHILD = "--follow"


def fill(path: Path, number: int) -> None:
    """Two thirds sessions, a sixth each tokens and subjects, all of which count for a day."""
    numbers = random.Random(7)
    expires_at, kinds = int(time.time()) + 86_400, ("session", "jti", "session", "subject", "session", "session")

    def rows() -> Iterator[tuple[int, str, str, str, int, int]]:
        for sequence in range(1, number + 1):
            kind = kinds[sequence % len(kinds)]
            key = f"user-{sequence}" if kind == "subject" else str(uuid.UUID(int=numbers.getrandbits(128)))
            yield sequence, kind, TENANT, key, 1 if kind == "subject" else 0, expires_at

    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM revocation_log")
        names = "sequence, kind, tenant_id, key, cutoff_ms, expires_at"
        database.executemany(f"INSERT INTO revocation_log ({names}) VALUES (?, ?, ?, ?, ?, ?)", rows())
        database.execute("UPDATE log_head SET seq = ?", (number,))
    database.close()


def tessera(*arguments: str) -> str:
    """Output of a command."""
    return subprocess.run(
        [sys.executable, "-m", "tessera_service", *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


@contextmanager
def serving(folder: Path) -> Iterator[tuple[str, int]]:
    """URL and process id."""
    command = [sys.executable, "-m", "tessera_service", "serve", "--port", "0", "--data-dir", str(folder)]
    log = folder / "stderr"
    with log.open("wb") as errors, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as service:
        try:
            while (found := LISTENING.search(log.read_text())) is None:
                if service.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.1)
            yield found[0], service.pid
        finally:
            service.terminate()
            service.wait(30)


def memory(pid: int | str, name: str) -> float:
    """VmRSS or VmHWM of a process, in MB."""
    found = re.search(rf"{name}:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1000


def read_raw(url: str, token: str, coding: str) -> tuple[float, float]:
    """Seconds and MB of a snapshot that nobody looks at."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=300)
    began, size = time.perf_counter(), 0
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": coding}
    connection.request("GET", "/v1/revocations", headers=headers)
    answer = connection.getresponse()
    while chunk := answer.read1(65_536):
        size += len(chunk)
    connection.close()
    return time.perf_counter() - began, size / 1e6


def follow(url: str, token: str) -> None:
    """What the child process does, and says."""
    before = memory("self", "VmRSS")
    began, cpu = time.perf_counter(), time.process_time()
    with RevocationFollower(url, token) as follower:
        while not follower.is_followed:
            time.sleep(0.01)
        seconds = time.perf_counter() - began
        cpu = time.process_time() - cpu
        fresh = follower.wait_until_fresh(60)
        told = {"seconds": seconds, "cpu": cpu, "entries": len(follower.revocations), "fresh": fresh}
        told |= {"set": follower.revocations.bytes_used / 1e6, "before": before, "peak": memory("self", "VmHWM")}
        print(json.dumps(told))


class Waiting:
    """Asks for something small again and again, and notes how long it took."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.times: list[float] = []

    def _ask(self) -> None:
        while not self._over.is_set():
            began = time.perf_counter()
            self._connection.request("GET", "/livez")
            self._connection.getresponse().read()
            self.times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.01)

    def __enter__(self) -> "Waiting":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.times.sort()

    def __str__(self) -> str:
        times = self.times
        middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
        return f"median {middle:.1f} ms, p99 {late:.1f} ms, worst {times[-1]:.1f} ms"


def main(number: int, folder: Path) -> None:
    tessera("tenants", "list", "--data-dir", str(folder))
    token = tessera(
        *("tokens", "mint", "--data-dir", str(folder), "--tenant", TENANT, "--subject", "benchmark"),
        *("--permission", "token.introspect"),
    )
    fill(folder / "tessera.db", number)
    with serving(folder) as (url, pid):
        print(f"{number:,} revocations; the service has read them itself: {memory(pid, 'VmRSS'):.0f} MB")
        with Waiting(url) as alone:
            time.sleep(3)
        print(f"others, nobody follows:     {alone}")
        for coding in ("identity", "gzip"):
            seconds, size = read_raw(url, token, coding)
            print(f"read, {coding}: {seconds:.1f} s, {size:.0f} MB, {number / seconds:,.0f} a second")
        before = memory(pid, "VmRSS")
        with Waiting(url) as beside:
            given = {**os.environ, "TOKEN": token}
            done = subprocess.run(
                [sys.executable, __file__, CHILD, url], env=given, capture_output=True, text=True, check=True
            )
        told = json.loads(done.stdout)
        print(
            f"followed: {told['seconds']:.1f} s ({told['cpu']:.1f} s of its processor), {told['entries']:,} entries, "
            f"fresh: {told['fresh']}"
        )
        print(
            f"follower: {told['before']:.0f} MB before, {told['peak']:.0f} MB at its peak; its set {told['set']:.0f} MB"
        )
        print(f"service:  {before:.0f} MB before, {memory(pid, 'VmHWM'):.0f} MB at its peak since its start")
        print(f"others, while it is followed: {beside}")


if __name__ == "__main__":
    if CHILD in sys.argv:
        follow(sys.argv[2], os.environ["TOKEN"])
        raise SystemExit
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    place = Path(tempfile.mkdtemp(prefix="tessera-benchmark-", dir=sys.argv[2] if len(sys.argv) > 2 else None))
    try:
        main(wanted, place)
    finally:
        shutil.rmtree(place)
