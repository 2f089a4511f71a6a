# SPDX-License-Identifier: Apache-2.0
"""RS256 signing off the event loop, with a bounded queue: a signature costs about 0.3 ms of a core."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import tessera
from tessera_service.engine.claims import TYPES
from tessera_service.errors import Overloaded
from tessera_service.models import TokenKind


class Unsigned(NamedTuple):
    """A payload and the kind of token that it becomes."""

    payload: bytes
    kind: TokenKind


class SigningPool:
    """`workers` threads and at most `queue` jobs in all, waiting or running; more is Overloaded."""

    def __init__(self, *, workers: int, queue: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="tessera-sign")
        self._queue = queue
        self._jobs = 0

    @property
    def jobs(self) -> int:
        """Jobs that wait or run."""
        return self._jobs

    def check_room(self) -> None:
        """Raises Overloaded while the queue is full. Ask before a step that cannot be taken back."""
        if self._jobs >= self._queue:
            raise Overloaded

    async def sign(self, signer: tessera.Signer, tokens: Sequence[Unsigned]) -> list[str]:
        """The signed tokens, in order, as one job: a pair costs one hand-over."""
        self.check_room()
        self._jobs += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, _sign_all, signer, tokens)
        finally:
            self._jobs -= 1

    def close(self) -> None:
        """Waits for what is being signed; what still waits in the queue is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _sign_all(signer: tessera.Signer, tokens: Sequence[Unsigned]) -> list[str]:
    return [signer.sign(token.payload, type=TYPES[token.kind]) for token in tokens]
