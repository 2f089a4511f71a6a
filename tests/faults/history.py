# SPDX-License-Identifier: Apache-2.0
"""What clients of several instances did and were told while a store failed, held against what the service promises:

P1  what was acknowledged as revoked is refused: at once by the instance that acknowledged, by others a second later;
P2  a refresh token has one successor, whoever asks and however often;
P3  nothing of a tenant is seen from another;
P4  what was not acknowledged is done or not done, never half: a session is alive with everything it has, or dead so;
and a store that fails is 503: nobody is told that a living session is dead.
"""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

import httpx

FRESH_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 4.0  # twice what is promised
TENANTS: Final = ("tenant-a", "tenant-b")

T = TypeVar("T")
_FIGURES: Final = re.compile(r"\d+\.\d+")  # what tells violations of one kind apart

Pair = tuple[str, str]  # access token, refresh token


@dataclass
class History:
    """What was counted, and what must not be."""

    counted: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)  # sessions that lived on after they were acknowledged as revoked
    slowest: float = 0.0  # seconds

    def check(self, holds: bool, what: str) -> None:
        """Notes a violation unless it holds."""
        if not holds:
            self.violations.append(what)

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.counted.items()))
        kinds = Counter(_FIGURES.sub("…", violation) for violation in self.violations)
        acknowledged = self.counted["revocations acknowledged"]
        return (
            f"{len(self.lost)} of {acknowledged} acknowledged revocations lost; {len(self.violations)} violations"
            f"{' ' + str(dict(kinds)) if kinds else ''}; slowest answer {self.slowest:.2f} s; {counts}"
        )

    def check_dead(self, session_id: str, active: bool, what: str) -> None:
        """P1 of one session."""
        if active:
            self.lost.add(session_id)
            self.violations.append(f"P1: {what}")


@dataclass
class Told:
    """The session of one actor, and what is known of it."""

    tenant: str
    subject: str
    session_id: str
    pairs: list[Pair]
    successors: dict[str, Pair] = field(default_factory=dict)  # of each refresh token
    revocation_asked: bool = False
    acknowledged_by: int | None = None  # the instance
    acknowledged_at: float = 0.0  # monotonic

    def has_to_be_dead(self, instance: int, sent_at: float) -> bool:
        """Whether P1 speaks about a question that was sent to that instance then."""
        if self.acknowledged_by is None:
            return False
        return sent_at >= self.acknowledged_at + (0.0 if instance == self.acknowledged_by else FRESH_SECONDS)


class Instances:
    """The instances as clients see them. An answer is None when there was none to rely on: 503, or none at all."""

    def __init__(
        self, client: httpx.AsyncClient, urls: Sequence[str], bearers: Mapping[str, str], history: History
    ) -> None:
        self.count = len(urls)
        self.history = history
        self._client = client
        self._urls = urls
        self._bearers = bearers

    async def ask(
        self, instance: int, tenant: str, path: str, body: object = None, *, bearer: str | None = None
    ) -> httpx.Response | None:
        headers = {
            "authorization": f"Bearer {bearer or self._bearers[tenant]}",
            "x-tenant-id": tenant,
            "x-request-id": "history",
        }
        started = time.monotonic()
        answer = await self._post(self._urls[instance] + path, body, headers)
        taken = time.monotonic() - started
        self.history.slowest = max(self.history.slowest, taken)
        self.history.counted[f"answers {answer.status_code}"] += 1
        self.history.check(answer.status_code < 500 or answer.status_code == 503, f"answered {answer.status_code}")
        self.history.check(taken < ANSWER_SECONDS, f"{path} took {taken:.1f} s")
        return None if answer.status_code >= 500 else answer

    async def _post(self, url: str, body: object, headers: dict[str, str]) -> httpx.Response:
        """Once more where a kept connection was closed before the first byte of an answer."""
        try:
            return await self._client.post(url, json=body, headers=headers)
        except (httpx.ReadError, httpx.RemoteProtocolError):
            self.history.counted["connections that were closed"] += 1
            return await self._client.post(url, json=body, headers=headers)


