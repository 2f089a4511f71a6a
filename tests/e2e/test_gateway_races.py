# SPDX-License-Identifier: Apache-2.0
"""Sessions of a gateway against two processes that share one database."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from e2e.process import ServiceProcess

pytestmark = pytest.mark.slow

PERMISSIONS = ("token.generate", "session.read:any")
CREATES = 50
LIMIT = 5


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServiceProcess, ServiceProcess]]:
    """Two processes on one data directory."""
    folder = tmp_path_factory.mktemp("gateway")
    settings = {"RATE_LIMIT": "off", "ISSUER": "https://issuer.example"}
    started = []
    try:
        for name in ("one", "two"):
            (folder / name).mkdir()
            running = ServiceProcess(folder / name, data_dir=folder / "data", settings=settings)
            started.append(running)
            running.start()
        yield started[0], started[1]
    finally:
        for running in started:
            running.clean_up()


class Gateway:
    """One gateway that talks to both."""

    def __init__(self, client: httpx.AsyncClient, urls: tuple[str, str], bearer: str) -> None:
        self._client = client
        self._urls = urls
        self._bearer = {"Authorization": f"Bearer {bearer}"}

    async def create(self, number: int, user: str, **members: object) -> httpx.Response:
        """A session of that user, from one of the two."""
        body = {"user_id": user, "username": user, "role_name": "user", "permissions": [], **members}
        return await self._client.post(self._path(number), json=body, headers=self._bearer)

    async def count(self, number: int, user: str, reader: str) -> int:
        """How many active sessions one of the two lists."""
        headers = {"Authorization": f"Bearer {reader}"}
        answer = await self._client.get(f"{self._path(number)}/user/{user}", headers=headers)
        return int(answer.json()["count"])

    async def validate(self, number: int, token: str) -> dict[str, Any]:
        """What one of the two says of a token."""
        answer = await self._client.post(f"{self._path(number)}/validate", json={"token": token})
        said: dict[str, Any] = answer.json()
        return said

    def _path(self, number: int) -> str:
        return self._urls[number % 2] + "/api/v1/sessions"


def race(services: tuple[ServiceProcess, ServiceProcess], rounds: Any) -> None:
    async def run() -> None:
        limits = httpx.Limits(max_connections=CREATES)
        async with httpx.AsyncClient(limits=limits, timeout=30) as client:
            bearer = services[0].mint(*PERMISSIONS)
            await rounds(Gateway(client, (services[0].url, services[1].url), bearer))

    asyncio.run(run())


def test_creations_at_once_never_leave_more_than_the_limit(services: tuple[ServiceProcess, ServiceProcess]) -> None:
    async def rounds(gateway: Gateway) -> None:
        made = await gateway.create(0, "reader", permissions=["session.read:any"], remember_me=True)
        reader = made.json()["token"]
        for number in range(100):
            user = f"racer-{number}"
            answers = await asyncio.gather(*(gateway.create(one, user) for one in range(CREATES)))
            statuses = [answer.status_code for answer in answers]
            assert set(statuses) <= {201, 503}  # a busy machine may be too slow for some
            counts = [await gateway.count(one, user, reader) for one in (0, 1)]
            assert all(min(statuses.count(201), LIMIT) <= count <= LIMIT for count in counts)

    race(services, rounds)


def test_both_processes_give_the_same_successor(services: tuple[ServiceProcess, ServiceProcess]) -> None:
    async def rounds(gateway: Gateway) -> None:
        for number in range(50):
            end = datetime.now(UTC) + timedelta(seconds=200)
            made = await gateway.create(number, f"slider-{number}", expires_at=end.strftime("%Y-%m-%dT%H:%M:%SZ"))
            token = made.json()["token"]
            answers = await asyncio.gather(*(gateway.validate(one, token) for one in range(CREATES)))
            assert all(answer["is_valid"] for answer in answers)
            given = {answer["new_token"] for answer in answers if answer["should_refresh"]}
            assert len(given) == 1
            successor = given.pop()
            assert all([(await gateway.validate(one, successor))["is_valid"] for one in (0, 1)])

    race(services, rounds)
