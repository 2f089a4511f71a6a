# SPDX-License-Identifier: Apache-2.0
"""Time as an argument: decisions compare stored times with what a Clock says."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock time. Decisions take whole seconds; creation times and cut-offs take milliseconds."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        ...

    def now(self) -> int:
        """Whole seconds since 1970, rounded down."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def now(self) -> int:
        return self.now_ms() // 1000
