# SPDX-License-Identifier: Apache-2.0
"""mixer.py URL NAME SECONDS: everything that a store does, at once, to the same few subjects; prints how often."""

import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from storage.examples import (
    NOW,
    NOW_MS,
    eviction,
    gateway_session,
    limit,
    make_session,
    revocation,
    rotation,
    slide,
    tokens,
)
from storage.user_examples import event, make_user
from tessera_service.models import HitLimit, ServiceToken, Tenant, UserStatus
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore

SUBJECTS = ("alice", "bob", "carol")
AT_ONCE = 12  # more than there are connections


class Mixer:
    """One process that does it."""

    def __init__(self, url: str, name: str) -> None:
        self.directory = SqlDirectory(url, timeout_ms=60_000)
        self.sessions = SqlSessionStore(self.directory)
        self.chance = random.Random(name)
        self.name = name
        self.made = 0
        self.done: Counter[str] = Counter()

    async def run(self, seconds: float) -> None:
        """Every step, again and again."""
        await self.directory.open()
        await self.sessions.open()
        await self.directory.add_tenant(Tenant("tenant-a", NOW))
        deadline = time.monotonic() + seconds
        steps = [getattr(self, name) for name in dir(self) if name.startswith("step_")]
        await asyncio.gather(*(self.work(steps, deadline) for _ in range(AT_ONCE)))
        await self.sessions.close()
        await self.directory.close()

    async def work(self, steps: list[Callable[[], Awaitable[Any]]], deadline: float) -> None:
        while time.monotonic() < deadline:
            step = self.chance.choice(steps)
            await step()
            self.done[step.__name__] += 1

    def fresh(self) -> str:
        self.made += 1
        return f"{self.name}-{self.made}"

    def subject(self) -> str:
        return self.chance.choice(SUBJECTS)

    async def some(self) -> list[str]:
        """Sessions that any process made, in no order."""
        found = await self.sessions.list_sessions("tenant-a", subject=None, now=NOW, active_only=True, limit=20)
        names = [session.session_id for session in found]
        self.chance.shuffle(names)
        return names

    async def one(self) -> str:
        return (await self.some() or ["none"])[0]

    async def step_create(self) -> None:
        await self.sessions.create(make_session(self.fresh(), subject=self.subject()))

    async def step_create_limited(self) -> None:
        session = replace(gateway_session(self.fresh(), subject=self.subject()), access_key_id="A1")
        await self.sessions.create_limited(session, limit=limit(3), eviction=eviction())

    async def step_rotate(self) -> None:
        name = await self.one()
        await self.sessions.rotate(rotation(f"{name}-r0", self.chance.randrange(10**9), session_id=name))

    async def step_slide(self) -> None:
        await self.sessions.slide(slide(0, self.chance.randrange(10**9), session_id=await self.one()))

    async def step_touch(self) -> None:
        await self.sessions.touch({name: NOW_MS + self.chance.randrange(1000) for name in await self.some()})

    async def step_revoke_session(self) -> None:
        await self.sessions.revoke_session(await self.one(), revocation=revocation(log_expires_at=NOW))

    async def step_revoke_token(self) -> None:
        token = tokens(await self.one(), 0, subject=self.subject())[0]
        await self.sessions.revoke_token(token, revocation=revocation(log_expires_at=NOW))

    async def step_revoke_subject(self) -> None:
        await self.sessions.revoke_subject("tenant-a", self.subject(), revocation=revocation(1, log_expires_at=NOW))

    async def step_revoke_others(self) -> None:
        await self.sessions.revoke_others("tenant-a", self.subject(), keep=await self.one(), revocation=revocation())

    async def step_revoke_access_key_sessions(self) -> None:
        await self.sessions.revoke_access_key_sessions("A1", revocation=revocation(), limit=3)

    async def step_erase(self) -> None:
        await self.sessions.erase_subject("tenant-a", self.subject(), limit=5)
        await self.sessions.erase_events("tenant-a", self.subject(), limit=5)

    async def step_purge(self) -> None:
        await self.sessions.purge(now=NOW + self.chance.choice([0, 10_000]), retention_seconds=0, limit=5)

    async def step_purge_log(self) -> None:
        await self.sessions.purge_log(now=NOW + 1, limit=5)

    async def step_purge_outbox(self) -> None:
        await self.sessions.purge_outbox(before_ms=NOW_MS - self.chance.choice([0, 10**9]), limit=5)

    async def step_relay(self) -> None:
        claim = await self.sessions.claim_relay("audit", holder=self.name, now_ms=NOW_MS, lease_ms=1000)
        if claim is not None:
            rows = await self.sessions.read_outbox(after=claim.position, limit=5)
            position = rows[-1].sequence if rows else claim.position
            await self.sessions.advance_relay(
                "audit", fence=claim.fence, position=position, now_ms=NOW_MS, lease_ms=1000
            )

    async def step_users(self) -> None:
        user = make_user(self.fresh(), username=self.subject(), email=None, phone=None)
        await self.directory.add_user(user, event=event(user))
        changed = replace(user, version=2, roles=())
        await self.directory.update_user(changed, ends_sessions=True, revocation=revocation(), event=event(changed))
        removed = event(replace(user, version=3), "removed")
        await self.directory.delete_user("tenant-a", user.user_id, version=2, revocation=revocation(), event=removed)

    async def step_stop_user(self) -> None:
        """The same one in all processes, with service tokens that others mint and revoke at this moment."""
        user = await self.directory.get_user("tenant-a", "shared")
        if user is None:
            user = make_user("shared", username="shared", email=None, phone=None)
            with contextlib.suppress(ValueError):  # added by another since
                await self.directory.add_user(user, event=event(user))
            return
        status = UserStatus.LOCKED if user.status is UserStatus.ACTIVE else UserStatus.ACTIVE
        changed = replace(user, status=status, version=user.version + 1)
        await self.directory.update_user(changed, ends_sessions=True, revocation=revocation(), event=event(changed))

    async def step_service_token(self) -> None:
        subject = self.chance.choice(["reader", "shared", "shared"])
        token = ServiceToken(self.fresh(), "tenant-a", subject, "edge", (), False, 1, NOW + 60)
        await self.directory.add_service_token(token)
        await self.directory.revoke_service_token(token.jti, revocation=revocation())

    async def step_take(self) -> None:
        keys = self.chance.sample([b"a", b"b", b"c"], 2)
        taken = await self.directory.take([HitLimit(key, 3, 60) for key in keys], now_ms=NOW_MS)
        if taken.hit_id is not None:
            await self.directory.give_back(taken.hit_id)

    async def step_purge_directory(self) -> None:
        await self.directory.purge_directory(now=NOW + self.chance.choice([0, 100]), limit=5)


if __name__ == "__main__":
    mixer = Mixer(sys.argv[1], sys.argv[2])
    asyncio.run(mixer.run(float(sys.argv[3])))
    print(dict(mixer.done), flush=True)
