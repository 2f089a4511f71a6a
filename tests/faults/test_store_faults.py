# SPDX-License-Identifier: Apache-2.0
"""Two instances, each with a fault proxy between itself and the store of the sessions that they share, PostgreSQL or
Redis, under load: a few faults always, a thousand with TESSERA_FAULTS=1. What clients saw is held against the promises
(`history.py`)."""

import asyncio
import contextlib
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

import tessera_service.storage.redis
from e2e.process import ALL, ServiceProcess
from e2e.shared_stores import SHARED_STORES, shared_stores
from faults.history import ANSWER_SECONDS, TENANTS, History, Instances
from faults.outages import SETTINGS, a_client, actors_at_work, recover
from faults.proxy import Fault, FaultProxy
from figures import Tell
from tessera_service.storage.redis.scripts import script

pytestmark = pytest.mark.slow

FAULTS: Final = 1000 if os.environ.get("TESSERA_FAULTS") == "1" else 20


@dataclass(frozen=True)
class Site:
    """Two instances and what stands between them and their store."""

    store: str
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
        yield Site(request.param, services, proxies)


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


async def live_through(site: Site, history: History) -> str:
    """Clients and faults together; the figures of it."""
    bearers = {tenant: site.services[0].mint(*ALL, tenant=tenant) for tenant in TENANTS}
    async with a_client() as client:
        instances = Instances(client, [service.url for service in site.services], bearers, history)
        async with actors_at_work(instances):
            met = await plague(site.proxies, random.Random(7))
            recovery = await recover(instances)
    faults = ", ".join(f"{fault} {count}" for fault, count in met.items())
    assert met.total() == FAULTS, f"too few faults met anybody: {faults}"
    return f"{met.total()} faults ({faults}); {history}; issued again after {recovery:.2f} s"


def test_clients_of_two_instances_see_every_promise_kept(site: Site, tell: Tell) -> None:
    history = History()
    figures = asyncio.run(live_through(site, history))
    tell(f"{site.store}, {figures}")
    assert not history.violations, figures
    assert history.counted["revocations acknowledged"] > FAULTS / 20, figures
    assert history.slowest < ANSWER_SECONDS, figures