class Actor:
    """One client: makes a session, uses it at all instances, ends it, and tells what it saw."""

    def __init__(self, instances: Instances, name: str, chance: random.Random, *, pause_seconds: float = 0.1) -> None:
        self.sessions: list[Told] = []
        self._instances = instances
        self._history = instances.history
        self._name = name
        self._chance = chance
        self._pause_seconds = pause_seconds  # before it asks again

    async def run(self, is_over: Callable[[], bool]) -> None:
        """Session after session."""
        while not is_over():
            told = await self._issue()
            if told is None:
                await asyncio.sleep(0.05)
                continue
            self.sessions.append(told)
            for _ in range(self._chance.randint(1, 4)):
                await self._refresh(told)
                await self._look(told)
            if self._chance.random() < 0.7:
                await self._revoke(told)
                for instance in range(self._instances.count):
                    await self.look_at(told, instance)

    async def _issue(self) -> Told | None:
        tenant = self._chance.choice(TENANTS)
        subject = f"{self._name}-{len(self.sessions)}"
        answer = await self._instances.ask(self._any(), tenant, "/v1/token", {"sub": subject})
        if answer is None:
            return None
        self._history.check(answer.status_code == 200, f"issue answered {answer.status_code}")
        data = answer.json()["data"]
        self._history.counted["sessions"] += 1
        return Told(tenant, subject, data["session_id"], [(data["access_token"], data["refresh_token"])])

    async def _refresh(self, told: Told) -> None:
        """Two callers at two instances with the same token; whoever gets no answer asks again, in its grace."""
        token = told.pairs[-1][1]
        asked = await asyncio.gather(*(self._exchange(told, token) for _ in range(2)))
        for pair in filter(None, asked):
            if told.successors.setdefault(token, pair) != pair:
                self._history.check(False, "P2: two successors of one refresh token")
        if token in told.successors:
            told.pairs.append(told.successors[token])

    async def _exchange(self, told: Told, token: str) -> Pair | None:
        # Who goes away without an answer comes back after the grace: with a spent token.
        answer = await self._answered(partial(self._ask_for_successor, told, token), tries=200)
        if answer is None:
            return None
        self._history.check(answer.status_code == 200, f"a good refresh token got {answer.status_code}")
        data: dict[str, Any] = answer.json().get("data") or {}
        return (data["access_token"], data["refresh_token"]) if answer.status_code == 200 else None

    async def _ask_for_successor(self, told: Told, token: str) -> httpx.Response | None:
        return await self._instances.ask(self._any(), told.tenant, "/v1/token/refresh", bearer=token)

    async def _revoke(self, told: Told) -> None:
        told.revocation_asked = True
        instance = self._any()
        bodies = ({"session_id": told.session_id}, {"sub": told.subject}, {"token": told.pairs[-1][1]})
        answer = await self._instances.ask(instance, told.tenant, "/v1/token/revoke", self._chance.choice(bodies))
        if answer is None:
            self._history.counted["revocations without an answer"] += 1
            return
        self._history.check(answer.status_code == 204, f"revoke answered {answer.status_code}")
        told.acknowledged_by, told.acknowledged_at = instance, time.monotonic()
        self._history.counted["revocations acknowledged"] += 1

    async def _look(self, told: Told) -> None:
        await self.look_at(told, self._any())

    async def look_at(self, told: Told, instance: int) -> bool | None:
        """What that instance says of the newest access token, and what another tenant is told of it."""
        token = {"token": told.pairs[-1][0]}
        sent = time.monotonic()
        answer = await self._instances.ask(instance, told.tenant, "/v1/token/introspect", token)
        active = None if answer is None else bool(answer.json()["active"])
        if active is not None:
            dead = told.has_to_be_dead(instance, sent)
            self._history.counted["refused after acknowledgement" if dead else "looked at"] += 1
            self._history.check_dead(told.session_id, dead and active, "a revoked session is active")
            self._history.check(active or told.revocation_asked, "a living session is told dead")
        other = next(tenant for tenant in TENANTS if tenant != told.tenant)
        answer = await self._instances.ask(instance, other, "/v1/token/introspect", token)
        if answer is not None:
            self._history.check(answer.json() == {"active": False}, "P3: seen from another tenant")
        return active

    async def conclude(self) -> None:
        """With the store healthy again: every session is wholly alive or wholly dead, everywhere the same."""
        for told in self.sessions:
            looks = [partial(self.look_at, told, instance) for instance in range(self._instances.count)]
            alive = {await self._answered(look) for look in looks}
            self._history.check(len(alive) == 1 and None not in alive, f"instances differ in the end: {alive}")
            answer = await self._answered(partial(self._ask_for_successor, told, told.pairs[-1][1]))
            self._history.check(answer is not None, "no answer in the end")
            refreshed = answer is not None and answer.status_code == 200
            self._history.check(answer is None or {refreshed} == alive, f"P4: refresh {refreshed}, access {alive}")
            if told.acknowledged_by is not None:
                self._history.check_dead(told.session_id, alive != {False}, "a revoked session is active in the end")
            self._history.counted["alive in the end" if True in alive else "dead in the end"] += 1

    def _any(self) -> int:
        return self._chance.randrange(self._instances.count)

    async def _answered(self, call: Callable[[], Awaitable[T | None]], *, tries: int = 50) -> T | None:
        """What a call answers in the end: on a busy machine a sound store is late now and then."""
        for _ in range(tries):
            answer = await call()
            if answer is not None:
                return answer
            await asyncio.sleep(self._pause_seconds)
        return None
