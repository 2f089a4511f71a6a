# SPDX-License-Identifier: Apache-2.0
"""Events as signed POSTs, one each (CloudEvents over HTTP, structured mode)."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Final

from tessera_service.engine import CONTENT_TYPE, CloudEvent, SinkFailed
from tessera_service.webhook import CONNECTIONS, Webhook, WebhookFailed

NAME: Final = "webhook"


class WebhookSink:
    """Events of different sessions are sent at the same time, those of one session one after another."""

    name = NAME

    def __init__(self, webhook: Webhook, *, timeout_seconds: float) -> None:
        self._webhook = webhook
        # Within the first quarter posts are begun, and the last of them has all its time (and a moment to end in).
        self._begin_seconds = timeout_seconds / 4
        self.timeout_seconds = timeout_seconds * 1.25 + 0.25

    async def deliver(self, events: Sequence[CloudEvent]) -> int:
        """After the first failure nothing more is begun. An event that was sent although one before it failed is sent
        again, after that one."""
        batch = _Batch(events)
        stops_at = asyncio.get_running_loop().time() + self._begin_seconds
        async with asyncio.TaskGroup() as senders:
            for _ in range(min(CONNECTIONS, len(events))):
                senders.create_task(self._send(batch, stops_at))
        if batch.failure is not None:
            raise SinkFailed(batch.failure, delivered=batch.delivered)
        return batch.delivered

    async def close(self) -> None:
        """Releases the connections."""
        await self._webhook.close()

    async def _send(self, batch: "_Batch", stops_at: float) -> None:
        loop = asyncio.get_running_loop()
        while batch.failure is None and (loop.time() < stops_at or not batch.begun):
            number = batch.take()
            if number is None:
                return
            try:
                await self._webhook.post(batch.events[number].body, content_type=CONTENT_TYPE)
            except WebhookFailed as failed:
                batch.failure = failed.reason
            else:
                batch.confirm(number)


class _Batch:
    """Who takes the next event that may be sent: of each order only the first that is not confirmed."""

    def __init__(self, events: Sequence[CloudEvent]) -> None:
        self.events = events
        self.failure: str | None = None
        self._confirmed: set[int] = set()
        self._waiting = list(range(len(events)))
        self._on_its_way: set[str] = set()
        self.begun = False

    def take(self) -> int | None:
        """The next one; None if there is none, or all that are left wait for one on its way, whose sender goes on."""
        for number in self._waiting:
            order = self.events[number].order
            if order not in self._on_its_way:
                self._on_its_way.add(order)
                self._waiting.remove(number)
                self.begun = True
                return number
        return None

    def confirm(self, number: int) -> None:
        """That one has arrived: the next of its order may follow."""
        self._confirmed.add(number)
        self._on_its_way.discard(self.events[number].order)

    @property
    def delivered(self) -> int:
        """How many of the first events have arrived."""
        return sum(1 for _ in itertools.takewhile(self._confirmed.__contains__, range(len(self.events))))
