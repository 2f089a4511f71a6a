# SPDX-License-Identifier: Apache-2.0
"""Two instances over one PostgreSQL that ends at once (`immediate`) or hangs, under load: twice each always, 50 times
with TESSERA_FAULTS=1. What clients saw is held against the promises (`history.py`)."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pytest

from e2e.process import ALL, ServiceProcess
from faults.history import ANSWER_SECONDS, TENANTS, History
from faults.outages import SETTINGS, live_through
from figures import Tell
from postgres import PASSWORD, PostgresServer

pytestmark = pytest.mark.slow

ROUNDS: Final = 50 if os.environ.get("TESSERA_FAULTS") == "1" else 2


@dataclass(frozen=True)
class Site:
    """Two instances and their server."""

    services: Sequence[ServiceProcess]
    server: PostgresServer
    bearers: Mapping[str, str]  # by tenant

    async def end_at_once(self, chance: random.Random) -> None:
        await asyncio.to_thread(self.server.stop, signal.SIGQUIT)
        await asyncio.sleep(chance.uniform(0.1, 1.5))
        await asyncio.to_thread(self.server.start)

    async def hang(self, chance: random.Random) -> None:
        with self.server.hung():
            await asyncio.sleep(chance.uniform(1.8, 4))  # longer than a call may take


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    server = PostgresServer()
    services: list[ServiceProcess] = []
    try:
        server.start()
        with server.database(template=server.template) as url:
            settings = SETTINGS | {"DATABASE_URL": url, "TESSERA_MASTER_KEY": bytes(range(32)).hex()}
            try:
                for name in ("one", "two"):
                    (folder / name).mkdir()
                    services.append(ServiceProcess(folder / name, settings=settings))
                    services[-1].start()
                for tenant in TENANTS:
                    assert services[0].command("tenants", "add", tenant).returncode == 0
                yield Site(services, server, {tenant: services[0].mint(*ALL, tenant=tenant) for tenant in TENANTS})
            finally:
                for service in services:
                    service.clean_up()
    finally:
        server.remove()


@pytest.mark.parametrize("fault", ["end_at_once", "hang"])
def test_clients_of_two_instances_see_every_promise_kept(site: Site, fault: str, tell: Tell) -> None:
    history = History()
    figures = asyncio.run(
        live_through(site.services, site.bearers, getattr(site, fault), rounds=ROUNDS, history=history)
    )
    tell(f"PostgreSQL, {fault}: {figures}")
    assert not history.violations, figures
    assert history.counted["revocations acknowledged"] >= ROUNDS, figures
    assert history.counted["answers 503"] >= ROUNDS, figures
    assert history.slowest < ANSWER_SECONDS, figures
    assert all(PASSWORD not in service.log_text for service in site.services)
