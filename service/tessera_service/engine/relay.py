# SPDX-License-Identifier: Apache-2.0
"""Delivering events: every row of an outbox goes to every sink at least once, in order per session.

One courier for each outbox and sink: what one sink does, or does not, holds up neither requests nor other sinks. Of
several processes one at a time delivers from an outbox to a sink; a lease in the outbox says which."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from tessera_service.clock import Clock
from tessera_service.engine.background import Background
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.events import CloudEvent, cloud_event
from tessera_service.engine.ids import uuid7
from tessera_service.models import OutboxRow, RelayClaim
from tessera_service.storage.base import Outbox

BATCH: Final = 100
FIRST_PAUSE_SECONDS: Final = 0.2  # after a failure; twice as long after each further one
LONGEST_PAUSE_SECONDS: Final = 30.0
FINISH_SECONDS: Final = 2.0
MEASURE_SECONDS: Final = 5.0

_log = structlog.get_logger(__name__)


class SinkFailed(Exception):
    """The sink has not confirmed all of it. `delivered`: how many of the first events it has for certain; `reason` is
    for the log and holds neither an event nor a secret."""

    def __init__(self, reason: str, *, delivered: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delivered = delivered


class Sink(Protocol):
    """Where events go. Whoever has a batch confirmed has it for good."""

    @property
    def name(self) -> str:
        """Under which the outbox keeps its position; never reused for another kind."""
        ...

    @property
    def timeout_seconds(self) -> float:
        """No `deliver` takes longer: it is given up then."""
        ...

    async def deliver(self, events: Sequence[CloudEvent]) -> int:
        """Hands events over, in order where `order` is the same. Returns how many of the first ones the sink has: all,
        or, where its time was over, at least one. SinkFailed."""
        ...

    async def close(self) -> None:
        """Releases everything. Idempotent."""
        ...


class Relay:
    """All couriers of a process."""

    def __init__(
        self, *, outboxes: Sequence[Outbox], sinks: Sequence[Sink], clock: Clock, config: EngineConfig
    ) -> None:
        self._outboxes = {outbox.outbox_key: outbox for outbox in outboxes}
        self._sinks = tuple(sinks)
        self._clock = clock
        self._config = config
        holder = uuid7()  # of this process: no other one, and not this one after a restart, is taken for it
        self._couriers = [
            Courier(outbox, sink, holder=holder, clock=clock, config=config)
            for outbox in self._outboxes.values()
            for sink in self._sinks
        ]
        self._started = False
        self._rows = 0

    def start(self, tasks: Background) -> None:
        """From now on events are delivered and the backlog is measured."""
        self._started = True
        for courier in self._couriers:
            tasks.every(self._config.relay_poll_ms / 1000, courier.step, name=f"relay_{courier.sink.name}")
        tasks.every(MEASURE_SECONDS, self.measure, name="relay_backlog")

    async def finish(self) -> None:
        """Delivers what is left, for a moment: what is not delivered then stays in the outbox."""
        if not self._started:
            return
        steps = [asyncio.create_task(courier.step()) for courier in self._couriers]
        if steps:
            await asyncio.wait(steps, timeout=FINISH_SECONDS)
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)

    async def close(self) -> None:
        """Releases the sinks; after the couriers were stopped."""
        await asyncio.gather(*(sink.close() for sink in self._sinks), return_exceptions=True)

    async def measure(self) -> None:
        """Reads anew what `rows`, `lag_rows` and `lag_seconds` say. StoreUnavailable; then they say what they said."""
        rows = 0
        for key, outbox in self._outboxes.items():
            async with answered_within(self._config.store_timeout):
                size = await outbox.outbox_size()
            rows += size.rows
            for courier in self._couriers:
                if courier.outbox.outbox_key == key:
                    await courier.measure(head=size.head, position=size.positions.get(courier.sink.name, 0))
        self._rows = rows

    @property
    def rows(self) -> int:
        """How many rows the outboxes keep, delivered or not."""
        return self._rows

    @property
    def sinks(self) -> Sequence[str]:
        """Their names."""
        return [sink.name for sink in self._sinks]

    def lag_rows(self, sink: str) -> int:
        """How many rows that sink does not have yet."""
        return sum(courier.backlog.rows for courier in self._of(sink))

    def lag_seconds(self, sink: str) -> float:
        """The age of the oldest row that it does not have yet; 0 if it has all."""
        waiting = [at for courier in self._of(sink) if (at := courier.backlog.oldest_ms) is not None]
        return max(0, self._clock.now_ms() - min(waiting)) / 1000 if waiting else 0.0

    def counts(self, sink: str) -> Mapping[str, int]:
        """What this process did: `delivered` events, `failures` of deliveries."""
        couriers = self._of(sink)
        return {
            "delivered": sum(courier.delivered for courier in couriers),
            "failures": sum(courier.failures for courier in couriers),
        }

    def _of(self, sink: str) -> Sequence["Courier"]:
        return [courier for courier in self._couriers if courier.sink.name == sink]


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a sink does not have yet."""

    rows: int = 0
    oldest_ms: int | None = None


