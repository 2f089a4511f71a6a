# SPDX-License-Identifier: Apache-2.0
"""What keeps the sessions of this process in order, so that no step walks over all of them."""

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from tessera_service.models import SessionCounts

_HOUR: Final = 3600


class Due:
    """Keys by the time at which they may go. A key may stand here more than once, and too early, never too late."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []

    def add(self, key: str, due: int) -> None:
        heapq.heappush(self._heap, (due, key))

    def take(self, until: int, limit: int, real_due: Callable[[str], int | None]) -> Iterator[str]:
        """At most `limit` keys whose real time (None: it is gone) has come; the others go back to theirs."""
        taken = 0
        while self._heap and self._heap[0][0] <= until and taken < limit:
            _, key = heapq.heappop(self._heap)
            due = real_due(key)
            if due is None:
                continue
            if due > until:
                heapq.heappush(self._heap, (due, key))
                continue
            taken += 1
            yield key


class Timeline:
    """Session ids by their creation. What is gone is skipped, and swept out once it is most of them."""

    def __init__(self) -> None:
        self._entries: list[tuple[int, str]] = []
        self._gone = 0

    def add(self, created_ms: int, session_id: str) -> None:
        insort(self._entries, (created_ms, session_id))  # nearly always at the end

    def newest_first(self) -> Iterator[str]:
        return (session_id for _, session_id in reversed(self._entries))

    def before(self, place: tuple[int, str] | None, limit: int) -> Sequence[tuple[int, str]]:
        """The creation and id of at most `limit` that come next before a place (None: the newest), newest first."""
        end = len(self._entries) if place is None else bisect_left(self._entries, place)
        return self._entries[max(end - limit, 0) : end][::-1]

    def removed_one(self, known: Mapping[str, Any]) -> None:
        """One of them is no longer in `known`."""
        self._gone += 1
        if self._gone * 2 > len(self._entries):
            self._entries = [entry for entry in self._entries if entry[1] in known]
            self._gone = 0


class Tally:
    """How many sessions there are and when their time is over: counted by the hour, then by the second, so that a
    question costs a few thousand steps however many sessions there are."""

    def __init__(self) -> None:
        self._stopped = 0  # revoked, locked or cut off
        self._hours: Counter[int] = Counter()
        self._seconds: dict[int, Counter[int]] = {}

    def change(self, by: int, *, over_at: int | None) -> None:
        """Counts sessions in or out; `over_at`: None for those that are stopped."""
        if over_at is None:
            self._stopped += by
            return
        hour = over_at // _HOUR
        self._hours[hour] += by
        self._seconds.setdefault(hour, Counter())[over_at] += by
        if not self._hours[hour]:
            del self._hours[hour], self._seconds[hour]

    def counts(self, now: int) -> SessionCounts:
        this_hour = now // _HOUR
        active = sum(number for hour, number in self._hours.items() if hour > this_hour)
        active += sum(number for over_at, number in self._seconds.get(this_hour, {}).items() if over_at > now)
        timed = self._hours.total()
        return SessionCounts(total=self._stopped + timed, active=active, expired=timed - active)
