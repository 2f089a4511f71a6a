# SPDX-License-Identifier: Apache-2.0
"""Every store: a subject has no more sessions than its limit, and the least recently active makes room."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from storage.examples import (
    NOW,
    NOW_MS,
    cut_off,
    eviction,
    gateway_session,
    limit,
    make_session,
    revocation,
    rotation,
    slide,
    whole_log,
)
from tessera_service.models import LogEntry, LogKind, Session, SessionStatus
from tessera_service.storage.base import SessionStore

NEW = replace(gateway_session("new"), tokens=())  # as it is returned


async def fill(store: SessionStore, *activities: int) -> Sequence[Session]:
    """Gateway sessions s0, s1, ... of alice, with those activities after NOW_MS."""
    made = [gateway_session(f"s{n}", last_activity_ms=NOW_MS + at) for n, at in enumerate(activities)]
    return [await store.create(session) for session in made]


async def active(store: SessionStore, *, now: int = NOW) -> list[str]:
    found = await store.list_sessions("tenant-a", subject="alice", now=now, active_only=True, limit=1000)
    return sorted(session.session_id for session in found)


async def test_below_the_limit_a_session_is_created_as_any_other(store: SessionStore) -> None:
    await fill(store, 0, 0, 0, 0)
    created = await store.create_limited(gateway_session("new"), limit=limit(5), eviction=eviction())
    assert (created.session, created.evicted) == (NEW, ())
    assert await store.get("new") == NEW
    assert await store.find_token("new-g0") is not None
    assert await whole_log(store) == ()


async def test_at_the_limit_the_least_recently_active_makes_room(store: SessionStore) -> None:
    before = await fill(store, 30, 10, 20)
    created = await store.create_limited(gateway_session("new"), limit=limit(3), eviction=eviction(NOW_MS + 7))
    gone = replace(before[1], revoked_ms=NOW_MS + 7, revoked_reason="concurrent_limit", revoked_by="admin", newest=None)
    assert (created.session, created.evicted) == (NEW, (gone,))
    assert await store.get("s1") == gone
    assert await active(store) == ["new", "s0", "s2"]
    assert await whole_log(store) == (LogEntry(1, LogKind.SESSION, "tenant-a", "s1", 0, NOW + 5000),)


async def test_of_two_equally_active_the_lowest_id_makes_room(store: SessionStore) -> None:
    for name in ("s7", "s3", "s5"):
        await store.create(gateway_session(name))
    created = await store.create_limited(gateway_session("s1"), limit=limit(3), eviction=eviction())
    assert [session.session_id for session in created.evicted] == ["s3"]


async def test_a_lower_limit_makes_as_much_room_as_it_takes_in_order(store: SessionStore) -> None:
    await fill(store, 40, 10, 30, 20, 50)
    created = await store.create_limited(gateway_session("new"), limit=limit(2), eviction=eviction())
    assert [session.session_id for session in created.evicted] == ["s1", "s3", "s2", "s0"]
    assert [entry.key for entry in await whole_log(store)] == ["s1", "s3", "s2", "s0"]
    assert [entry.sequence for entry in await whole_log(store)] == [1, 2, 3, 4]
    assert await active(store) == ["new", "s4"]


async def test_a_limit_of_one_keeps_only_the_new_one(store: SessionStore) -> None:
    await fill(store, 0, 99_000_000)
    created = await store.create_limited(gateway_session("new"), limit=limit(1), eviction=eviction())
    assert len(created.evicted) == 2
    assert await active(store) == ["new"]


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        limit(0)


async def test_what_was_touched_last_stays(store: SessionStore) -> None:
    await fill(store, 0, 0)
    await store.touch({"s0": NOW_MS + 5})
    created = await store.create_limited(gateway_session("new"), limit=limit(2), eviction=eviction())
    assert [session.session_id for session in created.evicted] == ["s1"]


async def test_when_the_limit_rejects_nothing_changes(store: SessionStore) -> None:
    await fill(store, 0, 0)
    rejected = await store.create_limited(gateway_session("new"), limit=limit(2, policy="reject"), eviction=eviction())
    assert (rejected.session, rejected.evicted) == (None, ())
    assert await store.get("new") is None
    assert await store.find_token("new-g0") is None
    assert await active(store) == ["s0", "s1"]
    assert await whole_log(store) == ()
    again = await store.create_limited(gateway_session("new"), limit=limit(3, policy="reject"), eviction=eviction())
    assert again.session == NEW


async def test_a_limit_of_the_gateway_counts_only_its_sessions(store: SessionStore) -> None:
    await store.create(make_session("t1"))
    await fill(store, 0)
    created = await store.create_limited(gateway_session("new"), limit=limit(2), eviction=eviction())
    assert created.evicted == ()
    created = await store.create_limited(gateway_session("new-2"), limit=limit(2), eviction=eviction())
    assert [session.session_id for session in created.evicted] == ["new"]
    assert await active(store) == ["new-2", "s0", "t1"]


async def test_a_limit_of_all_counts_every_surface(store: SessionStore) -> None:
    await store.create(make_session("t1", created_ms=NOW_MS - 1))
    await fill(store, 0)
    created = await store.create_limited(gateway_session("new"), limit=limit(2, scope="all"), eviction=eviction())
    assert [session.session_id for session in created.evicted] == ["t1"]


async def test_sessions_of_others_do_not_count(store: SessionStore) -> None:
    await store.create(gateway_session("b1", subject="bob"))
    await store.create(replace(gateway_session("c1"), tenant_id="tenant-b", tokens=()))
    created = await store.create_limited(gateway_session("new"), limit=limit(1), eviction=eviction())
    assert created.evicted == ()


@pytest.mark.parametrize(("now", "evicted"), [(NOW + 1799, ["s0"]), (NOW + 1800, []), (NOW + 1801, [])])
async def test_a_session_counts_until_its_end(store: SessionStore, now: int, evicted: list[str]) -> None:
    await fill(store, 0)
    new = gateway_session("new", created_ms=now * 1000, expires_at=now + 1800)
    created = await store.create_limited(new, limit=limit(1, now=now), eviction=eviction(now * 1000))
    assert [session.session_id for session in created.evicted] == evicted


async def test_what_was_revoked_locked_or_cut_off_does_not_count(store: SessionStore) -> None:
    await store.create(gateway_session("cut", expires_at=NOW))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    await fill(store, 10)
    await store.revoke_session("s0", revocation=revocation(NOW_MS))
    await store.create(gateway_session("locked", locked=True))
    wanted = limit(1, policy="reject", now=NOW - 1)  # a clock behind: only the cut-off keeps the expired one away
    created = await store.create_limited(gateway_session("new"), limit=wanted, eviction=eviction(NOW_MS - 1000))
    assert created.session is not None
    assert created.session.session_id == "new"


async def test_the_new_session_is_born_after_the_cut_off(store: SessionStore) -> None:
    await cut_off(store, at_ms=NOW_MS + 50)
    created = await store.create_limited(gateway_session("new"), limit=limit(5), eviction=eviction())
    assert created.session is not None
    assert (created.session.created_ms, created.session.last_activity_ms) == (NOW_MS + 51, NOW_MS + 51)
    assert created.session.status(NOW) is SessionStatus.ACTIVE


async def test_an_id_that_is_taken_evicts_nothing(store: SessionStore) -> None:
    await fill(store, 0, 0)
    with pytest.raises(ValueError, match="new"):
        await store.create_limited(gateway_session("s1"), limit=limit(1), eviction=eviction())
    taken = replace(gateway_session("new"), tokens=gateway_session("s1").tokens)
    with pytest.raises(ValueError, match="new"):
        await store.create_limited(taken, limit=limit(1), eviction=eviction())
    assert await active(store) == ["s0", "s1"]
    assert await store.get("new") is None
    assert await whole_log(store) == ()


async def test_an_evicted_session_neither_slides_nor_rotates(store: SessionStore) -> None:
    await store.create(make_session("t1", created_ms=NOW_MS - 1))
    await fill(store, 0)
    await store.create_limited(gateway_session("new"), limit=limit(1, scope="all"), eviction=eviction())
    assert (await store.slide(slide(0, 1, session_id="s0"))).status.value == "ended"
    assert (await store.rotate(rotation("t1-r0", 1, session_id="t1"))).status.value == "ended"
