# SPDX-License-Identifier: Apache-2.0
"""Real redis-servers of tests: on a free port of the loopback, with nothing on disk but in the test's folder."""

import atexit
import contextlib
import functools
import itertools
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SECONDS = 20
DATABASES = 512  # the first is for whoever asks for the server alone


class RedisServer:
    """Starts, stops, and starts again on the same port."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        """`options`: of redis-server, instead of those that keep nothing on disk. `port`: one that is free."""
        self._folder = folder
        self._options = options or ("--save", "", "--appendonly", "no")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> "RedisServer":
        """Returns when it answers."""
        program = shutil.which("redis-server")
        assert program is not None, "script/bootstrap test installs redis-server"
        bound = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder)]
        bound += ["--databases", str(DATABASES)]
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen([program, *bound, *self._options], stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self._folder / "redis.log").read_text()
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """Ends it, whatever it does; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def command(self, *words: str, database: int = 0) -> str:
        """The answer of one command, as it stands on the wire."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as line:
            if database:
                line.sendall(_spell("SELECT", str(database)))
                assert line.recv(65_536) == b"+OK\r\n"
            line.sendall(_spell(*words))
            return line.recv(65_536).decode()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self.command("PING").startswith(("+PONG", "-NOAUTH"))
        return False


_numbers = itertools.count()


def fresh_database() -> str:
    """The URL of a database of the shared server that nobody else of the last few hundred uses, empty."""
    server, number = shared_redis(), next(_numbers) % (DATABASES - 1) + 1
    server.command("FLUSHDB", database=number)
    return server.url[:-1] + str(number)


@functools.cache
def shared_redis() -> RedisServer:
    """One for all tests of this process: each empties it before it begins."""
    folder = tempfile.TemporaryDirectory(prefix="tessera-redis-")
    server = RedisServer(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(server.stop)  # first
    return server.start()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _spell(*words: str) -> bytes:
    return "".join([f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]).encode()


@contextlib.contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """One that runs until the end of the block."""
    folder.mkdir(exist_ok=True)
    server = RedisServer(folder, *options)
    try:
        yield server.start()
    finally:
        server.stop()
