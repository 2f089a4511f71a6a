# SPDX-License-Identifier: Apache-2.0
"""How many may be served at a time, so that no tenant takes the places of the others."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from tessera_service.errors import Overloaded


class Seats:
    """At most `total`, and at most `each` of one owner."""

    def __init__(self, total: int, *, each: int) -> None:
        self._total = total
        self._each = each
        self._taken: Counter[Hashable] = Counter()

    @contextmanager
    def take(self, owner: Hashable) -> Iterator[None]:
        """One seat for as long as it lasts. Overloaded."""
        if not self._has(owner):
            raise Overloaded
        self._taken[owner] += 1
        try:
            yield
        finally:
            self._taken[owner] -= 1
            self._taken += Counter()  # forgets who has none

    def _has(self, owner: Hashable) -> bool:
        return self._taken.total() < self._total and self._taken[owner] < self._each
