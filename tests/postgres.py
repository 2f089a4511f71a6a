# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of the tests' own: started for the first test that needs one, on a free loopback port, in a
folder that goes with it."""

import atexit
import base64
import contextlib
import functools
import hashlib
import hmac
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

PASSWORD = "dsn-password-canary"  # in every URL: tests look for it where it must not be
_TEMPLATE = "template_tessera"
_START_SECONDS = 60
_ROOM_BYTES = 4 << 30


def _programs() -> Path:
    """Where the newest installed release keeps what only its own user starts."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *Path("/usr/pgsql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda path: int(path.parts[-3])).parent
    found = shutil.which("initdb")
    assert found is not None, "PostgreSQL is not installed: script/bootstrap test"
    return Path(found).parent


def _as_its_user(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root. It ends with this process, however that ends."""
    user = ["--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=INT", *command]


def _quick_folder() -> Path | None:
    """Where a disk need not be waited for: what is synced survives the end of a server there too, though not of the
    machine. None: where temporary files are."""
    shared = Path("/dev/shm")
    is_roomy = os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM_BYTES
    return shared if is_roomy else None


@functools.cache
def _starter() -> ThreadPoolExecutor:
    """A thread that lives as long as this process: a server ends with the thread that started it."""
    return ThreadPoolExecutor(1, thread_name_prefix="postgres-starter")


class PostgresServer:
    """One server; may be started again after it stopped."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tessera-postgres-", dir=_quick_folder()))
        self._programs = _programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count()
        self.port = _free_port()
        self._make()

    def start(self, *settings: str) -> None:
        """Returns when it answers. `settings` like `fsync=off` hold until the next start."""
        given = [word for setting in (f"port={self.port}", *settings) for word in ("-c", setting)]
        command = _as_its_user(str(self._programs / "postgres"), "-D", str(self.folder / "data"), *given)
        process = self._process = _starter().submit(self._spawn, command).result()
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                psycopg.connect(self.dsn("postgres")).close()
            except psycopg.OperationalError:
                assert process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: what is committed is written first; SIGQUIT (`immediate`): as after a crash."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_START_SECONDS)
            self._process = None

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """As long as it lasts, every process of the server stands still, and connections stay as they are."""
        self._signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        self._process.send_signal(number)  # first: who stands still has no more children
        for pid in children.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), number)

    def remove(self) -> None:
        """Stops it and takes its folder away."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    def dsn(self, database: str, *, user: str = "postgres") -> str:
        """What libpq takes, and so does DATABASE_URL."""
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def execute(self, *statements: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Statements, each at once, by a connection that knows nothing of the stores; the rows of the last."""
        rows: list[tuple[object, ...]] = []
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    @contextlib.contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """The URL of a database that is gone afterwards; of `template0`: empty."""
        name = f"tessera_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8' {self._by_files}")
        try:
            yield self.dsn(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @functools.cached_property
    def template(self) -> str:
        """The name of a database with this release's schema, to be copied."""
        from tessera_service.storage.sql import upgrade

        self.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0 ENCODING 'UTF8'")
        upgrade(self.dsn(_TEMPLATE))
        return _TEMPLATE

    @functools.cached_property
    def _by_files(self) -> str:
        """How a database is copied in half of the time; before PostgreSQL 15 there was no other way."""
        ((has_choice,),) = self.execute("SELECT current_setting('server_version_num')::int >= 150000")
        return "STRATEGY FILE_COPY" if has_choice else ""

    def _make(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (self.folder, password):
                shutil.chown(path, "postgres", "postgres")
        words = f"--username=postgres --locale=C.UTF-8 --encoding=UTF8 --auth=scram-sha-256 --pwfile={password}"
        where = [str(self._programs / "initdb"), "-D", str(self.folder / "data")]
        _run([*where, *words.split(), "--no-sync", "--no-instructions"], self.folder)
        settings = ["listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{self.folder}'"]
        settings += ["max_connections = 200", "shared_buffers = 64MB", "max_wal_size = 256MB"]
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write("\n".join(["", *settings, ""]))


@functools.cache
def postgres_server() -> PostgresServer:
    """The server that all tests share; whoever stops it needs one of their own."""
    server = PostgresServer()
    atexit.register(server.remove)
    server.start()
    server.execute(f"ALTER ROLE postgres PASSWORD '{_quick_verifier()}'")
    return server


def _quick_verifier() -> str:
    """What the server keeps of the password (RFC 5803), iterated once instead of 4,096 times: the tests connect
    thousands of times, and both sides iterate."""
    salt = bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    words = (base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256")))
    return "SCRAM-SHA-256$1:{}${}:{}".format(*words)


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(_as_its_user(*command), capture_output=True, text=True, cwd=folder, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
