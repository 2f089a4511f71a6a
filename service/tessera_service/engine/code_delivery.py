# SPDX-License-Identifier: Apache-2.0
"""One-time codes on their way to their owners, off the way of the answer: a request never waits for a provider."""

import asyncio
import contextlib
import contextvars
from typing import Final, Protocol

import structlog

MAX_UNDER_WAY: Final = 1024  # codes that are being sent or wait for another attempt
MAX_AT_ONCE: Final = 8  # calls of the provider
FIRST_PAUSE_SECONDS: Final = 0.5  # after a first attempt that failed, then twice as long each time
LONGEST_PAUSE_SECONDS: Final = 30.0
CLOSE_SECONDS: Final = 2.0  # that what is under way has when the process ends

_log = structlog.get_logger(__name__)


class CodeNotSent(Exception):
    """The provider has not confirmed; the code may have been sent all the same. `reason` holds nothing that was."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CodeProvider(Protocol):
    """Brings codes to people."""

    async def send(self, phone_number: str, code: str) -> None:
        """One attempt, which ends by itself: `phone_number` in E.164. CodeNotSent; then it is tried again."""
        ...

    async def close(self) -> None:
        """Releases what it holds. Idempotent."""
        ...


class SendNothing:
    """The provider of who has none: nobody learns a code, so nobody signs in by one."""

    async def send(self, phone_number: str, code: str) -> None:  # noqa: ARG002 -- the Protocol's names
        return

    async def close(self) -> None:
        return


class CodeDelivery:
    """Hands codes to the provider, again and again while a code lives, and in a bounded number. Nothing here is
    counted in the metrics: whoever may read them would see which numbers are somebody's."""

    def __init__(
        self,
        provider: CodeProvider,
        *,
        lifetime_seconds: float,
        max_under_way: int = MAX_UNDER_WAY,
        first_pause_seconds: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        self._provider = provider
        self._lifetime = lifetime_seconds
        self._max_under_way = max_under_way
        self._first_pause = first_pause_seconds
        self._sending = asyncio.Semaphore(MAX_AT_ONCE)
        self._under_way: dict[bytes, asyncio.Task[None]] = {}
        self._closing = asyncio.Event()

    def post(self, key: bytes, phone_number: str, code: str, *, tenant_id: str) -> None:
        """Takes a code and returns at once. `key`: whose it is; the one before, which is dead now, is not sent any
        more. Dropped, with a line in the log, if too many are under way."""
        self.drop(key)
        if len(self._under_way) >= self._max_under_way:
            _log.warning("code_dropped", tenant=tenant_id, under_way=len(self._under_way))
            return
        task = asyncio.create_task(
            self._deliver(phone_number, code, tenant_id),
            name="tessera-code",
            context=contextvars.Context(),  # it outlives the request and keeps nothing of it
        )
        self._under_way[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))

    def drop(self, key: bytes) -> None:
        """Sends what is under way there no more: nobody needs it."""
        task = self._under_way.pop(key, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Lets attempts under way end, but not for long; then closes the provider. Idempotent."""
        self._closing.set()
        tasks = set(self._under_way.values())
        unsent = (await asyncio.wait(tasks, timeout=CLOSE_SECONDS))[1] if tasks else set()
        for task in unsent:
            task.cancel()
        await asyncio.gather(*unsent, return_exceptions=True)
        if unsent:
            _log.error("codes_given_up", codes=len(unsent))
        await self._provider.close()

    def _forget(self, key: bytes, done: asyncio.Task[None]) -> None:
        if self._under_way.get(key) is done:
            del self._under_way[key]

    async def _deliver(self, phone_number: str, code: str, tenant_id: str) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lifetime):
                if await self._send_until_sent(phone_number, code, tenant_id):
                    return
        _log.error("code_given_up", tenant=tenant_id)

    async def _send_until_sent(self, phone_number: str, code: str, tenant_id: str) -> bool:
        """False if the process ends before."""
        pause = self._first_pause
        while (reason := await self._attempt(phone_number, code)) is not None:
            _log.warning("code_not_sent", tenant=tenant_id, reason=reason, again_in=pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._closing.wait()
                    return False
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return True

    async def _attempt(self, phone_number: str, code: str) -> str | None:
        """Why it was not sent; None if it was."""
        try:
            async with self._sending:
                await self._provider.send(phone_number, code)
        except CodeNotSent as error:
            return error.reason
        except Exception as error:
            return type(error).__qualname__  # its text may repeat what was to be sent
        return None
