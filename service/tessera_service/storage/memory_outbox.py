# SPDX-License-Identifier: Apache-2.0
"""An outbox in this process."""

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice

from tessera_service.models import Event, OutboxRow, OutboxSize, RelayClaim
from tessera_service.storage.rules import events, relays


class MemoryOutbox:
    """Events by sequence, oldest first. Nothing here awaits: every method is one step."""

    def __init__(self) -> None:
        self._head = 0
        self._events: dict[int, Event] = {}
        self._due: list[tuple[int, int]] = []  # heap of (at_ms, sequence)
        self._personal: defaultdict[tuple[str, str], dict[int, None]] = defaultdict(dict)  # sequences by user, in order
        self._relays: dict[str, relays.Relay] = {}

    def append(self, *happened: Event) -> None:
        """Adds events as the newest."""
        for event in happened:
            self._head += 1
            self._events[self._head] = event
            heapq.heappush(self._due, (event.at_ms, self._head))
            if events.is_personal(event):
                self._personal[event.tenant_id, event.user_id][self._head] = None

    def read(self, *, after: int, limit: int) -> Sequence[OutboxRow]:
        """Retained rows after `after`."""
        return [OutboxRow(sequence, self._events[sequence]) for sequence in islice(self._after(after), limit)]

    def claim(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        """As `Outbox.claim_relay`."""
        known = self._relays.get(sink, relays.Relay())
        relay = relays.claimed(known, holder=holder, now_ms=now_ms, lease_ms=lease_ms)
        if relay is None:
            return None
        self._relays[sink] = relay
        return relay.claim()

    def advance(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        """As `Outbox.advance_relay`."""
        known = self._relays.get(sink, relays.Relay())
        relay = relays.advanced(known, fence=fence, position=position, now_ms=now_ms, lease_ms=lease_ms)
        if relay is None or sink not in self._relays:
            return False
        self._relays[sink] = relay
        return True

    def size(self) -> OutboxSize:
        """As `Outbox.outbox_size`."""
        return OutboxSize(len(self._events), self._head, {sink: relay.position for sink, relay in self._relays.items()})

    def purge(self, *, before_ms: int, limit: int) -> int:
        """As `Outbox.purge_outbox`."""
        gone = 0
        while self._due and self._due[0][0] < before_ms and gone < limit:
            _, sequence = heapq.heappop(self._due)
            self._forget_personal(sequence, self._events.pop(sequence))
            gone += 1
        return gone

    def erase(self, tenant_id: str, user_id: str, *, limit: int) -> int:
        """As `Outbox.erase_events`."""
        chosen = list(islice(self._personal.get((tenant_id, user_id), ()), limit))
        for sequence in chosen:
            event = self._events[sequence]
            self._events[sequence] = events.erased(event)
            self._forget_personal(sequence, event)
        return len(chosen)

    def _after(self, after: int) -> Iterator[int]:
        # Relays ask for the end of a long outbox; a reader from the start must not walk the gaps of what was purged.
        if self._head - after < len(self._events):
            return (sequence for sequence in range(max(after, 0) + 1, self._head + 1) if sequence in self._events)
        return (sequence for sequence in self._events if sequence > after)

    def _forget_personal(self, sequence: int, event: Event) -> None:
        key = event.tenant_id, event.user_id
        own = self._personal.get(key, {})
        own.pop(sequence, None)
        if not own:
            self._personal.pop(key, None)
