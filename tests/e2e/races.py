# SPDX-License-Identifier: Apache-2.0
"""Many callers at the same moment, and what none of them may ever see.

Each `race_*` runs rounds against one process or several that share their state, and returns what it counted; what must
not happen stands in `violations`. Callers behave as good clients do: after a 503 they ask again.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from e2e.process import ALL, ServiceProcess

AT_ONCE: Final = 50
LIMIT: Final = 5
CHAIN: Final = 30  # refreshes one after another: longer than a revocation takes
FRESH_SECONDS: Final = 1.5  # what one process revokes every other refuses after a second; the rest is for the machine
PATIENCE_SECONDS: Final = 60
PERMISSIONS: Final = (*ALL, "session.read:any")
SESSIONS: Final = "/api/v1/sessions"

Pair = tuple[str, str]  # access token, refresh token


@dataclass
class Tally:
    """What a race counted."""

    rounds: int = 0
    counted: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def check(self, holds: bool, what: str) -> None:
        """Notes a violation unless it holds."""
        if not holds:
            self.violations.append(f"round {self.rounds}: {what}")

    def __str__(self) -> str:
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.counted.items()))
        return f"{self.rounds} rounds: {counts}; {len(self.violations)} violations {self.violations[:3]}"


class Callers:
    """As many callers as there are calls, spread over all processes."""

    def __init__(self, client: httpx.AsyncClient, urls: Sequence[str], bearer: str, tally: Tally) -> None:
        self.processes = range(len(urls))
        self.tally = tally
        self._client = client
        self._urls = urls
        self._bearer = bearer

    async def call(
        self, number: int, method: str, path: str, body: object = None, *, bearer: str | None = None
    ) -> httpx.Response:
        """One call of one of the processes; again, as long as it answers 503."""
        headers = {
            "x-tenant-id": "default",
            "x-request-id": "race",
            "authorization": f"Bearer {bearer or self._bearer}",
        }
        url = self._urls[number % len(self._urls)] + path
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = await self._client.request(method, url, json=body, headers=headers)
            if answer.status_code != 503 or time.monotonic() > deadline:
                return answer
            self.tally.counted["answered 503"] += 1
            await asyncio.sleep(0.1)

    async def issue(self, subject: str) -> tuple[str, Pair]:
        """A new session: its id and its pair."""
        data = (await self.call(0, "POST", "/v1/token", {"sub": subject})).json()["data"]
        return data["session_id"], (data["access_token"], data["refresh_token"])

    async def refresh(self, number: int, token: str, session_id: str | None = None) -> tuple[int, Pair | None]:
        """The status, and the pair if there is one."""
        body = None if session_id is None else {"session_id": session_id}
        answer = await self.call(number, "POST", "/v1/token/refresh", body, bearer=token)
        data = answer.json().get("data") or {}
        return answer.status_code, (data["access_token"], data["refresh_token"]) if "access_token" in data else None

    async def is_active(self, number: int, token: str) -> bool:
        """What a process says of an access token."""
        answer = await self.call(number, "POST", "/v1/token/introspect", {"token": token})
        return bool(answer.json()["active"])

    async def create(self, number: int, user: str, **members: object) -> dict[str, str]:
        """A new gateway session: `session_id`, `token`."""
        body = {"user_id": user, "username": user, "role_name": "user", "permissions": [], **members}
        answer = await self.call(number, "POST", SESSIONS, body)
        assert answer.status_code == 201, answer.text
        return {name: answer.json()[name] for name in ("session_id", "token")}

    async def validate(self, number: int, token: str) -> dict[str, Any]:
        """What a process says of a gateway session's token."""
        said: dict[str, Any] = (await self.call(number, "POST", f"{SESSIONS}/validate", {"token": token})).json()
        return said


@asynccontextmanager
async def callers_of(services: Sequence[ServiceProcess], tally: Tally) -> AsyncIterator[Callers]:
    """Callers with every permission that races need."""
    limits = httpx.Limits(max_connections=AT_ONCE + 2 * len(services))
    bearer = services[0].mint(*PERMISSIONS)
    async with httpx.AsyncClient(limits=limits, timeout=PATIENCE_SECONDS) as client:
        yield Callers(client, [service.url for service in services], bearer, tally)


