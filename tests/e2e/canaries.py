# SPDX-License-Identifier: Apache-2.0
"""Secrets of a run, told apart from all other text, and everything that a service says or writes searched for them."""

import base64
import binascii
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from sqlite3 import connect
from typing import Any
from urllib.parse import quote

import httpx

from e2e.process import CALLS, ServiceProcess

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


class Canaries:
    """Values by name. Of a token the signature counts, which makes it one; of a code of six digits the digits where no
    other digit or letter is beside them."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def add(self, **values: str) -> None:
        """More of them."""
        self.values |= values

    def find(self, text: bytes, *, but: tuple[str, ...] = ()) -> set[str]:
        """The names of those that stand in it in any spelling, apart from some."""
        return {name for name, value in self.values.items() if name not in but and self._stands_in(text, value)}

    def _stands_in(self, text: bytes, value: str) -> bool:
        if len(value) == 6 and value.isdigit():
            return _has_alone(text, value.encode())
        return any(spelling in text for spelling in _spellings(value))


def _spellings(value: str) -> Iterator[bytes]:
    if value.count(".") == 2 and value.startswith("eyJ"):
        value = value.rpartition(".")[2]
        yield base64.urlsafe_b64decode(value + "==")
    data = value.encode()
    yield from (data, quote(value, safe="").encode(), json.dumps(value)[1:-1].encode())
    yield from (binascii.hexlify(data), binascii.hexlify(data).upper())
    yield base64.b64encode(data).rstrip(b"=")[:-1]  # the last letter depends on what follows
    yield base64.urlsafe_b64encode(data).rstrip(b"=")[:-1]


def _has_alone(text: bytes, digits: bytes) -> bool:
    start = text.find(digits)
    while start >= 0:
        around = text[start - 1 : start] + text[start + len(digits) : start + len(digits) + 1]
        if not any(byte in b"-_" or chr(byte).isalnum() for byte in around):
            return True
        start = text.find(digits, start + 1)
    return False


class Recorder:
    """Calls of a service. Whatever it answers is kept, with the names of the canaries that the answer is to give."""

    def __init__(self, service: ServiceProcess) -> None:
        self._service = service
        self.answers: list[tuple[str, int, bytes, tuple[str, ...]]] = []

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        bearer: str | None = None,
        gives: tuple[str, ...] = (),
    ) -> httpx.Response:
        """As `httpx.request`."""
        sent = {"x-tenant-id": "default", "x-request-id": "e2e-1", **(headers or {})}
        if bearer is not None:
            sent["authorization"] = f"Bearer {bearer}"
        if content is not None:
            sent.setdefault("content-type", "application/json")
        url = self._service.url + path
        answer = CALLS.request(method, url, json=body if content is None else None, content=content, headers=sent)
        said = repr(answer.headers.multi_items()).encode() + answer.content
        self.answers.append((f"{method} {path[:60]}", answer.status_code, said, gives))
        return answer

    def check(self, canaries: Canaries) -> None:
        """No answer gave what it was not to give."""
        for what, status, said, gives in self.answers:
            assert canaries.find(said, but=gives) == set(), (what, status)


class CodeHook:
    """The operator's own service that sends codes on; refuses the first time."""

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.refused = 0
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://127.0.0.1:{self._server.server_port}/codes"

    def __enter__(self) -> "CodeHook":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, message: Any) -> int:
        """The status of the answer."""
        if not self.refused:
            self.refused += 1
            return 500
        self.codes.append(message["otp_code"])
        return 204

    def _handler(hook) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.send_response(hook.take(json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        return Handler


@contextmanager
def without_table(data_dir: Path, name: str) -> Iterator[None]:
    """The database of a running service lacks a table: what is asked of it fails, with the values in the driver's
    words."""
    with closing(connect(data_dir / "tessera.db", timeout=30, isolation_level=None)) as database:
        database.execute("PRAGMA legacy_alter_table = ON")  # others go on to name it as it was
        database.execute(f"ALTER TABLE {name} RENAME TO {name}_away")
        try:
            yield
        finally:
            database.execute(f"ALTER TABLE {name}_away RENAME TO {name}")


@contextmanager
def write_locked(data_dir: Path) -> Iterator[None]:
    """Somebody else writes for as long as this lasts: no write of a running service gets its turn."""
    with closing(connect(data_dir / "tessera.db", timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            database.execute("ROLLBACK")
