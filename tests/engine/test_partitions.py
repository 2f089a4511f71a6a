# SPDX-License-Identifier: Apache-2.0
"""A session store of several partitions: each has its log, which is followed, and its outbox, which is delivered; both
are purged."""

from collections import Counter

import pytest

from engine.doubles import as_any
from engine.world import TENANT, MakeWorld, World
from redis_server import fresh_database
from tessera_service.engine import revocation_feed
from tessera_service.engine.ids import partition_of
from tessera_service.engine.log_tail import LogTail
from tessera_service.models import IssuedTokens
from tessera_service.storage.base import parts_of
from tessera_service.storage.redis import RedisSessionStore

PARTITIONS = 4
SUBJECTS = [f"user-{number}" for number in range(30)]


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """Sessions in four partitions of a Redis."""

    async def directory_id() -> str:
        return "directory-a"

    store = RedisSessionStore(fresh_database(), directory_id=directory_id, partitions=PARTITIONS)
    return await make_world(sessions=store)


@pytest.fixture
async def issued(world: World) -> list[IssuedTokens]:
    """One session of each subject; together they are in every partition."""
    tokens = [await world.issue(subject) for subject in SUBJECTS]
    assert {partition_of(one.session_id) for one in tokens} == set(range(PARTITIONS))
    return tokens


async def test_the_log_of_every_partition_is_followed(world: World, issued: list[IssuedTokens]) -> None:
    other = await world.start()
    for one in issued:
        await other.tokens.authenticate(one.access_token, tenant_id=None)
    caller = await world.caller("token.revoke")
    for one in issued:
        await world.engine.tokens.revoke_session(caller, one.session_id)
    before = len(other.mirror.revocations)
    await other.mirror.poll()
    assert len(other.mirror.revocations) == before + len(issued)
    assert len(other.mirror.tails) == PARTITIONS + 1  # and the directory's


@pytest.mark.parametrize("told_from", ["memory", "the logs"])
async def test_an_answer_to_a_follower_is_bounded_over_all_partitions_together(
    world: World, issued: list[IssuedTokens], monkeypatch: pytest.MonkeyPatch, told_from: str
) -> None:
    monkeypatch.setattr(revocation_feed, "MAX_ENTRIES", 5)
    mirror, feed = world.engine.mirror, world.engine.feed
    async for batch in feed.snapshot(feed.log_ids, tenant_id=TENANT, check=never_mind):
        cursor = batch.cursor
    if told_from == "the logs":
        for follower in as_any(mirror)._followers:
            follower._tail = LogTail(follower.tail.log_id, max_entries=1)
    caller = await world.caller("token.revoke")
    for one in issued:
        await world.engine.tokens.revoke_session(caller, one.session_id)
    await mirror.poll()
    answers: list[list[str]] = []
    is_all = False
    while not is_all:
        positions = feed.open(cursor, tenant_id=TENANT)
        news = await feed.news(positions, tenant_id=TENANT, seconds=0, check=never_mind)
        assert news is not None
        answers.append([entry.key for entry in news.entries])
        cursor, is_all = news.cursor, news.as_of_ns is not None
    told = [key for answer in answers for key in answer]
    assert sorted(told) == sorted(one.session_id for one in issued)
    of_each = Counter(partition_of(session_id) for session_id in told)
    assert max(map(len, answers)) <= 4 + max(of_each.values())
    assert len(answers) > 1


async def never_mind() -> None:
    """Who asks may ask."""


async def test_the_logs_and_outboxes_of_every_partition_are_purged(world: World, issued: list[IssuedTokens]) -> None:
    caller = await world.caller("token.revoke")
    for one in issued:
        await world.engine.tokens.revoke_session(caller, one.session_id)
    parts = parts_of(world.sessions.store)
    assert min([len((await part.read_log(after=0)).entries) for part in parts]) > 1
    world.clock.advance(200_000_000)
    turns = world.engine._purge
    turns._boottime_ns = lambda: world.clock.now_ms() * 1_000_000
    turns._last = None
    for _ in range(2):
        await turns.run()
    assert [len((await part.read_log(after=0)).entries) for part in parts] == [1] * PARTITIONS  # never the newest
    assert [(await part.outbox_size()).rows for part in parts] == [0] * PARTITIONS
    assert [await world.sessions.store.get(one.session_id) for one in issued] == [None] * len(issued)


async def test_the_outbox_of_every_partition_is_delivered(world: World) -> None:
    assert set(world.engine.relay._outboxes) >= {part.outbox_key for part in parts_of(world.sessions.store)}
