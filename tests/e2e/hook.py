# SPDX-License-Identifier: Apache-2.0
"""A receiver of webhooks for real services: a real HTTP server in a thread, which may hold its answers."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from e2e.events import Told, read_event

SECONDS = 40


class Post(NamedTuple):
    """One request: its signature and what it says."""

    signature: str
    told: Told


class Hook:
    """Answers 204, or whatever `status` says. Whoever comes while it holds is never answered: when it is let go
    the line is cut, so that what counts as confirmed went to somebody who was there."""

    def __init__(self) -> None:
        self.posts: list[Post] = []  # all that arrived
        self.confirmed: list[Told] = []  # whose sender was told so, in that order
        self.status = 204
        self._go_on = threading.Event()
        self._go_on.set()
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"

    def __enter__(self) -> "Hook":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hold(self) -> None:
        """From now on nobody is answered."""
        self._go_on.clear()

    def let_go(self) -> None:
        """From now on whoever comes is answered again."""
        self._go_on.set()

    def wait_for(self, condition: Callable[["Hook"], bool], *, seconds: float = SECONDS) -> None:
        """Returns when it holds; AssertionError if it does not in time."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self), seconds), f"not within {seconds} s"

    def wait_for_confirmed(self, *event_ids: str) -> None:
        """Returns when those events have arrived and their sender knows."""
        self.wait_for(lambda hook: hook.has_confirmed(*event_ids))

    def wait_for_seen(self, *event_ids: str) -> None:
        """Returns when those events have arrived."""
        self.wait_for(lambda hook: hook.has_seen(*event_ids))

    def has_confirmed(self, *event_ids: str) -> bool:
        """Whether those events have arrived and their sender knows."""
        return {told.event_id for told in self.confirmed} >= set(event_ids)

    def has_seen(self, *event_ids: str) -> bool:
        """Whether those events have arrived."""
        return {post.told.event_id for post in self.posts} >= set(event_ids)

    def take(self, post: Post) -> int | None:
        """A request has come in; the status of its answer, None if it gets none."""
        held = not self._go_on.is_set()
        with self._changed:
            self.posts.append(post)
            self._changed.notify_all()
        self._go_on.wait()
        return None if held else self.status

    def confirm(self, told: Told) -> None:
        """Its answer went out."""
        with self._changed:
            self.confirmed.append(told)
            self._changed.notify_all()


def _handler(hook: Hook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it was killed over it
                self.close_connection = True
                return
            told = read_event(body)
            status = hook.take(Post(self.headers["X-Tessera-Signature"], told))
            if status is None:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            if status == 204:
                hook.confirm(told)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Handler


def wait_until(condition: Callable[[], bool], *, seconds: float = SECONDS) -> None:
    """Returns when it holds; AssertionError if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
