# SPDX-License-Identifier: Apache-2.0
"""The checker of histories finds what it is there for: instances that break each promise on purpose."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from faults.history import TENANTS, Actor, History, Instances

Handler = Callable[[httpx.Request], httpx.Response]

SESSIONS = 20


class Sound:
    """One state behind two URLs, as the service should be."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._tenants: dict[str, str] = {}  # session id -> tenant
        self._subjects: dict[str, str] = {}
        self._dead: set[str] = set()
        self._successors: dict[str, str] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content or b"{}") or {}
        tenant = request.headers["x-tenant-id"]
        bearer = request.headers["authorization"].removeprefix("Bearer ")
        step = {"/v1/token": self.issue, "/v1/token/refresh": self.refresh, "/v1/token/revoke": self.revoke}
        return step.get(request.url.path, self.introspect)(tenant, bearer, body)

    def pair(self, session: str) -> dict[str, str]:
        number = next(self._numbers)
        return {"access_token": f"{session}.a{number}", "refresh_token": f"{session}.r{number}"}

    def issue(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        session = f"s{next(self._numbers)}"
        self._tenants[session], self._subjects[session] = tenant, body["sub"]
        return httpx.Response(200, json={"data": {"session_id": session, **self.pair(session)}})

    def refresh(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        session = bearer.partition(".")[0]
        if session in self._dead:
            return httpx.Response(401, json={})
        made = self._successors.setdefault(bearer, json.dumps(self.pair(session)))
        return httpx.Response(200, json={"data": json.loads(made)})

    def revoke(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        named = {body.get("session_id"), body.get("token", "").partition(".")[0]}
        self._dead |= {s for s, subject in self._subjects.items() if s in named or subject == body.get("sub")}
        return httpx.Response(204)

    def introspect(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        session = body["token"].partition(".")[0]
        return httpx.Response(200, json={"active": self._tenants[session] == tenant and session not in self._dead})


class Forgetful(Sound):
    """Acknowledges revocations and keeps none."""

    def revoke(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        return httpx.Response(204)


class Fertile(Sound):
    """Every refresh has a successor of its own."""

    def refresh(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        self._successors.clear()
        return super().refresh(tenant, bearer, body)


class Open(Sound):
    """Tells every tenant of every session."""

    def introspect(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        return super().introspect(self._tenants[body["token"].partition(".")[0]], bearer, body)


class Half(Sound):
    """Ends access tokens and leaves refresh tokens alive."""

    def refresh(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        dead, self._dead = self._dead, set()
        answer = super().refresh(tenant, bearer, body)
        self._dead = dead
        return answer


class Pessimist(Sound):
    """Takes a store that failed for a session that ended."""

    def introspect(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        return httpx.Response(200, json={"active": False})


class Faint(Sound):
    """Answers a question about a refresh token the thirteenth time."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: Counter[str] = Counter()

    def refresh(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        self._asked[bearer] += 1
        return super().refresh(tenant, bearer, body) if self._asked[bearer] > 12 else httpx.Response(503, json={})


class Broken(Sound):
    """Answers 500."""

    def introspect(self, tenant: str, bearer: str, body: dict[str, str]) -> httpx.Response:
        return httpx.Response(500, json={})


async def tell(service: Handler) -> History:
    history = History()
    async with httpx.AsyncClient(transport=httpx.MockTransport(service)) as client:
        instances = Instances(client, ("http://one", "http://two"), {tenant: tenant for tenant in TENANTS}, history)
        actor = Actor(instances, "actor", random.Random(1), pause_seconds=0)
        await actor.run(lambda: len(actor.sessions) >= SESSIONS)
        await actor.conclude()
    return history


async def test_a_sound_service_breaks_nothing() -> None:
    history = await tell(Sound())
    assert history.violations == []
    assert history.counted["revocations acknowledged"] > 2
    assert history.counted["refused after acknowledgement"] > 2


async def test_whoever_gets_no_answer_asks_again() -> None:
    history = await tell(Faint())
    assert history.violations == []
    assert history.counted["alive in the end"] + history.counted["dead in the end"] > 0


@pytest.mark.parametrize(
    ("service", "promise"),
    [
        (Forgetful, "P1"),
        (Fertile, "P2"),
        (Open, "P3"),
        (Half, "P4"),
        (Pessimist, "a living session is told dead"),
        (Broken, "answered 500"),
    ],
)
async def test_each_broken_promise_is_found(service: type[Sound], promise: str) -> None:
    history = await tell(service())
    assert any(violation.startswith(promise) for violation in history.violations), str(history)
