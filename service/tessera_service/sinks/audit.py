# SPDX-License-Identifier: Apache-2.0
"""The audit log: one line of JSON for each event, at the end of a file that only its owner reads.

The file is opened anew for each batch, so that one that was renamed (logrotate) is followed by a new one."""

import asyncio
import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tessera_service.engine import CloudEvent, SinkFailed

NAME: Final = "audit"
TIMEOUT_SECONDS: Final = 5.0
_CHUNK: Final = 64 * 1024


class AuditLog:
    """Lines are on the disk when a batch is confirmed."""

    name = NAME
    timeout_seconds = TIMEOUT_SECONDS

    def __init__(self, path: Path) -> None:
        self._path = path
        # A thread of its own: on a disk that hangs it is the only one that waits.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tessera-audit")
        self._writing: Future[None] | None = None
        self._turn = asyncio.Lock()  # two outboxes may have something to deliver at once

    async def deliver(self, events: Sequence[CloudEvent]) -> int:
        """Appends all lines, or none that stays."""
        async with self._turn:
            if self._writing is not None and not self._writing.done():  # whoever waited for it has given up
                raise SinkFailed("the write before has not ended")
            lines = b"".join(event.body + b"\n" for event in events)
            self._writing = self._thread.submit(_append, self._path, lines)
            await asyncio.wrap_future(self._writing)
            return len(events)

    async def close(self) -> None:
        """Waits for nothing."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _append(path: Path, lines: bytes) -> None:
    try:
        with _opened(path) as descriptor:
            if _append_to(descriptor, lines) == 0:
                _sync_folder(path.parent)  # the file is new, and so is its name
    except OSError as error:
        raise SinkFailed(os.strerror(error.errno) if error.errno else type(error).__name__) from None


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file that has this name now, ours alone until the end; made if it is not there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK  # a pipe must not make us wait
    descriptor = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SinkFailed("not a regular file")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SinkFailed("another process writes") from None
        if not _is_at(path, descriptor):
            raise SinkFailed("renamed a moment ago")
        yield descriptor
    finally:
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _append_to(descriptor: int, lines: bytes) -> int:
    """Where in the file the lines begin."""
    end = _cut_torn_line(descriptor)
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)  # the same lines come again: no half ones, no two of each
        raise
    return end


def _cut_torn_line(descriptor: int) -> int:
    """Ends the file behind its last whole line; where that is. A line is torn when whoever wrote it was killed: it was
    not confirmed, so it is written again."""
    size = end = os.fstat(descriptor).st_size
    while end:
        start = max(0, end - _CHUNK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(descriptor, end)
    return end


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
