# SPDX-License-Identifier: Apache-2.0
"""Events as entries of a Redis stream: fields `id`, `type` and `event` (the CloudEvent)."""

import asyncio
from collections.abc import Sequence
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.typing import EncodableT, FieldT

from tessera_service.engine import CloudEvent, SinkFailed

NAME: Final = "redis_stream"
MAX_LENGTH: Final = 100_000  # about: Redis removes whole nodes. What was read or not, the oldest entries go first
TIMEOUT_SECONDS: Final = 3.0
_CONNECTIONS: Final = 4


class RedisStream:
    """A batch is written whole, in one transaction."""

    name = NAME
    timeout_seconds = TIMEOUT_SECONDS

    def __init__(self, url: str, stream: str) -> None:
        """ValueError if that is no URL of Redis; nothing is opened yet."""
        self._stream = stream
        self._redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS / 2,
            socket_connect_timeout=TIMEOUT_SECONDS / 2,
            max_connections=_CONNECTIONS,
            retry=Retry(NoBackoff(), 0),  # trying again is the relay's business
        )

    async def deliver(self, events: Sequence[CloudEvent]) -> int:
        """Appends all, or none."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS), self._redis.pipeline(transaction=True) as pipeline:
                for event in events:
                    pipeline.xadd(self._stream, _fields(event), maxlen=MAX_LENGTH, approximate=True)
                await pipeline.execute()
        except (RedisError, OSError) as error:  # a text of Redis may repeat what was sent
            raise SinkFailed(type(error).__name__) from None
        return len(events)

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()


def _fields(event: CloudEvent) -> dict[FieldT, EncodableT]:
    return {"id": event.event_id, "type": event.type, "event": event.body}
