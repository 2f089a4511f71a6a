# SPDX-License-Identifier: Apache-2.0
"""Two instances over one Redis that is killed, stopped, full or emptied, under load: once each always, 50 times with
TESSERA_FAULTS=1. What clients saw is held against the promises (`history.py`)."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pytest

from e2e.process import ALL, ServiceProcess
from faults.history import ANSWER_SECONDS, FRESH_SECONDS, TENANTS, History, Instances
from faults.outages import SETTINGS, a_client, live_through, recover
from figures import Tell
from redis_server import RedisServer, redis_server

pytestmark = pytest.mark.slow

ROUNDS: Final = 50 if os.environ.get("TESSERA_FAULTS") == "1" else 1


@dataclass(frozen=True)
class Site:
    """Two instances and their Redis."""

    services: Sequence[ServiceProcess]
    redis: RedisServer
    bearers: Mapping[str, str]  # by tenant


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Redis keeps what it acknowledges."""
    folder = tmp_path_factory.mktemp("site")
    options = ("--save", "", "--appendonly", "yes", "--appendfsync", "always")
    services: list[ServiceProcess] = []
    with redis_server(folder / "redis", *options) as server:
        settings = SETTINGS | {"SESSION_STORAGE_TYPE": "redis", "REDIS_URL": server.url, "REDIS_PARTITIONS": "3"}
        try:
            for name in ("one", "two"):
                (folder / name).mkdir()
                services.append(ServiceProcess(folder / name, settings=settings, data_dir=folder / "data"))
                services[-1].start()
            for tenant in TENANTS:
                assert services[0].command("tenants", "add", tenant).returncode == 0
            yield Site(services, server, {tenant: services[0].mint(*ALL, tenant=tenant) for tenant in TENANTS})
        finally:
            for service in services:
                service.clean_up()


Fault = Callable[[RedisServer, random.Random], Awaitable[None]]


async def kill(server: RedisServer, chance: random.Random) -> None:
    server.stop()
    await asyncio.sleep(chance.uniform(0.1, 0.6))
    await asyncio.to_thread(server.start)


async def stop(server: RedisServer, seconds: float) -> None:
    os.kill(server.pid, signal.SIGSTOP)
    await asyncio.sleep(seconds)
    os.kill(server.pid, signal.SIGCONT)


async def stop_for_a_second(server: RedisServer, chance: random.Random) -> None:
    await stop(server, 1 + chance.random() / 10)


async def stop_for_five_seconds(server: RedisServer, chance: random.Random) -> None:
    await stop(server, 5 + chance.random() / 10)


async def run_out_of_memory(server: RedisServer, chance: random.Random) -> None:
    server.command("CONFIG", "SET", "maxmemory", "1mb")
    await asyncio.sleep(chance.uniform(0.3, 1))
    server.command("CONFIG", "SET", "maxmemory", "0")


FAULTS: Final[dict[str, Fault]] = {
    "killed": kill,
    "stopped for 1 s": stop_for_a_second,
    "stopped for 5 s": stop_for_five_seconds,
    "out of memory": run_out_of_memory,
}


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_clients_of_two_instances_see_every_promise_kept(site: Site, name: str, tell: Tell) -> None:
    history = History()
    fault = partial(FAULTS[name], site.redis)
    figures = asyncio.run(live_through(site.services, site.bearers, fault, rounds=ROUNDS, history=history))
    tell(f"Redis, {name}: {figures}")
    assert not history.violations, figures
    assert history.counted["revocations acknowledged"] >= ROUNDS, figures
    if FAULTS[name] is stop_for_a_second:  # shorter than a call may take: whoever asks has to wait
        assert history.slowest > 0.9, figures
    else:
        assert history.counted["answers 503"] >= ROUNDS, figures
    assert history.slowest < ANSWER_SECONDS, figures


def test_what_is_emptied_ends_every_session_and_revives_none(site: Site, tell: Tell) -> None:
    tell(f"Redis, emptied: {asyncio.run(_empty(site))}")


async def _empty(site: Site) -> str:
    history = History()
    tenant, revoked, slowest = TENANTS[0], 0, 0.0
    async with a_client() as client:
        instances = Instances(client, [service.url for service in site.services], site.bearers, history)
        before: list[str] = []
        for number in range(ROUNDS):
            issued = [await _issue(instances, tenant, f"user-{number}-{one}") for one in range(4)]
            for session_id, _ in issued[:2]:
                done = await instances.ask(number % 2, tenant, "/v1/token/revoke", {"session_id": session_id})
                assert done is not None
                assert done.status_code == 204
                revoked += 1
            before += [access for _, access in issued]
            site.redis.command("FLUSHALL")
            await asyncio.sleep(FRESH_SECONDS)
            slowest = max(slowest, await recover(instances))
            for access in before[-8:]:
                for instance in range(instances.count):
                    told = await instances.ask(instance, tenant, "/v1/token/introspect", {"token": access})
                    assert told is not None
                    assert told.json() == {"active": False}
        _, access = await _issue(instances, tenant, "after")
        for instance in range(instances.count):
            told = await instances.ask(instance, tenant, "/v1/token/introspect", {"token": access})
            assert told is not None
            assert told.json()["active"] is True
    assert not history.violations, str(history)
    return f"{ROUNDS} times; {revoked} revocations, 0 revived; issued again after {slowest:.2f} s at most; {history}"


async def _issue(instances: Instances, tenant: str, subject: str) -> tuple[str, str]:
    """Session and access token."""
    answer = await instances.ask(0, tenant, "/v1/token", {"sub": subject})
    assert answer is not None
    data = answer.json()["data"]
    return data["session_id"], data["access_token"]
