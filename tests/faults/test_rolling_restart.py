# SPDX-License-Identifier: Apache-2.0
"""Two instances under load that are stopped by SIGTERM and started again in turn: one turn always, twenty with
TESSERA_FAULTS=1. Clients notice nothing but a port that takes no connections while its instance is away."""

import asyncio
import contextlib
import os
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from e2e.process import ALL, ServiceProcess
from e2e.shared_stores import shared_stores
from figures import Tell

pytestmark = pytest.mark.slow

TURNS: Final = 20 if os.environ.get("TESSERA_FAULTS") == "1" else 1
CLIENTS: Final = 8
CALL_SECONDS: Final = 30
FRESH_SECONDS: Final = 1.0
SETTINGS: Final = {"RATE_LIMIT": "off", "ISSUER": "https://issuer.example", "REFRESH_REUSE_GRACE": "5m"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(params=["sqlite", "postgresql"])
def instances(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sequence[ServiceProcess]]:
    """Two instances on ports of their own, which they come back to, over one data directory or over PostgreSQL."""
    with contextlib.ExitStack() as stack:
        settings = dict(SETTINGS)
        if request.param == "postgresql":
            settings |= stack.enter_context(shared_stores("postgresql", tmp_path))
        services = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            data_dir = tmp_path / ("data" if request.param == "sqlite" else f"{name}-data")
            service = ServiceProcess(tmp_path / name, "--port", str(free_port()), settings=settings, data_dir=data_dir)
            stack.callback(service.clean_up)
            services.append(service.start())
        yield services


@dataclass
class Clients:
    """Callers that take the instances in turn. A connection that is refused by an instance that is away goes to the
    other; a call whose kept connection is closed before the first byte of its answer is sent once more."""

    services: Sequence[ServiceProcess]
    bearer: str
    http: httpx.AsyncClient
    away: set[str] = field(default_factory=set)  # the URLs of those that were told to stop and do not listen again
    counted: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    alive: dict[str, str] = field(default_factory=dict)  # access tokens of sessions that nobody revoked
    dead: list[str] = field(default_factory=list)
    is_over: bool = False

    async def call(self, number: int, path: str, body: object, *, bearer: str | None = None) -> httpx.Response | None:
        """The answer of whichever instance answers. None, and a failure, if none does."""
        for attempt in range(4):
            url = self.services[(number + attempt) % len(self.services)].url
            was_away = url in self.away
            try:
                answer = await self._send(url + path, body, bearer or self.bearer)
            except httpx.ConnectError as error:
                if not (was_away or url in self.away):
                    self.failures.append(f"{path}: {url} is not away, and refuses: {error!r}")
                self.counted["refused"] += 1
                continue
            except httpx.TransportError as error:
                self.failures.append(f"{path}: {error!r}, {'away' if url in self.away else 'not away'}")
                return None
            self.counted[f"answered {answer.status_code}"] += 1
            return answer
        self.failures.append(f"{path}: nobody listens")
        return None

    async def _send(self, url: str, body: object, bearer: str) -> httpx.Response:
        headers = {"x-tenant-id": "default", "x-request-id": "rolling", "authorization": f"Bearer {bearer}"}
        try:
            return await self.http.post(url, json=body, headers=headers)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            self.counted["sent once more"] += 1
            return await self.http.post(url, json=body, headers=headers)

    async def work(self, client: int) -> None:
        """Sessions that are made, asked about, renewed, and every other one revoked."""
        number = client
        while not self.is_over:
            number += 1
            await self._live(f"client-{client}", number)

    async def _live(self, subject: str, number: int) -> None:
        pair = await self._pair(number, "/v1/token", {"sub": subject})
        await asyncio.sleep(0.01)
        if not pair:
            return
        renewed = await self._pair(number + 1, "/v1/token/refresh", None, bearer=pair["refresh_token"])
        if not renewed:
            return
        await self._expect_active(number, renewed["access_token"])
        if number % 2:
            self.alive[pair["session_id"]] = renewed["access_token"]
            return
        answer = await self.call(number, "/v1/token/revoke", {"session_id": pair["session_id"]})
        if answer is not None and self._is(answer, 204):
            self.dead.append(renewed["access_token"])

    async def _pair(self, number: int, path: str, body: object, *, bearer: str | None = None) -> dict[str, Any]:
        answer = await self.call(number, path, body, bearer=bearer)
        data: dict[str, Any] = answer.json()["data"] if answer is not None and self._is(answer, 200) else {}
        return data

    async def _expect_active(self, number: int, token: str) -> None:
        answer = await self.call(number, "/v1/token/introspect", {"token": token})
        if answer is not None and self._is(answer, 200) and not answer.json()["active"]:
            self.failures.append("a live session is told to be dead")

    def _is(self, answer: httpx.Response, status: int) -> bool:
        if answer.status_code != status:
            self.failures.append(f"{answer.request.url}: {answer.status_code} {answer.text}")
        return answer.status_code == status


async def restart(clients: Clients, service: ServiceProcess) -> float:
    """SIGTERM, and the same again; how long it was away."""
    clients.away.add(service.url)
    began = time.monotonic()
    status = await asyncio.to_thread(service.stop)
    if status != 0:
        clients.failures.append(f"the status is {status}")
    await asyncio.to_thread(service.start)
    clients.away.discard(service.url)
    return time.monotonic() - began


async def roll(services: Sequence[ServiceProcess]) -> tuple[Clients, list[float]]:
    """The load, and beside it each instance in turn."""
    limits = httpx.Limits(max_connections=4 * CLIENTS, keepalive_expiry=60)
    async with httpx.AsyncClient(limits=limits, timeout=CALL_SECONDS) as http:
        clients = Clients(services, services[0].mint(*ALL), http)
        working = [asyncio.create_task(clients.work(number)) for number in range(CLIENTS)]
        await asyncio.sleep(0.5)
        seconds = []
        for _ in range(TURNS):
            for service in services:
                seconds.append(await restart(clients, service))
                await asyncio.sleep(0.3)
        clients.is_over = True
        await asyncio.gather(*working)
        await asyncio.sleep(FRESH_SECONDS)
        await check_end(clients)
        return clients, seconds


async def check_end(clients: Clients) -> None:
    """Every instance knows what became of every session."""
    for number in range(len(clients.services)):
        for token in clients.alive.values():
            await clients._expect_active(number, token)
        for token in clients.dead:
            answer = await clients.call(number, "/v1/token/introspect", {"token": token})
            if answer is None or answer.json() != {"active": False}:
                clients.failures.append("a revoked session lives")


def test_instances_that_are_restarted_in_turn_fail_no_request(instances: Sequence[ServiceProcess], tell: Tell) -> None:
    clients, seconds = asyncio.run(roll(instances))
    restarts = f"{len(seconds)} restarts, away for {min(seconds):.1f} to {max(seconds):.1f} s"
    sessions = f"{len(clients.alive)} sessions alive, {len(clients.dead)} revoked"
    tell(f"{restarts}; {sessions}; {dict(clients.counted)}; {len(clients.failures)} failures {clients.failures[:5]}")
    assert clients.failures == []
    assert len(seconds) == 2 * TURNS
    assert clients.counted["refused"]  # the load did meet the restarts
    assert clients.alive
    assert clients.dead
