# SPDX-License-Identifier: Apache-2.0
"""Several serving processes on one socket: spawned (never forked), replaced when they die, drained together."""

import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from tessera_service.logs import get_logger
from tessera_service.server.process import END_SECONDS

START_SECONDS = 60
MAX_DEATHS = 5  # in a minute; then something is wrong that a new worker does not cure. Starts that failed while no
# other worker served count as deaths; beside one that serves they are tried again for as long as it takes.
RETRY_SECONDS = 10.0  # after a replacement that could not start: a database that is away has time to come back
_GRACE_SECONDS = 3  # for what a worker that hangs shows when it ends itself

WorkerMain = Callable[[socket.socket, Connection], None]
"""What a worker runs; it sends "" when it is ready, or one line that says why it cannot start. Has to be picklable."""

OnDeath = Callable[[int | None], None]


class WorkersFailed(Exception):
    """The workers did not start, or kept dying. The text is one line."""


class Workers:
    """Runs `count` workers until SIGTERM or SIGINT. `on_death` is given the process id of each that died before."""

    def __init__(self, main: WorkerMain, bound: socket.socket, *, count: int, on_death: OnDeath | None = None) -> None:
        self._main = main
        self._bound = bound
        self._count = count
        self._on_death = on_death or _tell_nobody
        self._context = multiprocessing.get_context("spawn")
        self._running: list[SpawnProcess] = []
        self._deaths: list[float] = []
        self._retry_at = 0.0
        self._wake_reader, self._wake_writer = os.pipe()
        self._stop_asked = False
        self._log = get_logger()

    def run(self, *, on_ready: Callable[[], None]) -> None:
        """Starts the first worker (it makes what does not exist yet), then the others; `on_ready` when all serve.
        Returns when all have ended. WorkersFailed."""
        previous = {number: signal.signal(number, self._ask_stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            for _ in range(self._count):
                if not self._stop_asked:
                    self._start()
            if not self._stop_asked:
                on_ready()
            self._watch()
        finally:
            self._stop_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _ask_stop(self, _signal: int, _frame: object) -> None:
        self._stop_asked = True
        os.write(self._wake_writer, b"x")

    def _start(self) -> None:
        reader, writer = self._context.Pipe(duplex=False)
        process = self._context.Process(target=self._main, args=(self._bound, writer), name="tessera-worker")
        process.start()
        writer.close()
        self._running.append(process)
        ready = wait([reader, self._wake_reader], timeout=START_SECONDS)
        if self._wake_reader in ready:
            return
        try:
            reason = reader.recv() if reader in ready else f"a worker was not ready after {START_SECONDS} seconds"
        except EOFError:
            reason = "a worker ended while it started"
        finally:
            reader.close()
        if reason:
            raise WorkersFailed(reason)
        self._log.info("worker_started", worker=process.pid)

    def _watch(self) -> None:
        while True:
            missing = len(self._running) < self._count
            pause = max(0.0, self._retry_at - time.monotonic()) if missing else None
            wait([*(process.sentinel for process in self._running), self._wake_reader], timeout=pause)
            if self._stop_asked:
                return
            for process in [process for process in self._running if process.exitcode is not None]:
                self._running.remove(process)
                self._log.error("worker_died", worker=process.pid, status=process.exitcode)
                self._on_death(process.pid)
                self._count_death()
            if len(self._running) < self._count and time.monotonic() >= self._retry_at:
                self._replace()

    def _replace(self) -> None:
        """Starts one worker in the place of one that died. If it cannot start, the others go on, and it is tried again
        after a while."""
        try:
            self._start()
        except WorkersFailed as error:
            process = self._running.pop()
            process.kill()
            process.join()
            self._log.error("worker_start_failed", worker=process.pid, error=str(error))
            self._on_death(process.pid)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if not self._running:
                self._count_death()

    def _count_death(self) -> None:
        now = time.monotonic()
        self._deaths = [*(then for then in self._deaths if now - then < 60), now]
        if len(self._deaths) >= MAX_DEATHS:
            raise WorkersFailed(f"{MAX_DEATHS} workers died within a minute")

    def _stop_all(self) -> None:
        self._bound.close()  # nobody waits in a queue that no worker empties
        for process in self._running:
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS + _GRACE_SECONDS
        for process in self._running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.exitcode is None:
                self._log.error("worker_killed", worker=process.pid)
                process.kill()
                process.join()
        os.close(self._wake_reader)
        os.close(self._wake_writer)


def _tell_nobody(_pid: int | None) -> None:
    """Nobody keeps anything of a worker."""
