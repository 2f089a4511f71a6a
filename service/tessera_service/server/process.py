# SPDX-License-Identifier: Apache-2.0
"""One serving process: starts the application, opens the port, drains on SIGTERM and SIGINT."""

import contextlib
import faulthandler
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tessera_service.logs import get_logger
from tessera_service.server.protocol import KEEP_ALIVE_SECONDS, BoundedProtocol

DRAIN_SECONDS = 10
END_SECONDS = DRAIN_SECONDS + 5  # then the process ends, whatever hangs in it

# By whoever catches StartError, and by the protocol.
_TOLD_ELSEWHERE = ("Application startup failed. Exiting.", "Invalid HTTP request received.")


class StartError(Exception):
    """The application did not start; the cause is what it raised."""


def stop_quietly() -> None:
    """Until the server takes signals itself, a stop that is asked for ends the process with status 0."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        _end_in_time()
        raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)


def serve(
    app: ASGIApp,
    bound: socket.socket,
    *,
    on_ready: Callable[[], None],
    on_drain: Callable[[], None],
    watch_parent: bool = False,
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is in flight. `on_ready` is called when the port is open,
    `on_drain` when the end begins. `watch_parent`: stop too when the parent process is gone. StartError."""
    guard = _StartGuard(app)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    server = _Server(
        uvicorn.Config(
            guard,
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        ),
        on_ready=on_ready,
        on_drain=on_drain,
        parent=os.getppid() if watch_parent else None,
    )
    try:
        server.run(sockets=[bound])
    except SystemExit as ended:
        if ended.code == 0:
            raise
        raise StartError from guard.error  # uvicorn's way to say that the application did not start
    if not server.started:
        raise StartError from guard.error


class _StartGuard:
    """Keeps what the start raised for whoever reports it; uvicorn would print a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_quietly(message: Message) -> None:
            await send({"type": message["type"]})  # without the traceback that the framework put in

        try:
            await self._app(scope, receive, send_quietly)
        except Exception as error:
            self.error = error
            with contextlib.suppress(AssertionError):  # said already
                await send({"type": "lifespan.startup.failed"})


def _is_news(record: logging.LogRecord) -> bool:
    return record.getMessage() not in _TOLD_ELSEWHERE


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        on_drain: Callable[[], None],
        parent: int | None,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_drain = on_drain
        self._parent = parent
        self._log = get_logger()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        if self._parent is not None and os.getppid() != self._parent:
            self._log.warning("parent_gone")
            return True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._log.info("draining", connections=len(self.server_state.connections))
        self._on_drain()
        if not self.should_exit:  # the parent is gone, nobody asked
            _end_in_time()
        await super().shutdown(sockets)
        self._log.info("stopped", requests=self.server_state.total_requests)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a stop that was asked for ends with status 0: the signal is not raised again."""
        previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, _frame: FrameType | None) -> None:
        """The first signal drains. A second SIGINT stops waiting, unless a parent passes signals on."""
        if self.should_exit and sig == signal.SIGINT and self._parent is None:
            self.force_exit = True
        if not self.should_exit:  # another signal gives no more time
            _end_in_time()
        self.should_exit = True


def _end_in_time() -> None:
    """A start that hangs, or a thread that the interpreter waits for in the end, holds nobody up: the process ends with
    status 1 and shows where it was. By no thread of Python's: what a signal interrupts may hold its locks."""
    faulthandler.dump_traceback_later(END_SECONDS, exit=True, file=2)
