# SPDX-License-Identifier: Apache-2.0
"""Request limits per process: fixed windows per bucket, in bounded memory."""

import math
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

MAX_BUCKETS = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a bucket still gives after one request. `retry_after` (seconds, at least 1) only if it gave nothing."""

    limit: int
    remaining: int
    retry_after: int | None = None


class RateLimiter:
    """At most `requests` in each window of `seconds`, per bucket. One event loop uses it; nothing here waits."""

    def __init__(
        self,
        *,
        requests: int,
        seconds: float,
        max_buckets: int = MAX_BUCKETS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._requests = requests
        self._seconds = seconds
        self._max_buckets = max_buckets
        self._monotonic = monotonic
        # Oldest window first: what is thrown away for want of room is what ends next.
        self._buckets: dict[Hashable, tuple[float, int]] = {}

    def take(self, bucket: Hashable) -> Allowance:
        """Counts one request against `bucket`."""
        now = self._monotonic()
        ends, count = self._buckets.get(bucket, (0.0, 0))
        if now >= ends:
            self._buckets.pop(bucket, None)
            self._make_room(now)
            ends, count = now + self._seconds, 0
        if count >= self._requests:
            return Allowance(limit=self._requests, remaining=0, retry_after=max(1, math.ceil(ends - now)))
        self._buckets[bucket] = (ends, count + 1)
        return Allowance(limit=self._requests, remaining=self._requests - count - 1)

    def give_back(self, bucket: Hashable) -> None:
        """Undoes one `take` that gave something, if its window is not over."""
        ends, count = self._buckets.get(bucket, (0.0, 0))
        if count > 0 and self._monotonic() < ends:
            self._buckets[bucket] = (ends, count - 1)

    def __len__(self) -> int:
        """Buckets in memory."""
        return len(self._buckets)

    def _make_room(self, now: float) -> None:
        """Drops two buckets whose window is over (so that they go faster than they come), or the oldest when full."""
        for _ in range(2):
            oldest = next(iter(self._buckets), None)
            if oldest is None or (self._buckets[oldest][0] > now and len(self._buckets) < self._max_buckets):
                return
            del self._buckets[oldest]
