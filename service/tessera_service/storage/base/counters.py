# SPDX-License-Identifier: Apache-2.0
"""What the directory promises about hits: exact, stored counters of what may be tried only so often."""

from collections.abc import Sequence
from typing import Protocol

from tessera_service.models import HitLimit, Taken


class HitCounters(Protocol):
    """Sliding windows: a hit counts from its `take` until `window_seconds` later, exclusive.

    A key belongs to one limit: two limits of one subject (so many a minute, so many an hour) have two keys.
    """

    async def take(self, limits: Sequence[HitLimit], *, now_ms: int) -> Taken:
        """Atomic: one hit on the key of each limit if all of them have room, else none on any. When the hit fills a
        limit with `hold_seconds`, every hit of its key now lives until now + hold, no shorter and no longer: the
        lock-out, which further tries do not prolong. `remaining` and `retry_after` are as they are afterwards.

        A take that is refused costs the same durable write as one that counts. ValueError for no limit at all, or
        two with one key."""
        ...

    async def give_back(self, hit_id: str) -> None:
        """Atomic: the hits of that take never happened, nor a hold that they helped to fill. An unknown id does
        nothing."""
        ...

    async def forget(self, key: bytes) -> None:
        """Atomic: all hits of a key go, and its hold."""
        ...
