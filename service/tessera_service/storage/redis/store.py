# SPDX-License-Identifier: Apache-2.0
"""What the store has besides sessions: its life, its partitions, and their logs and outboxes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

from tessera_service.errors import StoreUnavailable
from tessera_service.models import LogPage, OutboxRow, OutboxSize, RelayClaim
from tessera_service.storage.redis.hints import StreamHints
from tessera_service.storage.redis.partition import Partition
from tessera_service.storage.redis.server import Server

MAX_PARTITIONS: Final = 256  # the last byte of a session's id says which


class RedisStore:
    """Partitions of a server or cluster. With one, its log and outbox are the store's; with more, `parts` has them."""

    def __init__(
        self, url: str, *, directory_id: Callable[[], Awaitable[str]], partitions: int = 1, timeout_ms: int = 1500
    ) -> None:
        """`directory_id`: asked when the store is opened. ValueError if that is no URL of Redis."""
        if not 1 <= partitions <= MAX_PARTITIONS:
            raise ValueError(f"there are 1 to {MAX_PARTITIONS} partitions")
        self._server = Server(url, partitions=partitions, timeout_seconds=timeout_ms / 1000)
        self._directory_id = directory_id
        self._hints = StreamHints([f"{{tessera:{number}}}:log".encode() for number in range(partitions)])
        self.parts: Final = tuple(Partition(self._server, number) for number in range(partitions))

    @property
    def log_key(self) -> str:
        return self.parts[0].log_key

    @property
    def outbox_key(self) -> str:
        return self.parts[0].outbox_key

    async def open(self) -> None:
        await self._server.open(await self._directory_id())

    async def close(self) -> None:
        await self._server.close()

    async def ping(self) -> None:
        await self._ask_all("outbox_size", {})

    def partition_of(self, tenant_id: str, subject: str) -> int | None:
        """What the ids of the subject's sessions have to carry; None: nothing."""
        if len(self.parts) == 1:
            return None
        digest = hashlib.sha256(f"{tenant_id}\0{subject}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % len(self.parts)

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        return await self._only.read_log(after=after, limit=limit)

    async def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        async for page in self._only.read_log_snapshot():
            yield page

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        return await self._only.purge_log(now=now, limit=limit)

    async def renew_log(self, *, log_id: str) -> None:
        await self._only.renew_log(log_id=log_id)

    async def wait_for_entry(self, *, seconds: float) -> bool:
        if self._server.is_cluster:  # one command cannot wait at several nodes
            await asyncio.sleep(seconds)
            return False
        return await self._server.wait_for_entry(self._hints, seconds=seconds)

    async def read_outbox(self, *, after: int, limit: int = 100) -> Sequence[OutboxRow]:
        return await self._only.read_outbox(after=after, limit=limit)

    async def claim_relay(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        return await self._only.claim_relay(sink, holder=holder, now_ms=now_ms, lease_ms=lease_ms)

    async def advance_relay(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        return await self._only.advance_relay(sink, fence=fence, position=position, now_ms=now_ms, lease_ms=lease_ms)

    async def outbox_size(self) -> OutboxSize:
        return await self._only.outbox_size()

    async def purge_outbox(self, *, before_ms: int, limit: int = 500) -> int:
        return await self._only.purge_outbox(before_ms=before_ms, limit=limit)

    async def erase_events(self, tenant_id: str, user_id: str, *, limit: int = 500) -> int:
        return await self._of_subject(tenant_id, user_id).erase_events(tenant_id, user_id, limit=limit)

    @property
    def _only(self) -> Partition:
        """Whoever asks a store of several partitions for its one log has forgotten the others."""
        if len(self.parts) > 1:
            raise StoreUnavailable("the store has a log and an outbox for each of its partitions")
        return self.parts[0]

    async def _ask_all(self, name: str, given: dict[str, Any]) -> Sequence[Any]:
        """The answer of each partition, all asked at once."""
        return await asyncio.gather(*(part.step(name, given) for part in self.parts))

    def _of_subject(self, tenant_id: str, subject: str) -> Partition:
        return self.parts[self.partition_of(tenant_id, subject) or 0]

    def _of_session(self, session_id: str) -> Partition | None:
        """None for what can be no session's id."""
        if len(self.parts) == 1:
            return self.parts[0]
        try:
            number = UUID(session_id).int & 0xFF
        except ValueError:
            return None
        return self.parts[number] if number < len(self.parts) else None
