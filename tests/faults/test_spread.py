# SPDX-License-Identifier: Apache-2.0
"""How long what one of four instances acknowledged as revoked lives on at the other three, under load: some revocations
always, ten thousand with TESSERA_FAULTS=1."""

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from e2e.process import ALL, ServiceProcess
from e2e.shared_stores import SHARED_STORES, shared_stores
from faults.history import FRESH_SECONDS, TENANTS, Actor, History, Instances
from figures import Tell

pytestmark = pytest.mark.slow

REVOCATIONS: Final = 10_000 if os.environ.get("TESSERA_FAULTS") == "1" else 40
AT_ONCE: Final = 4
ACTORS: Final = 2  # who sign in, refresh, ask and sign out meanwhile
PATIENCE_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 0.01  # between two questions
SETTINGS: Final = {"RATE_LIMIT": "off", "ISSUER": "https://issuer.example"}


@dataclass
class Spread:
    """Seconds from the acknowledgement on, one of each for each revocation and each other instance."""

    last_yes: list[float] = field(default_factory=list)  # when the last question was sent that was answered "active"
    first_no: list[float] = field(default_factory=list)  # when the first refusal arrived
    unanswered: int = 0

    def __str__(self) -> str:
        return (
            f"{len(self.first_no)} times seen at another instance: refusal arrived {_percentiles(self.first_no)}; asked"
            f" last and still active {_percentiles(self.last_yes)}; {self.unanswered} x 503"
        )


def _percentiles(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p50, p99 = (1000 * ordered[int(len(ordered) * part)] for part in (0.5, 0.99))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {1000 * ordered[-1]:.0f} ms"


@pytest.fixture(params=SHARED_STORES)
def services(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Sequence[ServiceProcess]]:
    """Four instances on the same stores."""
    with contextlib.ExitStack() as stack:
        settings = SETTINGS | stack.enter_context(shared_stores(request.param, tmp_path))
        started = []
        for name in ("one", "two", "three", "four"):
            (tmp_path / name).mkdir()
            service = ServiceProcess(tmp_path / name, settings=settings)
            stack.callback(service.clean_up)
            started.append(service.start())
        for tenant in TENANTS:
            assert started[0].command("tenants", "add", tenant).returncode == 0
        yield started


class Revoker:
    """Makes sessions that every instance knows, and has them revoked one after another."""

    def __init__(self, instances: Instances, name: str, spread: Spread) -> None:
        self._instances = instances
        self._name = name
        self._spread = spread
        self._chance = random.Random(name)

    async def run(self, revocations: int) -> None:
        done = 0
        for number in range(4 * revocations):
            if done == revocations:
                break
            done += await self._revoke_one(f"{self._name}-{number}")
        assert done == revocations, "too few revocations were acknowledged"

    async def _revoke_one(self, subject: str) -> bool:
        """Whether it was acknowledged."""
        revoking, *others = self._chance.sample(range(self._instances.count), self._instances.count)
        made = await self._ask(revoking, "/v1/token", {"sub": subject})
        if made is None:
            return False
        token, session_id = made["data"]["access_token"], made["data"]["session_id"]
        for other in others:  # who has never seen a token cannot take it for alive
            said = await self._ask(other, "/v1/token/introspect", {"token": token})
            assert said is None or said["active"]
        body = self._chance.choice(({"session_id": session_id}, {"sub": subject}, {"token": token}))
        if await self._ask(revoking, "/v1/token/revoke", body) is None:
            return False
        acknowledged = time.monotonic()
        await asyncio.gather(*(self._watch(other, token, acknowledged) for other in others))
        return True

    async def _watch(self, instance: int, token: str, acknowledged: float) -> None:
        last_yes = 0.0
        while True:
            sent = time.monotonic() - acknowledged
            said = await self._ask(instance, "/v1/token/introspect", {"token": token})
            if said == {"active": False}:
                break
            if said is not None:
                last_yes = sent
            assert sent < PATIENCE_SECONDS, "it is never seen"
            await asyncio.sleep(PAUSE_SECONDS)
        self._spread.first_no.append(time.monotonic() - acknowledged)
        self._spread.last_yes.append(last_yes)

    async def _ask(self, instance: int, path: str, body: object) -> dict[str, Any] | None:
        """None: 503. An acknowledgement has no members."""
        answer = await self._instances.ask(instance, TENANTS[0], path, body)
        if answer is None:
            self._spread.unanswered += 1
            return None
        assert answer.is_success, answer.text
        said: dict[str, Any] = answer.json() if answer.content else {}
        return said


async def revoke_under_load(services: Sequence[ServiceProcess], history: History, spread: Spread) -> None:
    bearers = {tenant: services[0].mint(*ALL, tenant=tenant) for tenant in TENANTS}
    async with httpx.AsyncClient(timeout=30) as client:
        instances = Instances(client, [service.url for service in services], bearers, history)
        stop = asyncio.Event()
        actors = [Actor(instances, f"actor-{number}", random.Random(number)) for number in range(ACTORS)]
        load = [asyncio.create_task(actor.run(stop.is_set)) for actor in actors]
        revokers = [Revoker(instances, f"revoker-{number}", spread) for number in range(AT_ONCE)]
        await asyncio.gather(*(revoker.run(REVOCATIONS // AT_ONCE) for revoker in revokers))
        stop.set()
        await asyncio.gather(*load)


def test_what_one_instance_revokes_three_others_refuse_in_time(services: Sequence[ServiceProcess], tell: Tell) -> None:
    history, spread = History(), Spread()
    asyncio.run(revoke_under_load(services, history, spread))
    tell(f"{REVOCATIONS} revocations; {spread}; meanwhile {history}")
    assert len(spread.first_no) == 3 * REVOCATIONS
    # The promise is about questions; when their answers arrive is the machine's affair.
    assert max(spread.last_yes) < FRESH_SECONDS, str(spread)
    assert not history.violations, str(history)
    assert history.counted["sessions"] >= 2 * ACTORS, "there was no load"
