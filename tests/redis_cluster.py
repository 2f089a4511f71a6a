# SPDX-License-Identifier: Apache-2.0
"""A real cluster of Redis on the loopback, and a real pair behind Sentinel."""

import contextlib
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from redis_server import SECONDS, RedisServer

SLOTS = 16_384


def wait_until(is_so: Callable[[], bool], what: str) -> None:
    """AssertionError if it takes too long."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@contextlib.contextmanager
def redis_cluster(folder: Path, *, replicas: bool = False) -> Iterator[Sequence[RedisServer]]:
    """Three masters that share the slots; with `replicas`, then the replica of each."""
    servers = []
    try:
        for number in range(6 if replicas else 3):
            home = folder / f"node-{number}"
            home.mkdir(parents=True)
            options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--appendonly", "yes"]
            servers.append(RedisServer(home, *options, port=_port_of_node()).start())
        addresses = [f"127.0.0.1:{server.port}" for server in servers]
        made = ["redis-cli", "--cluster", "create", *addresses, "--cluster-yes"]
        made += ["--cluster-replicas", "1" if replicas else "0"]
        subprocess.run(made, check=True, capture_output=True, timeout=60)
        for server in servers:
            wait_until(lambda server=server: _is_whole(server), "the cluster does not form")  # type: ignore[misc]
        yield servers
    finally:
        for server in servers:
            server.stop()


def _port_of_node() -> int:
    """Free, as is the one that the nodes talk to each other on: 10,000 above it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10_000))
            return port


def _is_whole(server: RedisServer) -> bool:
    info = server.command("CLUSTER", "INFO")
    return "cluster_state:ok" in info and f"cluster_slots_ok:{SLOTS}" in info


class Sentinels:
    """A master, its replica, and three sentinels that agree by two."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.master = self._server("master", "--appendonly", "yes", "--appendfsync", "always")
        self.replica = self._server("replica", "--appendonly", "yes", "--replicaof", "127.0.0.1", str(self.master.port))
        self._sentinels: list[tuple[int, subprocess.Popen[bytes]]] = []

    @property
    def url(self) -> str:
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port, _ in self._sentinels) + "/sessions"

    def start(self) -> "Sentinels":
        self.master.start()
        self.replica.start()
        wait_until(lambda: "master_link_status:up" in self.replica.command("INFO", "replication"), "no replica")
        for number in range(3):
            self._sentinels.append(self._start_sentinel(number))
        wait_until(lambda: all(self._knows_all(port) for port, _ in self._sentinels), "the sentinels do not meet")
        return self

    def stop(self) -> None:
        for _, process in self._sentinels:
            process.kill()
            process.wait()
        self.replica.stop()
        self.master.stop()

    def fail_over(self) -> None:
        """The master dies; returns when the replica is the master."""
        self.master.stop()
        wait_until(lambda: "role:master" in self.replica.command("INFO", "replication"), "nobody fails over")

    def _server(self, name: str, *options: str) -> RedisServer:
        home = self._folder / name
        home.mkdir(parents=True)
        return RedisServer(home, *options)

    def _start_sentinel(self, number: int) -> tuple[int, subprocess.Popen[bytes]]:
        home = self._folder / f"sentinel-{number}"
        home.mkdir()
        port = RedisServer(home).port
        lines = [
            *(f"port {port}", "bind 127.0.0.1", f"dir {home}"),
            f"sentinel monitor sessions 127.0.0.1 {self.master.port} 2",
            *("sentinel down-after-milliseconds sessions 500", "sentinel failover-timeout sessions 5000"),
        ]
        (home / "sentinel.conf").write_text("\n".join(lines) + "\n")
        with (home / "sentinel.log").open("wb") as log:
            command = ["redis-server", str(home / "sentinel.conf"), "--sentinel"]
            process = subprocess.Popen(command, stdout=log, stderr=log)
        return port, process

    def _knows_all(self, port: int) -> bool:
        at = RedisServer.__new__(RedisServer)
        at.port = port
        try:
            told = at.command("SENTINEL", "MASTER", "sessions")
        except OSError:
            return False
        words = told.split("\r\n")
        count = dict(zip(words[2::4], words[4::4], strict=False))
        return count.get("num-other-sentinels") == "2" and count.get("num-slaves") == "1"


@contextlib.contextmanager
def redis_sentinels(folder: Path) -> Iterator[Sentinels]:
    """Until the end of the block."""
    sentinels = Sentinels(folder)
    try:
        yield sentinels.start()
    finally:
        sentinels.stop()
