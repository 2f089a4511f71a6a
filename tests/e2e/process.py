# SPDX-License-Identifier: Apache-2.0
"""A real `tessera` of this installation: commands that run to their end, and a service on a free port."""

import asyncio
import atexit
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import httpx

from tessera_service.cli.options import use_engine
from tessera_service.engine import Engine
from tessera_service.settings import Settings, load_settings

T = TypeVar("T")
START_SECONDS = 60
ALL = ("token.generate", "token.introspect", "token.revoke")
_LISTENING = re.compile(r"""\blistening\b.*\burl\W+(http://[^"\s\x1b]+)""")  # as JSON, or as people read it
# One for all, since a client takes ten times as long to make as to use; each call has a connection of its own.
CALLS = httpx.Client(headers={"connection": "close"}, timeout=10)
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
_ELSEWHERE = {"DATABASE_URL", "TESSERA_MASTER_KEY", "TESSERA_MASTER_KEY_FILE"}
_ENVIRONMENT = threading.Lock()  # one reader of a changed environment at a time


def environment(**settings: str) -> dict[str, str]:
    """What a process gets: nothing of the settings that this one was started with, but those given."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | settings


def run(
    *arguments: str, settings: Mapping[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """One command, to its end. `given`: what it reads."""
    command = [sys.executable, "-m", "tessera_service", *arguments]
    env = environment(**(settings or {}))
    return subprocess.run(
        command, input=given, capture_output=True, text=True, env=env, timeout=START_SECONDS, check=False
    )


async def _mint(engine: Engine, tenant: str, permissions: Sequence[str]) -> str:
    return await engine.service_tokens.mint(
        tenant_id=tenant, subject="gateway", permissions=tuple(permissions), ttl_seconds=3600
    )


async def _nothing(_engine: Engine) -> None:
    """A start makes what an installation needs."""


@functools.cache
def _installation() -> Path:
    """The data directory of a first start, to be copied: making keys and tables takes a second. Without its issuer,
    which is the URL of whoever serves first."""
    kept = tempfile.TemporaryDirectory(prefix="tessera-installation-")
    atexit.register(kept.cleanup)
    folder = Path(kept.name) / "data"
    _run_alone(use_engine(_read_settings(folder, {}), _nothing))
    (folder / "issuer").unlink()
    return folder


def _read_settings(data_dir: Path, settings: Mapping[str, str]) -> Settings:
    with _ENVIRONMENT, mock.patch.dict(os.environ, environment(**settings), clear=True):
        return load_settings(data_dir=data_dir)


def _run_alone(work: Coroutine[Any, Any, T]) -> T:
    """In a thread: the caller may have a loop of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result(START_SECONDS)


class ServiceProcess:
    """`tessera serve` over one data directory; may be started again after it stopped. Unless it is told which, or where
    its directory or its master key is, over a new installation: a `data_dir` of one's own is where a first start has
    everything to do."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        data_dir: Path | None = None,
        program: Sequence[str] = ("-m", "tessera_service"),
    ) -> None:
        self.data_dir = data_dir or folder / "data"
        if data_dir is None and not _ELSEWHERE & set(settings or {}):
            shutil.copytree(_installation(), self.data_dir)
        self._folder = folder
        self._arguments = arguments
        self._program = program
        self.settings = settings or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.url = ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log_text(self) -> str:
        """Everything that every start wrote to standard error."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("stderr.*")))

    @property
    def output_text(self) -> str:
        """Everything that every start wrote to standard output."""
        return "".join(path.read_text() for path in sorted(self._folder.glob("stdout.*")))

    @property
    def events(self) -> list[dict[str, Any]]:
        """The log of the last start, line by line; every line has to be JSON."""
        return [json.loads(line) for line in self._path("stderr").read_text().splitlines()]

    def start(self) -> "ServiceProcess":
        """Returns when the port is open."""
        self._starts += 1
        command = [sys.executable, *self._program, "serve", "--port", "0", "--data-dir", str(self.data_dir)]
        with self._path("stdout").open("wb") as stdout, self._path("stderr").open("wb") as stderr:
            self._process = subprocess.Popen(
                [*command, *self._arguments], stdout=stdout, stderr=stderr, env=environment(**self.settings)
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for line in self._path("stderr").read_text().splitlines():
                found = _LISTENING.search(line)
                if found is not None:
                    self.url = found[1]
                    return self
            assert self._process.poll() is None, self.log_text
            time.sleep(0.02)
        raise AssertionError(f"not listening after {START_SECONDS} s: {self.log_text}")

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        """The exit status."""
        assert self._process is not None
        return self._process.wait(seconds)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.send(signal.SIGTERM)
        return self.wait()

    def clean_up(self) -> None:
        """Leaves nothing running."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def command(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """A command beside the service, on its data directory."""
        return run(*arguments, "--data-dir", str(self.data_dir), settings=self.settings, given=given)

    def mint(self, *permissions: str, tenant: str = "default") -> str:
        """A service token: what `tessera tokens mint` does beside the service, without a second for a new process."""

        settings = _read_settings(self.data_dir, self.settings)
        return _run_alone(use_engine(settings, lambda engine: _mint(engine, tenant, permissions)))

    def _path(self, stream: str) -> Path:
        return self._folder / f"{stream}.{self._starts:03}"


class Client:
    """Calls the token surface as one caller."""

    def __init__(self, service: ServiceProcess, bearer: str, *, tenant: str = "default") -> None:
        self._service = service
        self._tenant = tenant
        self.bearer = bearer

    def post(self, path: str, body: object = None, *, bearer: str | None = None) -> httpx.Response:
        """POST with the headers that the surface demands."""
        headers = {
            "authorization": f"Bearer {self.bearer if bearer is None else bearer}",
            "x-tenant-id": self._tenant,
            "x-request-id": "e2e-1",
        }
        return CALLS.post(self._service.url + path, json=body, headers=headers)

    def issue(self, subject: str = "alice") -> dict[str, Any]:
        """A new pair and its session."""
        answer = self.post("/v1/token", {"sub": subject})
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def introspect(self, token: str) -> dict[str, Any]:
        """What the service says of a token."""
        answer = self.post("/v1/token/introspect", {"token": token})
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def refresh(self, token: str) -> httpx.Response:
        """Spends a refresh token."""
        return self.post("/v1/token/refresh", bearer=token)

    def revoke(self, **body: Any) -> httpx.Response:
        """Revokes what the body names."""
        return self.post("/v1/token/revoke", body)
