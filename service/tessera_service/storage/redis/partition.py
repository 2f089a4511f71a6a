# SPDX-License-Identifier: Apache-2.0
"""One partition: the keys of one slot, with a revocation log and an outbox of its own."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogPage, OutboxRow, OutboxSize, RelayClaim
from tessera_service.storage.redis.rows import entry_of, outbox_row_of
from tessera_service.storage.redis.server import Server

_PAGE: Final = 1000


class Partition:
    """A `RevocationLog` and an `Outbox`."""

    def __init__(self, server: Server, number: int) -> None:
        self._server = server
        self.number = number

    @property
    def log_key(self) -> str:
        return f"{self._server.name}#{self.number}"

    @property
    def outbox_key(self) -> str:
        return self.log_key

    async def step(self, name: str, given: dict[str, Any], *more: bytes) -> Any:
        """Runs one step here; without the None of what it is given."""
        known = {key: value for key, value in given.items() if value is not None}
        return await self._server.step(self.number, name, json.dumps(known).encode(), *more)

    async def write_marks(self) -> None:
        """Writes "revoked:<jti>" for what was revoked, where a step cannot do it: in a cluster it lives elsewhere."""
        if not self._server.is_cluster:
            return
        while marks := await self.step("read_marks", {}):
            found = {jti: int(expires_at) for jti, expires_at in zip(*[iter(marks)] * 2, strict=True)}
            await self._server.mark(self.number, found)
            await self.step("drop_marks", {"jtis": [jti.decode() for jti in found]})

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        return await self._read_log(after=after, limit=limit, until=None)

    async def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        # Up to `head` entries only ever go, by purge: pages are steps of their own.
        first = page = await self.read_log(after=0, limit=_PAGE)
        yield first
        while len(page.entries) == _PAGE and page.entries[-1].sequence < first.head:
            page = await self._read_log(after=page.entries[-1].sequence + 1, limit=_PAGE, until=first.head)
            if page.log_id != first.log_id:
                raise StoreUnavailable("the log was replaced while it was read")
            yield LogPage(first.log_id, first.head, page.entries)

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        return int(await self.step("purge_log", {"now": now, "limit": limit}))

    async def renew_log(self, *, log_id: str) -> None:
        await self.step("renew_log", {"log_id": log_id})

    async def read_outbox(self, *, after: int, limit: int = 100) -> Sequence[OutboxRow]:
        found = await self.step("read_outbox", {"after": max(after, 0), "limit": limit})
        return [outbox_row_of(row) for row in found]

    async def claim_relay(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        given = {"sink": sink, "holder": holder, "now_ms": now_ms, "lease_ms": lease_ms}
        claim = await self.step("claim_relay", given)
        return None if claim is None else RelayClaim(*claim)

    async def advance_relay(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        given = {"sink": sink, "fence": fence, "position": position, "now_ms": now_ms, "lease_ms": lease_ms}
        return bool(await self.step("advance_relay", given))

    async def outbox_size(self) -> OutboxSize:
        rows, head, relays = await self.step("outbox_size", {})
        positions = {sink.decode(): int(json.loads(relay)[0]) for sink, relay in zip(*[iter(relays)] * 2, strict=True)}
        return OutboxSize(rows, int(head), positions)

    async def purge_outbox(self, *, before_ms: int, limit: int = 500) -> int:
        return int(await self.step("purge_outbox", {"before_ms": before_ms, "limit": limit}))

    async def erase_events(self, tenant_id: str, user_id: str, *, limit: int = 500) -> int:
        return int(await self.step("erase_events", {"tenant": tenant_id, "subject": user_id, "limit": limit}))

    async def _read_log(self, *, after: int, limit: int, until: int | None) -> LogPage:
        given = {"after": max(after, 0), "limit": limit, "until": until}
        log_id, head, entries = await self.step("read_log", given)
        return LogPage(log_id.decode(), int(head), tuple(entry_of(entry) for entry in entries))
