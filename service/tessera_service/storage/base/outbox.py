# SPDX-License-Identifier: Apache-2.0
"""What an outbox promises."""

from collections.abc import Sequence
from typing import Protocol

from tessera_service.models import OutboxRow, OutboxSize, RelayClaim


class Outbox(Protocol):
    """The events of a store, each written in the atomic step of the change that it tells of, in commit order; and, per
    sink, how far they were delivered and by whom.

    Two stores with the same `outbox_key` (known before `open`) share one outbox.
    """

    @property
    def outbox_key(self) -> str: ...

    async def read_outbox(self, *, after: int, limit: int = 100) -> Sequence[OutboxRow]:
        """Retained rows with sequence > `after`, in order, at most `limit`. No later row will ever stand before one
        that was read."""
        ...

    async def claim_relay(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        """Atomic: gives `holder` the right to deliver to the sink until `now_ms + lease_ms`. None if another holder has
        it still; a lease that would last for more than twice `lease_ms` is of a wrong clock, and over. A sink that was
        never claimed begins before the first row. The fence rises whenever the holder changes."""
        ...

    async def advance_relay(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        """Atomic: the sink has every row up to `position` (which never goes back), and the lease lasts until
        `now_ms + lease_ms`; 0 releases it. False if the fence is another by now: nothing changed."""
        ...

    async def outbox_size(self) -> OutboxSize:
        """One consistent read. What it takes does not grow with the outbox."""
        ...

    async def purge_outbox(self, *, before_ms: int, limit: int = 500) -> int:
        """Removes at most `limit` events that happened before `before_ms`, delivered or not, oldest first. Returns how
        many."""
        ...

    async def erase_events(self, tenant_id: str, user_id: str, *, limit: int = 500) -> int:
        """Atomic: of at most `limit` events of a user, `ip_address`, `user_agent` and `location` become null; the rest
        stays. Returns how many events changed: whoever wants all calls until 0."""
        ...
