# SPDX-License-Identifier: Apache-2.0
"""Steps that are done again and again beside the requests; a failing one is logged and tried again, never given up."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from tessera_service.errors import StoreUnavailable

_CANCEL_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Background:
    """Tasks of one engine."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    def every(
        self, seconds: float, step: Callable[[], Awaitable[None]], *, name: str, wake: asyncio.Event | None = None
    ) -> None:
        """Runs `step` every `seconds`, counted from its start, and as soon as `wake` is set."""
        task = asyncio.create_task(_repeat(seconds, step, name, wake or asyncio.Event()), name=f"tessera-{name}")
        self._tasks.append(task)

    async def stop(self) -> None:
        """Ends all of them and waits until they are gone. Idempotent."""
        tasks, self._tasks = self._tasks, []
        # A driver may lose a cancellation, as asyncio.wait_for did before Python 3.12: so again, until it counts.
        while not all(task.done() for task in tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=_CANCEL_SECONDS)
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(seconds: float, step: Callable[[], Awaitable[None]], name: str, wake: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    failing = False
    while True:
        started = loop.time()
        wake.clear()
        try:
            await step()
        except Exception as error:
            _report(name, error, again=failing)
            failing = True
        else:
            if failing:
                _log.info("background_step_recovered", step=name)
            failing = False
        await _sleep_until(started + seconds, wake)


def _report(name: str, error: Exception, *, again: bool) -> None:
    if not isinstance(error, StoreUnavailable):
        _log.error("background_step_failed", step=name, exc_info=error)
    elif not again:
        _log.warning("background_step_failed", step=name, error=error.code)


async def _sleep_until(at: float, wake: asyncio.Event) -> None:
    """Not longer than until `at`, by the loop's clock, and not shorter than a moment: nothing may spin."""
    await asyncio.sleep(0.01)
    try:
        async with asyncio.timeout_at(at):
            await wake.wait()
    except TimeoutError:
        return
