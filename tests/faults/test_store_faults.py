# SPDX-License-Identifier: Apache-2.0
"""Two instances, each with a fault proxy between itself and the store of the sessions that they share, PostgreSQL or
Redis, under load: a few faults always, a thousand with TESSERA_FAULTS=1. What clients saw is held against the promises
(`history.py`)."""

import asyncio
import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

import tessera_service.storage.redis
from e2e.process import ALL, ServiceProcess
from e2e.shared_stores import SHARED_STORES, shared_stores
from faults.history import ANSWER_SECONDS, FRESH_SECONDS, TENANTS, Actor, History, Instances
from faults.proxy import Fault, FaultProxy
from tessera_service.storage.redis.scripts import script

pytestmark = pytest.mark.slow

FAULTS: Final = 1000 if os.environ.get("TESSERA_FAULTS") == "1" else 30
ACTORS: Final = 6
RECOVERY_SECONDS: Final = 10.0  # twice what is promised
SETTINGS: Final = {
    "RATE_LIMIT": "off",
    "ISSUER": "https://issuer.example",
    "REFRESH_REUSE_GRACE": "5m",  # whoever got no answer asks again inside of it
}


@dataclass(frozen=True)
class Site:
    """Two instances and what stands between them and their store."""

    services: Sequence[ServiceProcess]
    proxies: Sequence[FaultProxy]


def commits(name: str) -> Callable[[bytes], bool]:
    """Whether a request asks for what was done last to be made so (PostgreSQL), or for a step that writes (Redis)."""
    if name == "DATABASE_URL":
        return lambda request: b"COMMIT" in request
    files = Path(tessera_service.storage.redis.__file__).parent.glob("lua/*.lua")
    names = [path.stem for path in files if "no-writes" not in path.read_text().partition("\n")[0]]
    steps = [script(step).digest.encode() for step in names if step != "library"]
    return lambda request: any(step in request for step in steps)


@pytest.fixture(params=SHARED_STORES)
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """Two instances over PostgreSQL, or over a Redis with their sessions."""
    name = "REDIS_URL" if request.param == "redis" else "DATABASE_URL"
    with contextlib.ExitStack() as stack:
        settings = SETTINGS | stack.enter_context(shared_stores(request.param, tmp_path))
        port = urlsplit(settings[name]).port
        assert port is not None
        services, proxies = [], []
        for folder in (tmp_path / "one", tmp_path / "two"):
            proxy = stack.enter_context(FaultProxy(("127.0.0.1", port), commits=commits(name)))
            folder.mkdir()
            own = settings | {name: settings[name].replace(f":{port}/", f":{proxy.port}/")}
            service = ServiceProcess(folder, settings=own)
            stack.callback(service.clean_up)
            services.append(service.start())
            proxies.append(proxy)
        for tenant in TENANTS:
            assert services[0].command("tenants", "add", tenant).returncode == 0
        yield Site(services, proxies)


async def plague(proxies: Sequence[FaultProxy], chance: random.Random) -> Counter[Fault]:
    """Fault after fault, until FAULTS of them met a connection."""
    met: Counter[Fault] = Counter()
    for number in range(4 * FAULTS):
        if met.total() == FAULTS:
            break
        fault = list(Fault)[number % len(Fault)]
        hit = [chance.choice(proxies)] if chance.random() < 0.7 else list(proxies)
        before = sum(proxy.met[fault] for proxy in hit)
        for proxy in hit:
            proxy.inject(fault)
        # Longer than any of our deadlines now and then.
        await asyncio.sleep(3.0 if fault is Fault.BLACK_HOLE and chance.random() < 0.1 else chance.uniform(0.05, 0.3))
        for proxy in hit:
            proxy.heal()
        met[fault] += sum(proxy.met[fault] for proxy in hit) > before
        await asyncio.sleep(chance.uniform(0.0, 0.2))
    return met


async def recover(instances: Instances) -> float:
    """Seconds until every instance issues again."""
    started = time.monotonic()
    for instance in range(instances.count):
        while await instances.ask(instance, TENANTS[0], "/v1/token", {"sub": "after"}) is None:
            assert time.monotonic() < started + RECOVERY_SECONDS, "the store is back, the instance is not"
            await asyncio.sleep(0.05)
    return time.monotonic() - started


async def live_through(site: Site, history: History, seed: int) -> str:
    """Clients and faults together; the figures of it."""
    chance = random.Random(seed)
    bearers = {tenant: site.services[0].mint(*ALL, tenant=tenant) for tenant in TENANTS}
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=4 * ACTORS)) as client:
        instances = Instances(client, [service.url for service in site.services], bearers, history)
        actors = [Actor(instances, f"actor-{number}", random.Random(seed + number)) for number in range(ACTORS)]
        stop = asyncio.Event()
        running = [asyncio.create_task(actor.run(stop.is_set)) for actor in actors]
        met = await plague(site.proxies, chance)
        recovery = await recover(instances)
        stop.set()
        await asyncio.gather(*running)
        await asyncio.sleep(FRESH_SECONDS)
        await asyncio.gather(*(actor.conclude() for actor in actors))
    faults = ", ".join(f"{fault} {count}" for fault, count in met.items())
    assert met.total() == FAULTS, f"too few faults met anybody: {faults}"
    return f"{met.total()} faults ({faults}); issued again after {recovery:.2f} s; {history}"


def test_clients_of_two_instances_see_every_promise_kept(site: Site) -> None:
    history = History()
    figures = asyncio.run(live_through(site, history, seed=7))
    print(figures)
    assert not history.violations, figures
    assert history.counted["revocations acknowledged"] > FAULTS / 20, figures
    assert history.slowest < ANSWER_SECONDS, figures
