# SPDX-License-Identifier: Apache-2.0
"""Clients of instances whose store, or who themselves, are away again and again."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Final

import httpx

from e2e.process import ServiceProcess
from faults.history import FRESH_SECONDS, TENANTS, Actor, History, Instances

ACTORS: Final = 6
RECOVERY_SECONDS: Final = 10.0  # twice what is promised
# A kept connection is given up before the service does: else it may close just when it is used.
_LIMITS: Final = httpx.Limits(max_connections=4 * ACTORS, keepalive_expiry=1.0)
SETTINGS: Final = {
    "RATE_LIMIT": "off",
    "ISSUER": "https://issuer.example",
    "REFRESH_REUSE_GRACE": "5m",  # whoever got no answer asks again inside of it
}


def a_client() -> httpx.AsyncClient:
    """For all actors together."""
    return httpx.AsyncClient(timeout=30, limits=_LIMITS)


async def recover(instances: Instances) -> float:
    """Seconds until every instance issues again."""
    started = time.monotonic()
    for instance in range(instances.count):
        while await instances.ask(instance, TENANTS[0], "/v1/token", {"sub": "after"}) is None:
            assert time.monotonic() < started + RECOVERY_SECONDS, "the store is back, the instance is not"
            await asyncio.sleep(0.05)
    return time.monotonic() - started


@contextlib.asynccontextmanager
async def actors_at_work(instances: Instances) -> AsyncIterator[None]:
    """Clients live with the instances for as long as the block lasts. Afterwards, when all are well again, each looks
    at what became of its sessions."""
    actors = [Actor(instances, f"actor-{number}", random.Random(number)) for number in range(ACTORS)]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for actor in actors:
            group.create_task(actor.run(stop.is_set))
        yield
        stop.set()
    await recover(instances)
    await asyncio.sleep(FRESH_SECONDS)
    await asyncio.gather(*(actor.conclude() for actor in actors))


async def live_through(
    services: Sequence[ServiceProcess],
    bearers: Mapping[str, str],
    fault: Callable[[random.Random], Awaitable[None]],
    *,
    rounds: int,
    history: History,
) -> str:
    """Clients, and the fault again and again; the figures of it."""
    chance = random.Random(7)
    slowest_recovery = 0.0
    async with a_client() as client:
        instances = Instances(client, [service.url for service in services], bearers, history)
        async with actors_at_work(instances):
            for _ in range(rounds):
                await asyncio.sleep(chance.uniform(0.5, 1.5))
                await fault(chance)
                slowest_recovery = max(slowest_recovery, await recover(instances))
            await asyncio.sleep(0.5)
    return f"{rounds} times; {history}; issued again after {slowest_recovery:.2f} s at most"
