# SPDX-License-Identifier: Apache-2.0
"""Waiting for entries of the logs, on a connection that does nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

_AT_ONCE: Final = 1000
_NOW: Final = b"$"  # only what comes from now on

Read = Callable[..., Awaitable[Any]]


class StreamHints:
    """Remembers how far each log was when it last said something."""

    def __init__(self, streams: Sequence[bytes]) -> None:
        self._last = dict.fromkeys(streams, _NOW)

    async def wait(self, read: Read, *, milliseconds: int) -> bool:
        """Whether any of them has something new; `read` sends one command."""
        waiting = ("XREAD", "COUNT", _AT_ONCE, "BLOCK", milliseconds, "STREAMS", *self._last)
        try:
            found = await read(*waiting, *self._last.values())
        except BaseException:
            self._forget()
            raise
        if not found:
            self._forget()  # a log that began anew counts from 1 again
            return False
        self._last |= {stream: entries[-1][0] for stream, entries in found}
        return True

    def _forget(self) -> None:
        self._last = dict.fromkeys(self._last, _NOW)
