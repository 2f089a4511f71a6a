# SPDX-License-Identifier: Apache-2.0
"""Redis, which runs one script at a time: very many sessions of a subject end at once, and what is written of each
follows in small steps, none of which is lost."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from redis_server import fresh_database
from storage.examples import (
    NOW,
    NOW_MS,
    gateway_session,
    limit,
    make_session,
    refresh_jti,
    revocation,
    rotation,
    tokens,
    whole_log,
)
from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    EventType,
    LogKind,
    RotationStatus,
    Session,
    SessionStatus,
    SubjectRevocation,
)
from tessera_service.storage.redis import RedisSessionStore, sessions
from tessera_service.storage.redis.partition import Partition

LATER = NOW_MS + 1000
NUMBERS = itertools.count()


async def one() -> str:
    return "directory-1"


@pytest.fixture
async def url() -> str:
    return fresh_database()


@pytest.fixture
async def store(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RedisSessionStore]:
    """One that ends two sessions in one step."""
    monkeypatch.setattr(sessions, "AT_ONCE", 2)
    opened = RedisSessionStore(url, directory_id=one, timeout_ms=60_000)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def reader(url: str) -> AsyncIterator[Redis]:
    """Somebody else."""
    async with Redis.from_url(url, decode_responses=True) as client:
        yield client


def of_key(name: str, at: int = 0, **changes: object) -> Session:
    made = make_session(name, created_ms=NOW_MS + at)
    return replace(made, access_key_id="key-1", **changes)  # type: ignore[arg-type]


async def fill(store: RedisSessionStore, number: int = 7) -> list[str]:
    names = [f"s{place}" for place in range(number)]
    for name in names:
        await store.create(of_key(name))
    return names


async def told(store: RedisSessionStore) -> list[str]:
    """The sessions of whose end an event tells, in order."""
    rows = await store.read_outbox(after=0, limit=1_000_000)
    return [str(row.event.session_id) for row in rows if row.event.type is EventType.REVOKED]


async def marked(reader: Redis) -> list[str]:
    return sorted(str(key).removeprefix("revoked:") for key in await reader.keys("revoked:*"))


def jtis(names: list[str]) -> list[str]:
    return sorted(token.jti for name in names for token in tokens(name, 0))


async def left(reader: Redis) -> list[str]:
    return [str(key) for kind in ("x:*", "endings") for key in await reader.keys(f"{{tessera:0}}:{kind}")]


class BrokenOffError(Exception):
    """The process is gone."""


async def break_off(store: RedisSessionStore) -> None:
    """Revokes the subject in a process that ends when no session lives any more and nothing is written of most."""

    async def die(*_: object) -> None:
        raise BrokenOffError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_settle", die)
        with pytest.raises(BrokenOffError):
            await store.revoke_subject("tenant-a", "alice", revocation=revocation(LATER))


async def test_all_of_very_many_is_written_before_the_revocation_is_acknowledged(
    store: RedisSessionStore, reader: Redis
) -> None:
    names = await fill(store)
    done = await store.revoke_subject("tenant-a", "alice", revocation=revocation(LATER))
    assert done == SubjectRevocation(LATER, len(names))
    assert sorted(await told(store)) == names
    assert await marked(reader) == jtis(names)
    assert [(entry.kind, entry.cutoff_ms) for entry in await whole_log(store)] == [(LogKind.SUBJECT, LATER)]
    for name in names:
        session = await store.get(name)
        assert session is not None
        assert (session.revoked_ms, session.revoked_reason, session.revoked_by) == (LATER, "manual", "admin")
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active, counts.expired) == (len(names), 0, 0)
    assert await left(reader) == []


async def test_when_it_breaks_off_every_session_is_dead(store: RedisSessionStore, reader: Redis) -> None:
    names = await fill(store)
    await break_off(store)
    assert await left(reader) == ["{tessera:0}:x:tenant-a\0alice", "{tessera:0}:endings"]
    for name in names:
        session = await store.get(name)
        assert session is not None
        assert session.status(NOW) is SessionStatus.REVOKED
        moved = await store.rotate(rotation(refresh_jti(name, 0), 1, session_id=name, now_ms=LATER))
        assert moved.status is RotationStatus.ENDED
    listed = await store.list_sessions("tenant-a", subject="alice", now=NOW, active_only=True, limit=9)
    page = await store.page_sessions(
        "tenant-a", subject="alice", status=SessionStatus.ACTIVE, now=NOW, limit=9, offset=0
    )
    assert (list(listed), page.total) == ([], 0)
    assert (await store.walk_unended("tenant-a")).sessions == ()
    assert await whole_log(store) != ()


Step = Callable[[RedisSessionStore], Awaitable[object]]
AGAIN = revocation(LATER + 5, reason="again")
FINISHING: dict[str, Step] = {
    "asking again": lambda store: store.revoke_subject("tenant-a", "alice", revocation=AGAIN),
    "all others": lambda store: store.revoke_others("tenant-a", "alice", keep="none", revocation=AGAIN),
    "the access key": lambda store: of_access_key(store),
    "the purge": lambda store: purge(store, NOW),
    "each alone": lambda store: each_alone(store),
}


async def of_access_key(store: RedisSessionStore) -> None:
    while await store.revoke_access_key_sessions("key-1", revocation=AGAIN, limit=2):
        pass


async def each_alone(store: RedisSessionStore) -> None:
    for number in range(7):
        await store.revoke_session(f"s{number}", revocation=AGAIN)


async def purge(store: RedisSessionStore, now: int) -> None:
    while await store.purge(now=now, retention_seconds=0):
        pass


@pytest.mark.parametrize("name", sorted(FINISHING))
async def test_what_broke_off_is_finished_once_by(store: RedisSessionStore, reader: Redis, name: str) -> None:
    names = await fill(store)
    await break_off(store)
    for _ in range(2):
        await FINISHING[name](store)
        assert sorted(await told(store)) == names
        assert await marked(reader) == jtis(names)
        assert await left(reader) == []
    for one_of_them in names:
        session = await store.get(one_of_them)
        assert session is not None
        assert (session.revoked_ms, session.revoked_reason) == (LATER, "manual")
    assert [entry.kind for entry in await whole_log(store)] == [LogKind.SUBJECT]


async def test_what_one_session_needs_is_written_before_its_own_revocation_is_acknowledged(
    store: RedisSessionStore, reader: Redis
) -> None:
    await fill(store)
    await break_off(store)
    ended = await store.revoke_session("s4", revocation=AGAIN)
    assert ended is not None
    assert (ended.revoked_reason, await told(store)) == ("manual", ["s4"])
    assert await marked(reader) == jtis(["s4"])


async def test_a_session_that_is_born_in_between_lives_and_ends_by_the_next_revocation(
    store: RedisSessionStore, reader: Redis
) -> None:
    names = await fill(store)
    await break_off(store)
    young = await store.create(of_key("young"))
    assert young.created_ms == LATER + 1
    await store.purge(now=NOW, retention_seconds=9999)
    assert await store.get("young") == young
    again = await store.revoke_subject("tenant-a", "alice", revocation=AGAIN)
    assert again == SubjectRevocation(LATER + 5, 1)
    assert sorted(await told(store)) == [*names, "young"]
    assert await marked(reader) == jtis([*names, "young"])
    assert await left(reader) == []


async def test_what_broke_off_takes_no_place_from_a_new_session(store: RedisSessionStore) -> None:
    await fill(store)
    await break_off(store)
    made = await store.create_limited(
        of_key("new"), limit=limit(1, scope="all", policy="reject"), eviction=revocation(LATER)
    )
    assert made.session is not None
    assert made.evicted == ()


async def test_a_limited_session_that_broke_off_is_neither_counted_nor_listed(store: RedisSessionStore) -> None:
    for number in range(5):
        await store.create(gateway_session(f"g{number}"))
    await break_off(store)
    made = await store.create_limited(
        gateway_session("new"), limit=limit(1, policy="reject"), eviction=revocation(LATER)
    )
    assert made.session is not None
    listed = await store.list_sessions(
        "tenant-a", subject="alice", now=NOW, active_only=True, surface="gateway", limit=9
    )
    assert [session.session_id for session in listed] == ["new"]


async def test_no_session_is_purged_before_its_end_is_told(store: RedisSessionStore, reader: Redis) -> None:
    names = await fill(store)
    await break_off(store)
    await purge(store, NOW + 200_000)
    assert sorted(await told(store)) == names
    assert await store.get("s0") is None
    assert await left(reader) == []


async def test_what_was_over_long_ago_is_not_told_and_is_cut_off(store: RedisSessionStore, reader: Redis) -> None:
    for number in range(5):
        await store.create(of_key(f"s{number}", expires_at=NOW - 90_000 if number % 2 else NOW + 3600))
    assert (await store.revoke_subject("tenant-a", "alice", revocation=revocation(LATER))).ended == 3
    assert sorted(await told(store)) == ["s0", "s2", "s4"]
    assert await left(reader) == []
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active, counts.expired) == (5, 0, 0)


async def test_many_who_revoke_at_once_end_each_session_once(store: RedisSessionStore, reader: Redis) -> None:
    names = await fill(store, 20)
    done = await asyncio.gather(
        *(store.revoke_subject("tenant-a", "alice", revocation=revocation(LATER)) for _ in range(4)),
        *(store.revoke_others("tenant-a", "alice", keep="none", revocation=revocation(LATER)) for _ in range(2)),
        *(store.revoke_session(name, revocation=revocation(LATER)) for name in names[::5]),
        *(store.purge(now=NOW, retention_seconds=9999) for _ in range(3)),
    )
    assert len(done) == 13
    assert sorted(await told(store)) == sorted(names)
    assert await marked(reader) == jtis(names)
    assert await left(reader) == []
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active, counts.expired) == (20, 0, 0)


async def test_very_many_others_end_and_the_kept_one_lives(store: RedisSessionStore, reader: Redis) -> None:
    names = await fill(store)
    kept = await store.get("s3")
    done = await store.revoke_others("tenant-a", "alice", keep="s3", revocation=revocation(LATER))
    gone = [name for name in names if name != "s3"]
    assert ([session.session_id for session in done.ended], done.active_before) == (gone, len(names))
    assert await store.get("s3") == kept
    assert sorted(await told(store)) == gone
    assert await marked(reader) == jtis(gone)
    assert sorted(entry.key for entry in await whole_log(store)) == gone


async def test_a_session_of_very_many_tokens_is_ended_alone(store: RedisSessionStore, reader: Redis) -> None:
    names = await fill(store)
    more = tuple(token for number in range(30) for token in tokens("many", number))
    await store.create(replace(of_key("many"), tokens=more))
    await store.revoke_others("tenant-a", "alice", keep="s0", revocation=revocation(LATER))
    await store.create(replace(of_key("again"), tokens=tuple(replace(token, jti=f"x{token.jti}") for token in more)))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(LATER))
    assert sorted(await told(store)) == sorted([*names, "many", "again"])
    assert len(await marked(reader)) == 2 * len(names) + 2 * len(more)


# How much is done in one script: what stands behind it waits so long.


async def commands(reader: Redis) -> int:
    """How many the server has run, those of scripts one by one."""
    found = await reader.info("commandstats")
    return sum(int(of_one["calls"]) for of_one in found.values())


class Watch:
    """How many commands each step took."""

    def __init__(self, reader: Redis, patch: pytest.MonkeyPatch) -> None:
        self.taken: list[int] = []
        step = Partition.step

        async def watched(part: Partition, name: str, given: dict[str, Any], *more: bytes) -> Any:
            before = await commands(reader)
            answer = await step(part, name, given, *more)
            self.taken.append(await commands(reader) - before)
            return answer

        patch.setattr(Partition, "step", watched)

    def largest(self) -> int:
        """Since it was asked last."""
        taken, self.taken = self.taken, []
        return max(taken, default=0)


@pytest.fixture
def watch(reader: Redis, monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(reader, monkeypatch)


REVOKING: dict[str, Step] = {
    "a subject": lambda store: store.revoke_subject("tenant-a", "alice", revocation=AGAIN),
    "all others": lambda store: store.revoke_others("tenant-a", "alice", keep="s0", revocation=AGAIN),
}


@pytest.mark.parametrize("name", sorted(REVOKING))
async def test_no_step_of_a_revocation_does_more_for_more_sessions(
    store: RedisSessionStore, watch: Watch, name: str
) -> None:
    await fill(store, 6)
    await REVOKING[name](store)
    few = watch.largest()
    for number in range(100):
        await store.create(of_key(f"t{number}", expires_at=NOW + 4000 + number))
    watch.largest()
    await REVOKING[name](store)
    assert len(watch.taken) >= 50
    assert watch.largest() <= few + 2


SIGNING_IN: dict[str, Step] = {
    "a sign-in with a limit": lambda store: store.create_limited(
        gateway_session(f"g{next(NUMBERS)}"), limit=limit(5), eviction=revocation(LATER)
    ),
    "what is limited": lambda store: store.list_sessions(
        "tenant-a", subject="alice", now=NOW, active_only=True, surface="gateway", limit=10
    ),
}


@pytest.mark.parametrize("name", sorted(SIGNING_IN))
async def test_sessions_that_no_limit_counts_cost_nothing(store: RedisSessionStore, watch: Watch, name: str) -> None:
    await SIGNING_IN[name](store)
    alone = watch.largest()
    await fill(store, 100)
    await store.revoke_session("s5", revocation=revocation(LATER))
    watch.largest()
    await SIGNING_IN[name](store)
    assert watch.largest() <= alone + 10


LISTING: dict[str, Step] = {
    "a list": lambda store: store.list_sessions("tenant-a", subject="alice", now=NOW, active_only=True, limit=2),
    "a page": lambda store: store.page_sessions(
        "tenant-a", subject="alice", status=SessionStatus.ACTIVE, now=NOW, limit=2, offset=0
    ),
}


@pytest.mark.parametrize("name", sorted(LISTING))
async def test_sessions_that_are_over_cost_a_list_of_the_active_ones_nothing(
    store: RedisSessionStore, watch: Watch, name: str
) -> None:
    await store.create(of_key("alone"))
    await LISTING[name](store)
    alone = watch.largest()
    for number in range(100):
        await store.create(of_key(f"t{number}", 1 + number))
    await store.revoke_others("tenant-a", "alice", keep="alone", revocation=AGAIN)
    watch.largest()
    await LISTING[name](store)
    assert watch.largest() <= alone + 10


async def test_a_session_that_was_refreshed_hundreds_of_times_ends_as_quickly_as_a_new_one(
    store: RedisSessionStore, watch: Watch, reader: Redis
) -> None:
    for name in ("old", "new"):
        await store.create(make_session(name, expires_at=NOW + 9000))
    for number in range(200):
        at_ms = NOW_MS + number * 2000
        wanted = rotation(refresh_jti("old", number), number + 1, session_id="old", now_ms=at_ms, grace_ms=1000)
        pair = tuple(replace(token, expires_at=token.expires_at - 899) for token in wanted.tokens[:1])
        moved = await store.rotate(replace(wanted, tokens=(*pair, *wanted.tokens[1:]), expires_at=NOW + 9000))
        assert moved.status is RotationStatus.ROTATED
    taken = []
    for name in ("new", "old"):
        watch.largest()
        await store.revoke_session(name, revocation=revocation(NOW_MS + 400_000))
        taken.append(watch.largest())
    assert taken[1] <= taken[0] + 4
    assert {"old-r199", "old-r200"} <= set(await marked(reader))
    assert await store.find_token("old-r5") is not None  # its record says what it is until it expires


async def test_tokens_that_were_spent_without_a_pause_are_not_marked_either(
    store: RedisSessionStore, reader: Redis
) -> None:
    await store.create(make_session("old"))
    for number in range(100):
        wanted = rotation(refresh_jti("old", number), number + 1, session_id="old", now_ms=NOW_MS + number)
        assert (await store.rotate(wanted)).status is RotationStatus.ROTATED
    await store.revoke_session("old", revocation=revocation(NOW_MS + 100))
    refresh = [jti for jti in await marked(reader) if "-r" in jti]
    assert len(refresh) == 33
    assert {"old-r99", "old-r100"} <= set(refresh)


async def test_a_step_of_a_walk_looks_at_so_many_and_no_more(store: RedisSessionStore, watch: Watch) -> None:
    for number in range(60):
        await store.create(replace(of_key(f"s{number}", number), tokens=()))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(LATER))
    watch.largest()
    steps, place = 1, (found := await store.walk_unended("tenant-a", limit=5)).rest
    assert found.sessions == ()
    while place is not None:
        place = (await store.walk_unended("tenant-a", after=place, limit=5)).rest
        steps += 1
    assert steps >= 12
    assert watch.largest() < 5 * 2 + 8


async def test_an_ending_goes_on_while_the_server_takes_nothing_new(
    store: RedisSessionStore, reader: Redis, url: str
) -> None:
    names = await fill(store)
    await break_off(store)
    await reader.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable):
            await store.create(of_key("new"))
        await purge(store, NOW)
        assert sorted(await told(store)) == names
    finally:
        await reader.config_set("maxmemory", 0)
    assert await left(reader) == []
