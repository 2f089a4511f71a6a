# SPDX-License-Identifier: Apache-2.0
"""How many may be served at a time, so that no tenant takes the places of the others."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tessera_service.errors import Overloaded


class Seats:
    """At most `total`, and at most `each` of one owner. The last quarter of all is for owners that have few: however
    many take as much as they may, another one finds a seat."""

    def __init__(self, total: int, *, each: int) -> None:
        self._total = total
        self._each = each
        self._few = max(1, each // 16)
        self._kept = total // 4
        self._taken: Counter[Hashable] = Counter()

    def take(self, owner: Hashable) -> AbstractContextManager[None]:
        """One seat for as long as it lasts. Overloaded, here and now."""
        if not self._has(owner):
            raise Overloaded
        return self._sit(owner)

    @contextmanager
    def _sit(self, owner: Hashable) -> Iterator[None]:
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            self._taken += Counter()  # forgets who has none

    def _has(self, owner: Hashable) -> bool:
        free, taken = self._total - self._taken.total(), self._taken[owner]
        return taken < (self._each if free > self._kept else self._few) and free > 0
