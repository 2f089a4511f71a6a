# SPDX-License-Identifier: Apache-2.0
"""An outbox without a store, and a sink that is told what to do: what the relay's tests stand on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.doubles import START_MS
from tessera_service.engine import CloudEvent, SinkFailed
from tessera_service.engine.ids import uuid7
from tessera_service.models import Event, EventType, OutboxRow, OutboxSize, RelayClaim
from tessera_service.storage.memory_outbox import MemoryOutbox


def example_event(session_id: str | None = None, *, at_ms: int = START_MS, number: int = 0) -> Event:
    """A session of alice was made."""
    session_id = session_id or uuid7()
    return Event(
        event_id=f"{session_id}.{number}",
        type=EventType.ISSUED,
        tenant_id="tenant-a",
        session_id=session_id,
        user_id="alice",
        at_ms=at_ms,
        data={"user_id": "alice", "session_id": session_id, "location": None},
    )


class PlainOutbox:
    """The outbox of the store in memory, without the store. Counts its calls."""

    def __init__(self) -> None:
        self.kept = MemoryOutbox()
        self.calls: list[str] = []

    def append(self, *events: Event) -> None:
        self.kept.append(*events)

    @property
    def ids(self) -> list[str]:
        return [row.event.event_id for row in self.kept.read(after=0, limit=1_000_000)]

    def position(self, sink: str) -> int:
        return self.kept.size().positions.get(sink, 0)

    @property
    def outbox_key(self) -> str:
        return f"memory:{id(self):x}"

    async def read_outbox(self, *, after: int, limit: int = 100) -> Sequence[OutboxRow]:
        self.calls.append("read_outbox")
        return self.kept.read(after=after, limit=limit)

    async def claim_relay(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        self.calls.append("claim_relay")
        return self.kept.claim(sink, holder=holder, now_ms=now_ms, lease_ms=lease_ms)

    async def advance_relay(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        self.calls.append("advance_relay")
        return self.kept.advance(sink, fence=fence, position=position, now_ms=now_ms, lease_ms=lease_ms)

    async def outbox_size(self) -> OutboxSize:
        return self.kept.size()

    async def purge_outbox(self, *, before_ms: int, limit: int = 500) -> int:
        return self.kept.purge(before_ms=before_ms, limit=limit)

    async def erase_events(self, tenant_id: str, user_id: str, *, limit: int = 500) -> int:
        return self.kept.erase(tenant_id, user_id, limit=limit)


@dataclass
class ListSink:
    """Keeps what it gets; can be told to fail, to hang, to break, or to take only some."""

    name: str = "list"
    timeout_seconds: float = 30.0
    received: list[CloudEvent] = field(default_factory=list)
    tries: int = 0
    failing: bool = False
    hanging: bool = False
    broken: bool = False
    takes: int = 1_000_000  # of a batch
    takes_then_fails: int | None = None
    closed: bool = False
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def ids(self) -> list[str]:
        return [event.event_id for event in self.received]

    async def deliver(self, events: Sequence[CloudEvent]) -> int:
        self.tries += 1
        self.tried.set()
        if self.hanging:
            await asyncio.Event().wait()
        if self.broken:
            raise ZeroDivisionError
        if self.failing:
            raise SinkFailed("refused")
        taken = self.takes if self.takes_then_fails is None else self.takes_then_fails
        self.received += events[:taken]
        if self.takes_then_fails is not None:
            raise SinkFailed("refused", delivered=min(taken, len(events)))
        return min(taken, len(events))

    async def close(self) -> None:
        self.closed = True
