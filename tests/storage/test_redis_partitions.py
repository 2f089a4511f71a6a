# SPDX-License-Identifier: Apache-2.0
"""Redis with several partitions: the id of a session says where it lives, and what asks for all asks each."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from redis_server import fresh_database
from storage.examples import NOW, NOW_MS, make_session, revocation, tokens
from tessera_service.engine.ids import uuid7
from tessera_service.errors import StoreUnavailable
from tessera_service.models import Session
from tessera_service.storage.base import parts_of
from tessera_service.storage.redis import RedisSessionStore

PARTITIONS = 5
USERS = [f"user-{number}" for number in range(20)]


async def one() -> str:
    return "directory-1"


@pytest.fixture
async def store() -> AsyncIterator[RedisSessionStore]:
    opened = RedisSessionStore(fresh_database(), directory_id=one, partitions=PARTITIONS, timeout_ms=30_000)
    await opened.open()
    yield opened
    await opened.close()


def session_of(store: RedisSessionStore, subject: str, at: int = 0) -> Session:
    name = uuid7(partition=store.partition_of("tenant-a", subject))
    made = make_session(name, subject=subject, created_ms=NOW_MS + at)
    return replace(made, access_key_id=f"key-{subject}")


async def fill(store: RedisSessionStore) -> list[Session]:
    return [await store.create(session_of(store, user, number)) for number, user in enumerate(USERS)]


async def test_a_session_lives_in_the_partition_of_its_subject(store: RedisSessionStore) -> None:
    made = await fill(store)
    assert {UUID(session.session_id).int & 0xFF for session in made} == set(range(PARTITIONS))
    for session in made:
        assert await store.get(session.session_id) == session
        jti = tokens(session.session_id, 0)[0].jti
        assert (await store.read_state(session_id=session.session_id, jti=jti)).session == session
        found = await store.find_token(jti)
        assert found is not None
        assert found.session_id == session.session_id


async def test_an_id_that_says_otherwise_is_refused(store: RedisSessionStore) -> None:
    home = store.partition_of("tenant-a", "alice")
    assert home is not None
    with pytest.raises(ValueError, match="partition"):
        await store.create(make_session(uuid7(partition=(home + 1) % PARTITIONS)))
    with pytest.raises(ValueError, match="partition"):
        await store.create(make_session("s1"))


@pytest.mark.parametrize("name", ["s1", "", uuid7(partition=PARTITIONS), uuid7(partition=255)])
async def test_what_can_be_no_session_is_none(store: RedisSessionStore, name: str) -> None:
    assert await store.get(name) is None
    assert await store.revoke_session(name, revocation=revocation()) is None
    assert (await store.read_state(session_id=name, jti="j")).session is None
    await store.touch({name: NOW_MS})


async def test_a_page_of_a_tenant_is_in_one_order(store: RedisSessionStore) -> None:
    made = [session.session_id for session in await fill(store)][::-1]
    for offset in (0, 3, 19, 20):
        page = await store.list_sessions("tenant-a", subject=None, now=NOW, active_only=True, limit=4, offset=offset)
        assert [session.session_id for session in page] == made[offset : offset + 4]


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_a_walk_goes_through_every_partition(store: RedisSessionStore, limit: int) -> None:
    made = await fill(store)
    met: list[Session] = []
    found = await store.walk_unended("tenant-a", limit=limit)
    met += found.sessions
    while found.rest is not None:
        found = await store.walk_unended("tenant-a", after=found.rest, limit=limit)
        met += found.sessions
    assert sorted(session.session_id for session in met) == sorted(session.session_id for session in made)


async def test_counts_are_of_all_partitions(store: RedisSessionStore) -> None:
    made = await fill(store)
    await store.revoke_session(made[0].session_id, revocation=revocation())
    counts = await store.count_sessions("tenant-a", surface="token", now=NOW)
    assert (counts.total, counts.active, counts.expired) == (20, 19, 0)


async def test_the_sessions_of_an_access_key_are_found_wherever_they_are(store: RedisSessionStore) -> None:
    for session in await fill(store):
        ended = await store.revoke_access_key_sessions(str(session.access_key_id), revocation=revocation())
        assert [one.session_id for one in ended] == [session.session_id]


async def test_many_are_touched_in_many_partitions(store: RedisSessionStore) -> None:
    made = await fill(store)
    await store.touch({session.session_id: NOW_MS + 5000 for session in made})
    for session in made:
        touched = await store.get(session.session_id)
        assert touched is not None
        assert touched.last_activity_ms == NOW_MS + 5000


async def test_each_partition_has_its_log_and_its_outbox(store: RedisSessionStore) -> None:
    for session in await fill(store):
        await store.revoke_session(session.session_id, revocation=revocation())
    parts = parts_of(store)
    pages = [await part.read_log(after=0) for part in parts]
    assert sum(page.head for page in pages) == 20
    assert len({page.log_id for page in pages}) == len({part.log_key for part in parts}) == PARTITIONS
    rows = [row for part in parts for row in await part.read_outbox(after=0)]
    assert len(rows) == 40
    assert [await part.erase_events("tenant-a", USERS[0]) for part in parts].count(2) == 1


async def test_a_store_of_many_logs_has_no_log_of_its_own(store: RedisSessionStore) -> None:
    with pytest.raises(StoreUnavailable):
        await store.read_log(after=0)
    with pytest.raises(StoreUnavailable):
        await store.read_outbox(after=0)


async def test_everything_is_purged_in_the_end(store: RedisSessionStore) -> None:
    await fill(store)
    while await store.purge(now=NOW + 200_000, retention_seconds=0):
        pass
    assert await store.list_sessions("tenant-a", subject=None, now=NOW, active_only=False, limit=99) == []
