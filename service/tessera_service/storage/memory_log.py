# SPDX-License-Identifier: Apache-2.0
"""A revocation log in this process."""

import heapq
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeVar

from tessera_service.models import LogEntry, LogKind, LogPage, Revocation

_Key = TypeVar("_Key")


class MemoryLog:
    """Entries by sequence, oldest first. Nothing here awaits: every method is one step."""

    def __init__(self) -> None:
        self.log_id = secrets.token_hex(16)
        self.head = 0
        self._entries: dict[int, LogEntry] = {}
        self._jtis: Counter[str] = Counter()
        self._subjects: Counter[tuple[str, str]] = Counter()
        self._due: list[tuple[int, int]] = []  # heap of (expires_at, sequence)

    def append(self, kind: LogKind, tenant_id: str, key: str, revocation: Revocation, *, cutoff_ms: int = 0) -> None:
        """Adds an entry as the newest."""
        self.head += 1
        entry = LogEntry(self.head, kind, tenant_id, key, cutoff_ms, revocation.log_expires_at)
        self._entries[self.head] = entry
        self._count(entry, 1)
        heapq.heappush(self._due, (entry.expires_at, self.head))

    def has_jti(self, jti: str) -> bool:
        """Whether that jti is revoked by a retained entry."""
        return jti in self._jtis

    def has_subject(self, tenant_id: str, subject: str) -> bool:
        """Whether a retained entry holds a cut-off of that subject."""
        return (tenant_id, subject) in self._subjects

    def page(self, *, after: int, limit: int) -> LogPage:
        """Retained entries from `after` on."""
        return LogPage(self.log_id, self.head, tuple(islice(self._from(after), limit)))

    def snapshot(self) -> tuple[LogEntry, ...]:
        """Every retained entry, oldest first."""
        return tuple(self._entries.values())

    def purge(self, *, now: int, limit: int) -> Sequence[LogEntry]:
        """Removes at most `limit` expired entries, never the newest, and returns them."""
        removed: list[LogEntry] = []
        newest: tuple[int, int] | None = None
        while self._due and self._due[0][0] <= now and len(removed) < limit:
            due = heapq.heappop(self._due)
            if due[1] == self.head:
                newest = due
                continue
            entry = self._entries.pop(due[1])
            self._count(entry, -1)
            removed.append(entry)
        if newest is not None:
            heapq.heappush(self._due, newest)
        return removed

    def _from(self, after: int) -> Iterator[LogEntry]:
        # Polls ask for the end of a long log; a reader from the start must not walk the gaps of what was purged.
        if self.head - after < len(self._entries):
            span = range(max(after, 1), self.head + 1)
            return (self._entries[sequence] for sequence in span if sequence in self._entries)
        return (entry for entry in self._entries.values() if entry.sequence >= after)

    def _count(self, entry: LogEntry, change: int) -> None:
        if entry.kind is LogKind.JTI:
            _add(self._jtis, entry.key, change)
        elif entry.kind is LogKind.SUBJECT:
            _add(self._subjects, (entry.tenant_id, entry.key), change)


def _add(counter: Counter[_Key], key: _Key, change: int) -> None:
    counter[key] += change
    if not counter[key]:
        del counter[key]