async def race_refreshes(callers: Callers, rounds: int) -> None:
    """A chain of refresh tokens, each spent by fifty at once: one successor, the same for all, and everybody goes on
    with it. Half of them name the session, so that not even one process takes all for the same question."""
    tally = callers.tally
    session_id, (_, token) = await callers.issue("refresher")
    for _ in range(rounds):
        tally.rounds += 1
        named = (session_id if number // 2 % 2 else None for number in range(AT_ONCE))
        answers = await asyncio.gather(*(callers.refresh(n, token, name) for n, name in enumerate(named)))
        tally.counted.update(f"refreshes answered {status}" for status, _ in answers)
        pairs = {pair for _, pair in answers if pair is not None}
        tally.counted["successors"] += len(pairs)
        tally.check({status for status, _ in answers} == {200}, "somebody was thrown out")
        tally.check(len(pairs) == 1, f"{len(pairs)} successors")
        if len(pairs) != 1:
            session_id, (_, token) = await callers.issue("refresher")
            continue
        access, token = pairs.pop()
        tally.check(await callers.is_active(tally.rounds, access), "the successor is dead")


async def race_reuse(callers: Callers, rounds: int, *, grace_seconds: float) -> None:
    """A spent token that comes back after its grace, at fifty places at once, ends the family everywhere."""
    tally = callers.tally
    for _ in range(rounds):
        tally.rounds += 1
        _, (first_access, first) = await callers.issue("replayer")
        _, pair = await callers.refresh(0, first)
        assert pair is not None
        await asyncio.sleep(grace_seconds + 0.1)
        answers = await asyncio.gather(*(callers.refresh(number, first) for number in range(AT_ONCE)))
        tally.counted.update(f"replays answered {status}" for status, _ in answers)
        tally.check({status for status, _ in answers} == {403}, "a replay was not refused as one")
        await asyncio.sleep(FRESH_SECONDS)
        for process in callers.processes:
            await check_dead(callers, process, {pair, (first_access, first)})


async def race_revocations(callers: Callers, rounds: int) -> None:
    """Chains of refreshes and, somewhere among them, a revocation of the session or of its subject. Whatever any of
    the refreshes answered, also after the revocation was acknowledged, is dead: in the process that acknowledged at
    once, in every other once it has heard of it."""
    chance = random.Random(5)
    waiting: list[tuple[int, set[Pair]]] = []
    for number in range(rounds):
        callers.tally.rounds += 1
        pairs = await _revoke_among_refreshes(callers, number, pause=chance.random() * 0.06)
        await check_dead(callers, number, pairs)
        waiting.append((number, pairs))
        if len(waiting) == 10 or number == rounds - 1:
            await asyncio.sleep(FRESH_SECONDS)
            for acknowledged, born in waiting:
                for other in range(1, len(callers.processes)):
                    await check_dead(callers, acknowledged + other, born)
            waiting.clear()


async def _revoke_among_refreshes(callers: Callers, number: int, *, pause: float) -> set[Pair]:
    """Every pair that there ever was."""
    tally = callers.tally
    session_id, first = await callers.issue(f"leaver-{number}")
    pairs = {first}
    under_way = asyncio.Event()
    if number % 4 == 0:  # as early as may be; else when there is something to meet, however slow the machine is
        under_way.set()

    async def go_on(caller: int) -> None:
        (_, token), status = first, 0
        for _ in range(CHAIN):
            status, pair = await callers.refresh(caller, token)
            if pair is None:
                break
            pairs.add(pair)
            under_way.set()
            token = pair[1]
        under_way.set()
        tally.counted[f"chains ended by {status}"] += 1

    async def revoke() -> None:
        await under_way.wait()
        await asyncio.sleep(pause)
        body = ({"session_id": session_id}, {"sub": f"leaver-{number}"}, {"token": first[1]})[number % 3]
        answer = await callers.call(number, "POST", "/v1/token/revoke", body)
        assert answer.status_code == 204, answer.text

    await asyncio.gather(revoke(), *(go_on(caller) for caller in range(8)))
    tally.counted["pairs born"] += len(pairs) - 1
    return pairs


async def check_dead(callers: Callers, process: int, pairs: set[Pair]) -> None:
    """Neither token of any of them counts in that process."""
    for access, refresh in pairs:
        alive = await callers.is_active(process, access)
        callers.tally.check(not alive, "an access token lives")
        status, _ = await callers.refresh(process, refresh)
        callers.tally.check(status != 200, "a refresh token lives")
        callers.tally.counted["tokens checked"] += 2


async def race_creations(callers: Callers, rounds: int) -> None:
    """Fifty creations at once for a user who may have five sessions: nobody ever sees more, and the tokens of the five
    that stand at the end, and of no other, are good."""
    reader = (await callers.create(0, "reader", permissions=["session.read:any"], remember_me=True))["token"]
    waiting: list[tuple[str, dict[str, str]]] = []
    for number in range(rounds):
        callers.tally.rounds += 1
        user = f"racer-{callers.tally.rounds}"
        creating = asyncio.gather(*(callers.create(one, user) for one in range(AT_ONCE)))
        while not creating.done():
            for process in callers.processes:
                await _list(callers, process, user, reader)
        made = {answer["session_id"]: answer["token"] for answer in await creating}
        callers.tally.counted["created"] += len(made)
        waiting.append((user, made))
        if len(waiting) == 5 or number == rounds - 1:
            await asyncio.sleep(FRESH_SECONDS)
            for who, tokens in waiting:
                await _check_valid(callers, await _check_last(callers, who, reader), tokens)
            waiting.clear()


async def _list(callers: Callers, process: int, user: str, reader: str) -> set[str]:
    answer = await callers.call(process, "GET", f"{SESSIONS}/user/{user}", bearer=reader)
    listed = {session["session_id"] for session in answer.json()["sessions"]}
    callers.tally.counted["lists read"] += 1
    callers.tally.check(len(listed) <= LIMIT, f"{len(listed)} sessions listed")
    return listed


async def _check_last(callers: Callers, user: str, reader: str) -> set[str]:
    """The sessions that stand, in whichever process they are listed."""
    lists = [await _list(callers, process, user, reader) for process in callers.processes]
    callers.tally.check(len(lists[0]) == LIMIT, f"{len(lists[0])} sessions listed at the end")
    callers.tally.check(all(listed == lists[0] for listed in lists), "different sessions listed")
    return lists[0]


async def _check_valid(callers: Callers, standing: set[str], tokens: Mapping[str, str]) -> None:
    # After a 503 nobody knows whether the session was stored: one that was has a place, though nobody has its token.
    unclaimed = len(standing - set(tokens))
    callers.tally.counted["stored though answered 503"] += unclaimed
    callers.tally.check(unclaimed <= callers.tally.counted["answered 503"], "sessions that nobody made")
    for process in callers.processes:
        said = await asyncio.gather(*(callers.validate(process, token) for token in tokens.values()))
        valid = {session_id for session_id, one in zip(tokens, said, strict=True) if one["is_valid"]}
        callers.tally.counted["tokens validated"] += len(said)
        callers.tally.check(valid == standing & set(tokens), f"{len(valid)} tokens are valid")


async def race_slides(callers: Callers, rounds: int) -> None:
    """Fifty validations at once of a token that is near its end: all get the same successor and the same new end."""
    tally = callers.tally
    for number in range(rounds):
        tally.rounds += 1
        end = datetime.now(UTC) + timedelta(seconds=200)
        made = await callers.create(number, f"slider-{number}", expires_at=end.strftime("%Y-%m-%dT%H:%M:%SZ"))
        token = made["token"]
        answers = await asyncio.gather(*(_slide(callers, one, token) for one in range(AT_ONCE)))
        tally.counted["validations"] += len(answers)
        tally.check(all(answer["is_valid"] for answer in answers), "a live token was refused")
        given = {answer.get("new_token") for answer in answers}
        ends = {answer["session"]["expires_at"] for answer in answers}
        tally.counted["successors"] += len(given)
        tally.check(len(given) == 1, f"{len(given)} successors")
        tally.check(len(ends) == 1, f"{len(ends)} ends of one session")
        for process in callers.processes:
            for successor in given:
                said = await callers.validate(process, str(successor))
                tally.check(said["is_valid"], "a successor is dead")


async def _slide(callers: Callers, number: int, token: str) -> dict[str, Any]:
    """A successor that could not be stored is left for the next who asks: asks again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        said = await callers.validate(number, token)
        if said.get("should_refresh") or time.monotonic() > deadline:
            return said
        callers.tally.counted["left without a successor"] += 1
        await asyncio.sleep(0.1)
