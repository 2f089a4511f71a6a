# SPDX-License-Identifier: Apache-2.0
"""The newest entries of a log in memory, for those who follow it from elsewhere and lack only a few."""

import hashlib
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from tessera_service.models import LogEntry

TAIL_ENTRIES: Final = 4096
MARK_BYTES: Final = 8


class Position(NamedTuple):
    """How far somebody has followed one life of a log, in few bytes: a store may have hundreds of logs. `sequence` and
    `mark` are of the last entry held; 0 and MARK_BYTES of zeros if the log had none."""

    life: bytes
    sequence: int
    mark: bytes

    @classmethod
    def at(cls, log_id: str, last: LogEntry | None) -> "Position":
        """Right after `last`."""
        life = life_of(log_id)
        return cls(life, 0, bytes(MARK_BYTES)) if last is None else cls(life, last.sequence, mark_of(last))

    def is_at(self, entry: LogEntry) -> bool:
        """Whether that is the last entry held, unchanged."""
        return entry.sequence == self.sequence and mark_of(entry) == self.mark


@lru_cache(maxsize=1024)
def life_of(log_id: str) -> bytes:
    """Stands for the id of a log in positions."""
    return hashlib.sha256(log_id.encode()).digest()[:MARK_BYTES]


def mark_of(entry: LogEntry) -> bytes:
    """Tells entries of the same sequence apart: a log that was restored from a backup goes on with others."""
    told = "\0".join((entry.kind, entry.tenant_id, entry.key, str(entry.cutoff_ms), str(entry.expires_at)))
    return hashlib.sha256(told.encode()).digest()[:MARK_BYTES]


class LogTail:
    """Of one life of a log; its entries are appended in their order, none is left out."""

    def __init__(self, log_id: str, *, max_entries: int = TAIL_ENTRIES) -> None:
        self.log_id = log_id
        self._entries: deque[LogEntry] = deque(maxlen=max_entries)
        self._is_whole = True  # from the first entry that the log retained

    def append(self, entry: LogEntry) -> None:
        """The next entry of the log."""
        self._is_whole = self._is_whole and len(self._entries) != self._entries.maxlen
        self._entries.append(entry)

    def after(self, position: Position) -> Sequence[LogEntry] | None:
        """What follows a position; None if only the log itself can tell."""
        if position.life != life_of(self.log_id):
            return None
        newer: list[LogEntry] = []
        for entry in reversed(self._entries):
            if entry.sequence <= position.sequence:
                return newer[::-1] if position.is_at(entry) else None
            newer.append(entry)
        return newer[::-1] if self._is_whole and position.sequence == 0 else None
