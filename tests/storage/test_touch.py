# SPDX-License-Identifier: Apache-2.0
"""Every store: activity is raised where it counts, and nowhere else."""

from dataclasses import replace

import pytest

from storage.examples import NOW, NOW_MS, gateway_session, make_session, revocation, rotation, slide, whole_log
from tessera_service.storage.base import TOUCHED_AT_ONCE, SessionStore


async def last_activity(store: SessionStore, session_id: str = "s1") -> int:
    session = await store.get(session_id)
    assert session is not None
    return session.last_activity_ms - NOW_MS


async def test_a_session_is_active_when_it_is_born(store: SessionStore) -> None:
    created = await store.create(replace(make_session(), last_activity_ms=0))
    assert created.last_activity_ms == created.created_ms == NOW_MS
    assert await store.get("s1") == created


@pytest.mark.parametrize(("at", "stored"), [(-1, 0), (0, 0), (1, 1), (1_799_999, 1_799_999)])
async def test_activity_is_raised_and_never_lowered(store: SessionStore, at: int, stored: int) -> None:
    created = await store.create(gateway_session())
    await store.touch({"s1": NOW_MS + at})
    assert await last_activity(store) == stored
    assert await store.get("s1") == replace(created, last_activity_ms=NOW_MS + stored)


async def test_many_are_touched_at_once_each_by_its_own_time(store: SessionStore) -> None:
    for name in ("s1", "s2", "s3"):
        await store.create(gateway_session(name))
    await store.touch({"s3": NOW_MS + 3, "s1": NOW_MS + 1, "unknown": NOW_MS + 9})
    assert [await last_activity(store, name) for name in ("s1", "s2", "s3")] == [1, 0, 3]
    assert await store.get("unknown") is None
    assert await whole_log(store) == ()


@pytest.mark.parametrize(("at", "stored"), [(1_799_999, 1_799_999), (1_800_000, 0), (1_800_001, 0)])
async def test_activity_after_the_end_does_not_count(store: SessionStore, at: int, stored: int) -> None:
    await store.create(gateway_session())
    await store.touch({"s1": NOW_MS + at})
    assert await last_activity(store) == stored


async def test_what_was_revoked_locked_or_cut_off_is_left_as_it_is(store: SessionStore) -> None:
    await store.create(gateway_session("cut", expires_at=NOW + 10))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS + 10_000))
    await store.create(gateway_session("revoked", created_ms=NOW_MS + 20_000))
    await store.revoke_session("revoked", revocation=revocation(NOW_MS + 20_000))
    await store.create(gateway_session("locked", locked=True))
    before = [await store.get(name) for name in ("cut", "revoked", "locked")]
    await store.touch(dict.fromkeys(("cut", "revoked", "locked"), NOW_MS + 30_000))
    await store.touch({"cut": NOW_MS + 5})
    assert [await store.get(name) for name in ("cut", "revoked", "locked")] == before


async def test_activity_survives_what_moves_the_session_on(store: SessionStore) -> None:
    await store.create(gateway_session())
    await store.create(make_session("s2"))
    await store.touch({"s1": NOW_MS + 1, "s2": NOW_MS + 2})
    await store.slide(slide(0, 1))
    await store.rotate(rotation("s2-r0", 1, session_id="s2"))
    assert [await last_activity(store, name) for name in ("s1", "s2")] == [1, 2]


async def test_touching_nothing_is_nothing(store: SessionStore) -> None:
    await store.touch({})


async def test_a_touch_has_its_limit(store: SessionStore) -> None:
    await store.create(gateway_session())
    names = ["s1", *(f"n{number}" for number in range(TOUCHED_AT_ONCE))]
    with pytest.raises(ValueError, match=str(TOUCHED_AT_ONCE)):
        await store.touch(dict.fromkeys(names, NOW_MS + 1))
    assert await last_activity(store) == 0
    await store.touch(dict.fromkeys(names[:TOUCHED_AT_ONCE], NOW_MS + 1))
    assert await last_activity(store) == 1
