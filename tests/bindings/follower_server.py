# SPDX-License-Identifier: Apache-2.0
"""A server that says what a test tells it to, byte by byte."""

import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class Reply:
    """One answer. `cut`: so many bytes of the body less are sent than announced; `seconds`: before it begins.
    `chunked`: as a service sends what it makes meanwhile; after it clients keep the connection. `hangs_up`:
    it is closed afterwards without a word. `drips`: "head" or "body", which comes byte by byte then."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = 0
    seconds: float = 0
    chunked: bool = False
    hangs_up: bool = False
    drips: str = ""


@dataclass(frozen=True)
class Question:
    """What was asked."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    peer: tuple[str, int] = ("", 0)


Script = Callable[[Question], Reply]


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Who asks may go at any time."""


class ScriptedServer:
    """Answers with the replies of `replies`, one each; when there are no more with `rest`."""

    def __init__(self) -> None:
        self.replies: list[Reply | Script] = []
        self.rest: Reply | Script = Reply(status=503)
        self.questions: list[Question] = []
        self.is_closed = threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
                asked = Question(
                    parts.path,
                    query,
                    {name.lower(): value for name, value in self.headers.items()},
                    self.client_address,
                )
                server._answer(self, asked)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = _QuietServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _answer(self, handler: BaseHTTPRequestHandler, asked: Question) -> None:
        with self._lock:
            self.questions.append(asked)
            reply = self.replies.pop(0) if self.replies else self.rest
        if not isinstance(reply, Reply):
            reply = reply(asked)
        time.sleep(reply.seconds)
        if reply.drips == "head":
            self._drip(handler, b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 10_000)
        handler.send_response(reply.status)
        length = {"Transfer-Encoding": "chunked"} if reply.chunked else {"Content-Length": str(len(reply.body))}
        for name, value in {**length, **reply.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if reply.drips == "body":
            self._drip(handler, reply.body)
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(reply.body), reply.body) if reply.chunked else reply.body
        handler.wfile.write(body[: len(body) - reply.cut])
        handler.close_connection = handler.close_connection or bool(reply.cut) or reply.hangs_up

    def _drip(self, handler: BaseHTTPRequestHandler, text: bytes) -> None:
        """Until who reads is gone, or the test is over."""
        for byte in text:
            if self.is_closed.wait(0.05):
                break
            handler.wfile.write(bytes([byte]))

    def close(self) -> None:
        self.is_closed.set()
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def serving() -> Iterator[ScriptedServer]:
    """One for a test."""
    server = ScriptedServer()
    try:
        yield server
    finally:
        server.close()


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Returns when the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.005)


def in_a_fork(work: Callable[[], bool], seconds: float = 30) -> bool:
    """What `work` says in a child; False too if it hangs there."""
    child = os.fork()
    if not child:
        good = False
        try:
            good = work()
        finally:
            os._exit(0 if good else 1)
    end = time.monotonic() + seconds
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(ended[1]) == 0


FIRST = {"logs": ["life-1"], "tenant_id": "tenant-a", "snapshot": True}
LAST = {"cursor": "cursor-1", "as_of_ms": 0}


def jti(key: str, **others: Any) -> dict[str, Any]:
    """A line that revokes a token."""
    return {"kind": "jti", "id": key, "expires_at": 4_000_000_000, "tenant_id": "tenant-a", **others}


def lines(*told: object) -> bytes:
    """As they are sent."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in told)


def told(
    *entries: Mapping[str, Any],
    snapshot: bool = True,
    cursor: str = "cursor-1",
    as_of_ms: int | None = 0,
    tenant_id: str | None = "tenant-a",
    logs: Sequence[str] = ("life-1",),
    packed: bool = False,
    seconds: float = 0,
) -> Reply:
    """A whole answer."""
    first = {"logs": list(logs), "tenant_id": tenant_id, "snapshot": snapshot}
    return reply(lines(first, *entries, {"cursor": cursor, "as_of_ms": as_of_ms}), packed=packed, seconds=seconds)


def reply(body: bytes, *, packed: bool = False, cut: int = 0, seconds: float = 0, **headers: str) -> Reply:
    """A body of that type, whatever stands in it."""
    sent = {"Content-Type": NDJSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    if packed:
        body, sent["Content-Encoding"] = gzip.compress(body), "gzip"
    return Reply(body, headers=sent, cut=cut, seconds=seconds)


def quiet(asked: Question) -> Reply:
    """Nothing new, after a while."""
    return told(snapshot=False, cursor=asked.query.get("cursor", "none"), seconds=0.2)
