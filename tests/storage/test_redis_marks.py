# SPDX-License-Identifier: Apache-2.0
"""`revoked:<jti>` in Redis, for readers outside: there before a revocation is acknowledged, for as long as the token
could be taken for a live one."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from redis_server import fresh_database
from storage.examples import GRACE_MS, eviction, gateway_session, limit, make_session, revocation, rotation, tokens
from tessera_service.models import Revocation, Session
from tessera_service.storage.redis import RedisSessionStore
from tessera_service.storage.redis.server import MARK_SECONDS

NOW = int(time.time())  # the server deletes keys by its own clock
NOW_MS = NOW * 1000


async def one() -> str:
    return "directory-1"


@pytest.fixture
async def url() -> str:
    return fresh_database()


@pytest.fixture
async def store(url: str) -> AsyncIterator[RedisSessionStore]:
    opened = RedisSessionStore(url, directory_id=one, timeout_ms=30_000)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def reader(url: str) -> AsyncIterator[Redis]:
    """Somebody else."""
    async with Redis.from_url(url, decode_responses=True) as client:
        yield client


async def marked(reader: Redis) -> list[str]:
    return sorted(str(key).removeprefix("revoked:") for key in await reader.keys("revoked:*"))


def session(name: str = "s1", **changes: object) -> Session:
    made = make_session(name, created_ms=NOW_MS, expires_at=NOW + 3600, ends_at=NOW + 9000)
    return replace(made, tokens=tokens(name, 0, at=NOW), **changes)  # type: ignore[arg-type]


def why(at_ms: int = NOW_MS) -> Revocation:
    return revocation(at_ms, log_expires_at=NOW + 5000)


Step = Callable[[RedisSessionStore], Awaitable[object]]
BOTH = ["s1-a0", "s1-r0"]
STEPS: dict[str, tuple[Step, list[str]]] = {
    "a token": (lambda store: store.revoke_token(tokens("s1", 0, at=NOW)[0], revocation=why()), ["s1-a0"]),
    "a session": (lambda store: store.revoke_session("s1", revocation=why()), BOTH),
    "a subject": (lambda store: store.revoke_subject("tenant-a", "alice", revocation=why()), BOTH),
    "all others": (lambda store: store.revoke_others("tenant-a", "alice", keep="x", revocation=why()), BOTH),
    "an access key": (lambda store: store.revoke_access_key_sessions("key-1", revocation=why()), BOTH),
    "a reuse": (lambda store: store.rotate(rotation("nothing", 1, now_ms=NOW_MS)), BOTH),
    "an eviction": (
        lambda store: store.create_limited(
            gateway_session("new"), limit=limit(1, scope="all", now=NOW), eviction=eviction(NOW_MS)
        ),
        BOTH,
    ),
}


@pytest.mark.parametrize("name", sorted(STEPS))
async def test_whatever_revokes_marks_the_live_tokens(store: RedisSessionStore, reader: Redis, name: str) -> None:
    await store.create(session(access_key_id="key-1"))
    await store.create(replace(session("b1", subject="bob"), tokens=tokens("b1", 0, subject="bob", at=NOW)))
    assert await marked(reader) == []
    step, expected = STEPS[name]
    await step(store)
    assert await marked(reader) == expected


async def test_a_mark_outlives_its_token_by_skew_and_margin(store: RedisSessionStore, reader: Redis) -> None:
    await store.create(session())
    await store.revoke_session("s1", revocation=why())
    for jti, lifetime in (("s1-a0", 900), ("s1-r0", 3600)):
        assert await reader.expiretime(f"revoked:{jti}") == NOW + lifetime + MARK_SECONDS


async def test_only_tokens_that_could_be_live_are_marked(store: RedisSessionStore, reader: Redis) -> None:
    await store.create(session())
    await store.rotate(rotation("s1-r0", 1, now_ms=NOW_MS + 5000, expires_at=NOW + 5000))
    await store.revoke_session("s1", revocation=why(NOW_MS + 900_000))
    assert await marked(reader) == ["s1-a1", "s1-r0", "s1-r1"]


async def test_a_rotation_forgets_what_has_died_and_the_session_keeps_the_rest(
    store: RedisSessionStore, reader: Redis
) -> None:
    await store.create(session())
    await store.rotate(rotation("s1-r0", 1, now_ms=NOW_MS + 1000 * 950 + GRACE_MS, expires_at=NOW + 5000))
    assert await reader.zrange("{tessera:0}:y:s1", 0, -1) == ["s1-a1", "s1-r0", "s1-r1"]
    while await store.purge(now=NOW + 9000, retention_seconds=0):
        pass
    assert await reader.keys("*s1*") == []
