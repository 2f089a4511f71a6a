# SPDX-License-Identifier: Apache-2.0
"""`kill -9` of a service while it issues, refreshes and revokes, over SQLite and PostgreSQL: three times each always, a
hundred times with TESSERA_FAULTS=1. What was acknowledged is so after the next start; what was not is done or not done,
never half (`history.py`)."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from e2e.process import ALL, ServiceProcess
from e2e.shared_stores import shared_stores
from faults.history import TENANTS, History, Instances
from faults.outages import SETTINGS, a_client, actors_at_work
from figures import Tell

pytestmark = pytest.mark.slow

KILLS: Final = 100 if os.environ.get("TESSERA_FAULTS") == "1" else 3
BETWEEN: Final = 20  # acknowledged revocations before the next kill
PATIENCE_SECONDS: Final = 60.0


class Mortal(Instances):
    """One instance that may be away: no answer then is no promise broken."""

    async def ask(
        self, instance: int, tenant: str, path: str, body: object = None, *, bearer: str | None = None
    ) -> httpx.Response | None:
        try:
            return await super().ask(instance, tenant, path, body, bearer=bearer)
        except httpx.TransportError:
            self.history.counted["broken off"] += 1
            await asyncio.sleep(0.05)
            return None


@pytest.fixture(params=["postgresql", "sqlite"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceProcess]:
    (tmp_path / "service").mkdir()
    if request.param == "sqlite":
        running = ServiceProcess(tmp_path / "service", settings=SETTINGS)
        yield running.start()
        running.clean_up()
        return
    with shared_stores(request.param, tmp_path) as settings:
        running = ServiceProcess(tmp_path / "service", settings=SETTINGS | settings)
        yield running.start()
        running.clean_up()


def test_a_kill_loses_nothing_that_was_acknowledged_and_leaves_nothing_half(
    service: ServiceProcess, tell: Tell
) -> None:
    history = History()
    figures = asyncio.run(kill_again_and_again(service, history))
    tell(f"{KILLS} kills: {figures}")
    assert not history.violations, figures
    assert history.counted["revocations acknowledged"] >= KILLS * BETWEEN, figures
    assert history.counted["broken off"] >= KILLS, figures


async def kill_again_and_again(service: ServiceProcess, history: History) -> str:
    """Clients of a service that is killed in their midst; the figures of it."""
    chance = random.Random(11)
    for tenant in TENANTS:
        assert service.command("tenants", "add", tenant).returncode == 0
    bearers = {tenant: service.mint(*ALL, tenant=tenant) for tenant in TENANTS}
    urls = [service.url]
    async with a_client() as client, actors_at_work(Mortal(client, urls, bearers, history)):
        for turn in range(1, KILLS + 1):
            deadline = time.monotonic() + PATIENCE_SECONDS
            while history.counted["revocations acknowledged"] < turn * BETWEEN:
                assert time.monotonic() < deadline, "nothing is acknowledged any more"
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0, 0.1))
            service.send(signal.SIGKILL)
            await asyncio.to_thread(service.wait)
            await asyncio.to_thread(service.start)
            urls[0] = service.url  # another port
    return str(history)
