# SPDX-License-Identifier: Apache-2.0
"""Every store: a walk over a tenant meets every session that was not ended, in steps whose work is bounded."""

from dataclasses import replace

import pytest

from storage.examples import NOW, NOW_MS, gateway_session, make_session, revocation
from tessera_service.models import Session
from tessera_service.storage.base import SessionStore


async def walk(store: SessionStore, *, limit: int, tenant_id: str = "tenant-a") -> list[list[str]]:
    """What each step met; the sessions themselves have to be what `get` says."""
    met, place = [], None
    while True:
        found = await store.walk_unended(tenant_id, after=place, limit=limit)
        assert [await store.get(session.session_id) for session in found.sessions] == list(found.sessions)
        met.append([session.session_id for session in found.sessions])
        place = found.rest
        if place is None:
            return met


def bare(name: str, at: int = 0, *, subject: str = "alice") -> Session:
    return replace(make_session(name, subject=subject, created_ms=NOW_MS + at), tokens=())


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 500])
async def test_each_is_met_once(store: SessionStore, limit: int) -> None:
    for number in range(7):
        await store.create(bare(f"s{number}", number // 3, subject=f"user-{number % 2}"))
    met = await walk(store, limit=limit)
    assert sorted(name for step in met for name in step) == [f"s{number}" for number in range(7)]
    assert max(map(len, met)) <= limit


async def test_what_was_ended_is_looked_at_and_not_met(store: SessionStore) -> None:
    for name in ("cut", "cut-2"):
        await store.create(bare(name))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    await store.create(bare("live", 5))
    await store.create(replace(bare("locked", 5), locked=True))
    await store.create(bare("revoked", 5))
    await store.revoke_session("revoked", revocation=revocation(NOW_MS + 6))
    met = await walk(store, limit=1)
    assert len(met) >= 5  # each step looks at one
    assert [name for step in met for name in step] == ["live"]


async def test_what_is_over_by_time_is_met(store: SessionStore) -> None:
    await store.create(make_session("s1", expires_at=NOW - 90_000))
    assert await walk(store, limit=5) == [["s1"]]


async def test_sessions_of_every_surface_are_met_and_none_of_another_tenant(store: SessionStore) -> None:
    await store.create(gateway_session("s1"))
    await store.create(bare("s2"))
    await store.create(replace(bare("other"), tenant_id="tenant-b"))
    assert sorted(*(await walk(store, limit=5))) == ["s1", "s2"]
    assert await walk(store, limit=5, tenant_id="tenant-b") == [["other"]]
    assert await walk(store, limit=5, tenant_id="tenant-c") == [[]]


async def test_what_ends_on_the_way_keeps_nothing_from_being_met(store: SessionStore) -> None:
    for number in range(6):
        await store.create(bare(f"s{number}", number % 2, subject=f"user-{number}"))
    met, place = [], None
    while True:
        found = await store.walk_unended("tenant-a", after=place, limit=2)
        for session in found.sessions:
            met.append(session.session_id)
            await store.revoke_subject("tenant-a", session.subject, revocation=revocation(NOW_MS + 9))
        place = found.rest
        if place is None:
            break
    assert sorted(met) == [f"s{number}" for number in range(6)]
    assert await walk(store, limit=99) == [[]]


async def test_what_is_purged_on_the_way_keeps_nothing_from_being_met(store: SessionStore) -> None:
    for number in range(6):
        await store.create(make_session(f"s{number}", expires_at=NOW + (number % 2) * 9000))
    first = await store.walk_unended("tenant-a", limit=3)
    met = {session.session_id for session in first.sessions}
    while await store.purge(now=NOW + 10, retention_seconds=0):
        pass
    place = first.rest
    while place is not None:
        found = await store.walk_unended("tenant-a", after=place, limit=3)
        met |= {session.session_id for session in found.sessions}
        place = found.rest
    assert met >= {"s1", "s3", "s5"}


async def test_what_is_born_on_the_way_does_not_lead_in_a_circle(store: SessionStore) -> None:
    for number in range(4):
        await store.create(bare(f"s{number}"))
    met, place, steps = set(), None, 0
    while steps == 0 or place is not None:
        found = await store.walk_unended("tenant-a", after=place, limit=1)
        met |= {session.session_id for session in found.sessions}
        place = found.rest
        steps += 1
        await store.create(bare(f"new{steps}", steps))
        assert steps < 20
    assert met >= {f"s{number}" for number in range(4)}
