# SPDX-License-Identifier: Apache-2.0
"""What a revocation log promises."""

from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from tessera_service.models import LogPage


class RevocationLog(Protocol):
    """An append-only log of revocations with one life: another `log_id` means other content.

    Two stores with the same `log_key` (known before `open`) share one log, so that it is followed once.
    """

    @property
    def log_key(self) -> str: ...

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        """Entries with sequence >= `after` (inclusive: the reader checks that it still holds the same entry), in order,
        at most `limit`. One consistent read: `log_id` and `head` belong to the entries."""
        ...

    def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        """Every retained entry in order, in pages of bounded size, all with the `log_id` and `head` of the first; at
        least one page, also of an empty log. Nothing that was in the log at `head` is missing, but what a purge removes
        meanwhile, which kills nothing any more. Later entries are left for `read_log`. A log that is replaced meanwhile
        is StoreUnavailable."""
        ...

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        """Removes at most `limit` entries with `expires_at <= now`, never the newest of the log, and cut-offs that only
        they needed. Returns how many entries."""
        ...

    async def renew_log(self, *, log_id: str) -> None:
        """Atomic: from now on the log has another id, and every entry that it had: whoever follows it reads it again
        and forgets what was alive."""
        ...


@runtime_checkable
class HintsAtEntries(Protocol):
    """What a store has that can say when to look at its log."""

    async def wait_for_entry(self, *, seconds: float) -> bool:
        """Returns when an entry may have been appended to any of its logs since the last call, or after about `seconds`
        at the latest: False then. A hint may be lost, and one may be given for nothing. One caller at a time."""
        ...