class Courier:
    """From one outbox to one sink. While there is nothing to deliver it only reads."""

    def __init__(self, outbox: Outbox, sink: Sink, *, holder: str, clock: Clock, config: EngineConfig) -> None:
        self.outbox = outbox
        self.sink = sink
        self.backlog = Backlog()
        self.delivered = 0
        self.failures = 0
        self._holder = holder
        self._clock = clock
        self._config = config
        # Whoever delivers has given up long before another one may begin.
        self._lease_ms = round(2 * (sink.timeout_seconds + config.store_timeout) * 1000)
        self._position = 0  # the last row that the sink is known to have; it may have more
        self._pause = 0.0
        self._not_before = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def step(self) -> None:
        """Delivers what there is, unless another process does or the sink failed a moment ago. StoreUnavailable."""
        async with self._one_at_a_time:
            if self._is_pausing or not await self._read(self._position, limit=1):
                return
            async with answered_within(self._config.store_timeout):
                claim = await self.outbox.claim_relay(
                    self.sink.name, holder=self._holder, now_ms=self._clock.now_ms(), lease_ms=self._lease_ms
                )
            if claim is not None:
                await self._deliver_all(claim)

    async def measure(self, *, head: int, position: int) -> None:
        """Takes the reading of the backlog behind that position, which is further back than this courier knows when
        the outbox lost what it had: its rows count from there again."""
        if not self._one_at_a_time.locked():
            self._position = min(self._position, position)
        first = await self._read(position, limit=1) if position < head else ()
        self.backlog = Backlog(head - position, first[0].event.at_ms) if first else Backlog()

    async def _deliver_all(self, claim: RelayClaim) -> None:
        self._position = claim.position
        more = True
        try:
            while more:
                rows = await self._read(self._position, limit=BATCH)
                self._tell_what_is_missing(rows)
                done = await self._deliver(rows) if rows else 0
                more = not self._is_pausing and (done < len(rows) or len(rows) == BATCH)
                position = rows[done - 1].sequence if done else self._position
                # The last batch gives the lease back in the same step.
                if not await self._advance(claim, position, lease_ms=self._lease_ms if more else 0):
                    return  # another one took over: it knows the position
                self._position = position
        except BaseException:
            await self._release(claim)
            raise

    def _tell_what_is_missing(self, rows: Sequence[OutboxRow]) -> None:
        # Sequences are gapless. Of a sink that begins, nothing was taken away: it gets what is still kept.
        missing = rows[0].sequence - self._position - 1 if rows and self._position else 0
        if missing:
            _log.error("events_purged_undelivered", sink=self.sink.name, events=missing)

    async def _deliver(self, rows: Sequence[OutboxRow]) -> int:
        """How many of the first rows the sink has now; after a failure the sink is left in peace for a while."""
        events = [cloud_event(row.event, source=self._config.issuer) for row in rows]
        try:
            async with asyncio.timeout(self.sink.timeout_seconds):
                done = await self.sink.deliver(events)
        except TimeoutError:
            return self._failed("timeout", delivered=0)
        except SinkFailed as failed:
            return self._failed(failed.reason, delivered=failed.delivered)
        except Exception as error:
            _log.error("event_sink_broke", sink=self.sink.name, exc_info=error)
            return self._failed(type(error).__name__, delivered=0)
        if self._pause:
            _log.info("event_delivery_recovered", sink=self.sink.name)
        self._pause = 0.0
        self.delivered += done
        return done

    def _failed(self, reason: str, *, delivered: int) -> int:
        if not self._pause:
            _log.warning("event_delivery_failed", sink=self.sink.name, reason=reason)
        self.failures += 1
        self.delivered += delivered
        again = delivered == 0 and self._pause > 0
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS) if again else FIRST_PAUSE_SECONDS
        self._not_before = asyncio.get_running_loop().time() + self._pause
        return delivered

    @property
    def _is_pausing(self) -> bool:
        return asyncio.get_running_loop().time() < self._not_before

    async def _read(self, after: int, *, limit: int) -> Sequence[OutboxRow]:
        async with answered_within(self._config.store_timeout):
            return await self.outbox.read_outbox(after=after, limit=limit)

    async def _advance(self, claim: RelayClaim, position: int, *, lease_ms: int) -> bool:
        async with answered_within(self._config.store_timeout):
            return await self.outbox.advance_relay(
                self.sink.name,
                fence=claim.fence,
                position=position,
                now_ms=self._clock.now_ms(),
                lease_ms=lease_ms,
            )

    async def _release(self, claim: RelayClaim) -> None:
        """So that nobody has to wait for the lease to end, when this courier stops in the middle of it."""
        try:
            await self._advance(claim, self._position, lease_ms=0)
        except Exception as error:  # a store that is down now; the lease ends by itself
            _log.info("relay_lease_left", sink=self.sink.name, error=type(error).__name__)
