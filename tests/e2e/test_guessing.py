# SPDX-License-Identifier: Apache-2.0
"""Many guesses at the same moment, from as many addresses, against two processes that share a data directory: of one
code five are looked at, of one password five from one address, and a number gets one code. A few rounds always, all of
them with TESSERA_FAULTS=1."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count

import httpx
import pytest

from e2e.people import PASSWORD, Person, add_person
from e2e.process import ServiceProcess
from figures import Tell

pytestmark = pytest.mark.slow

ROUNDS = 50 if os.environ.get("TESSERA_FAULTS") == "1" else 3
KINDS = ("wrong", "right among them", "right")  # what is guessed in a round
AT_ONCE = 200
EVALUATED = 5
SETTINGS = {
    "RATE_LIMIT": "off",
    "TRUSTED_PROXIES": "127.0.0.1",
    "OTP_PROVIDER": "file",
    "ISSUER": "https://issuer.example",
}
ADDRESSES = count()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServiceProcess]]:
    """Two processes on one data directory."""
    folder = tmp_path_factory.mktemp("guessing")
    started: list[ServiceProcess] = []
    try:
        for name in ("one", "two"):
            (folder / name).mkdir()
            started.append(ServiceProcess(folder / name, data_dir=folder / "data", settings=SETTINGS))
            started[-1].start()
        yield started
    finally:
        for service in started:
            service.clean_up()


class Strangers:
    """As many callers as there are calls, each at an address of its own unless they share one, spread over the
    processes. A 503 is no answer: they ask again."""

    def __init__(self, client: httpx.AsyncClient, services: Sequence[ServiceProcess]) -> None:
        self._client = client
        self._urls = [service.url for service in services]
        self.unanswered = 0

    async def post(self, path: str, body: object, *, address: str | None = None) -> httpx.Response:
        """A call."""
        number = next(ADDRESSES)
        forwarded = address or f"198.{18 + number // 65_000}.{number // 250 % 256}.{number % 250 + 1}"
        headers = {"x-tenant-id": "default", "x-forwarded-for": forwarded}
        for _ in range(60):
            answer = await self._client.post(self._urls[number % len(self._urls)] + path, json=body, headers=headers)
            if answer.status_code != 503:
                return answer
            self.unanswered += 1
            await asyncio.sleep(0.2)
        raise AssertionError("answers nothing but 503")

    async def at_once(self, path: str, bodies: Sequence[object], *, address: str | None = None) -> list[httpx.Response]:
        """Calls at the same moment."""
        return await asyncio.gather(*(self.post(path, body, address=address) for body in bodies))


@asynccontextmanager
async def strangers(services: Sequence[ServiceProcess]) -> AsyncIterator[Strangers]:
    """Each call has a connection of its own: one that was kept may be closed by the service as the next call begins."""
    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(limits=limits, timeout=60, headers={"connection": "close"}) as client:
        yield Strangers(client, services)


def codes_of(service: ServiceProcess, number: str) -> list[str]:
    path = service.data_dir / "otp.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line["otp_code"] for line in lines if line["phone_number"] == number]


def spelled(number: str) -> tuple[str, str, str]:
    """One number in three ways."""
    return number, number.replace("+84", "0084 "), f"{number[:3]} ({number[3:5]}) {number[5:8]}-{number[8:]}"


def test_of_200_guesses_at_once_five_are_looked_at(services: list[ServiceProcess], tell: Tell) -> None:
    chance = random.Random(4)
    totals: Counter[str] = Counter()
    for round_number in range(ROUNDS):
        number = f"+849012{round_number:05}"
        add_person(services[0], f"user-{round_number}", "--phone", number)
        totals.update(asyncio.run(guess(services, number, KINDS[round_number % len(KINDS)], chance)))
    tell(f"{ROUNDS} rounds of {AT_ONCE} guesses: {dict(totals)}")


async def guess(services: Sequence[ServiceProcess], number: str, kind: str, chance: random.Random) -> Counter[str]:
    """Asks for a code with all at once, and then guesses it with all at once."""
    async with strangers(services) as callers:
        code = await one_code(callers, services[0], number)
        wrong = chance.sample([f"{one:06}" for one in range(10**6) if one != int(code)], AT_ONCE)
        tried = {"wrong": wrong, "right among them": [*wrong[1:], code], "right": [code] * AT_ONCE}[kind]
        chance.shuffle(tried)
        callers.unanswered = 0
        answers = await callers.at_once("/auth/login", [body_of(number, one) for one in tried])
        check_guesses(answers, kind, exact=callers.unanswered == 0)
        again = await callers.post("/auth/login", body_of(number, code))
        assert again.status_code in ((429,) if kind == "wrong" else (400, 429))
        assert codes_of(services[0], number) == [code]
        return Counter(str(answer.status_code) for answer in answers) + Counter({"503 before": callers.unanswered})


async def one_code(callers: Strangers, service: ServiceProcess, number: str) -> str:
    """Whatever the spelling of the number, and however many ask for it at once. What was counted before a 503 may have
    sent nothing: then the next minute does."""
    asked = [{"phone_number": spelling} for spelling in spelled(number)] * 5
    for _ in range(3):
        answers = await callers.at_once("/auth/otp/request", asked)
        assert {answer.status_code for answer in answers} == {202}
        assert all(answer.json()["data"] == {"success": True} for answer in answers)
        await asyncio.sleep(1)
        if found := codes_of(service, number):
            (code,) = found
            return code
        assert callers.unanswered
        await asyncio.sleep(60)
    raise AssertionError("no code came")


def body_of(number: str, code: str) -> dict[str, str]:
    return {"login_type": "otp", "phone_number": number, "otp_code": code}


def check_guesses(answers: Sequence[httpx.Response], kind: str, *, exact: bool) -> None:
    """`exact`: every call was answered at once, so that it is known what was counted."""
    by_status = Counter(answer.status_code for answer in answers)
    assert set(by_status) <= {200, 400, 429}
    assert by_status[400] <= EVALUATED
    assert by_status[200] <= (0 if kind == "wrong" else 1)
    errors = [answer.json()["error"] for answer in answers if answer.status_code != 200]
    assert {error["code"] for error in errors} <= {"auth.otp.invalid", "auth.rate_limited"}
    assert all("data" not in error for error in errors if error["code"] == "auth.rate_limited")
    left = [error["data"]["attempts_left"] for error in errors if error["code"] == "auth.otp.invalid"]
    if kind == "wrong":
        assert len(set(left)) == len(left)
        assert sorted(left) == list(range(EVALUATED)) or not exact
    if kind == "right":
        assert by_status[200] == 1 or not exact


def test_of_100_passwords_at_once_five_are_looked_at(services: list[ServiceProcess], tell: Tell) -> None:
    for round_number in range(10 if ROUNDS > 3 else 1):
        alice = add_person(services[0], f"alice-{round_number}")
        asyncio.run(guess_passwords(services, alice))


async def guess_passwords(services: Sequence[ServiceProcess], person: Person) -> None:
    """From one address, whose right password comes too late; at another address nobody is locked out."""
    here, elsewhere = "203.0.113.7", "203.0.113.8"
    async with strangers(services) as callers:
        bodies = [password_of(person.name, f"a wrong one {one}") for one in range(100)]
        answers = await callers.at_once("/auth/login", bodies, address=here)
        assert {answer.status_code for answer in answers} == {401}
        told = [json.dumps(answer.json()["error"]["data"], sort_keys=True) for answer in answers]
        left = Counter(answer.json()["error"]["data"]["attempts_left"] for answer in answers)
        assert all(left[number] <= 1 for number in (1, 2, 3, 4)), told
        assert left[0] >= 100 - 4
        late = await callers.post("/auth/login", password_of(person.name, PASSWORD), address=here)
        assert (late.status_code, late.json()["error"]["data"]["attempts_left"]) == (401, 0)
        other = await callers.post("/auth/login", password_of(person.name, PASSWORD), address=elsewhere)
        assert other.status_code == 200, other.text


def password_of(name: str, password: str) -> dict[str, str]:
    return {"login_type": "local", "username": name, "password": password}
