# SPDX-License-Identifier: Apache-2.0
"""Every store: pages of sessions are ordered and whole, counts are exact."""

from dataclasses import replace

import pytest

from storage.examples import NOW, NOW_MS, cut_off, gateway_session, make_session, revocation, slide
from tessera_service.models import Session, SessionCounts
from tessera_service.storage.base import SessionStore


async def page(
    store: SessionStore,
    *,
    tenant_id: str = "tenant-a",
    subject: str | None = None,
    now: int = NOW,
    active_only: bool = False,
    surface: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[str]:
    """The ids of a page; the sessions themselves have to be what `get` says."""
    found = await store.list_sessions(
        tenant_id, subject=subject, now=now, active_only=active_only, surface=surface, limit=limit, offset=offset
    )
    assert [await store.get(session.session_id) for session in found] == list(found)
    return [session.session_id for session in found]


def elsewhere(name: str) -> Session:
    return replace(make_session(name), tenant_id="tenant-b", tokens=())


async def test_sessions_are_listed_newest_first(store: SessionStore) -> None:
    for name, at in (("s1", 10), ("s2", 30), ("s3", 20)):
        await store.create(make_session(name, created_ms=NOW_MS + at))
    assert await page(store) == ["s2", "s3", "s1"]
    assert await page(store, subject="alice") == ["s2", "s3", "s1"]


async def test_of_two_born_at_once_the_higher_id_is_the_newer(store: SessionStore) -> None:
    for name in ("s2", "s3", "s1"):
        await store.create(make_session(name))
    assert await page(store) == ["s3", "s2", "s1"]
    assert await page(store, subject="alice") == ["s3", "s2", "s1"]


async def test_the_order_is_that_of_the_times_that_were_stored(store: SessionStore) -> None:
    await cut_off(store, at_ms=NOW_MS + 50)
    await store.create(make_session("alice-1"))
    await store.create(make_session("bob-1", subject="bob", created_ms=NOW_MS + 50))
    assert (await page(store))[:2] == ["alice-1", "bob-1"]


async def test_a_page_has_its_limit_and_its_offset(store: SessionStore) -> None:
    for number in range(5):
        await store.create(make_session(f"s{number}"))
    for subject in (None, "alice"):
        assert await page(store, subject=subject, limit=2) == ["s4", "s3"]
        assert await page(store, subject=subject, limit=2, offset=2) == ["s2", "s1"]
        assert await page(store, subject=subject, limit=2, offset=4) == ["s0"]
        assert await page(store, subject=subject, limit=2, offset=5) == []
        assert await page(store, subject=subject, limit=0) == []


async def test_only_what_was_asked_for_is_listed(store: SessionStore) -> None:
    await store.create(make_session("a-1"))
    await store.create(gateway_session("a-2"))
    await store.create(gateway_session("b-1", subject="bob"))
    await store.create(elsewhere("other"))
    assert await page(store) == ["b-1", "a-2", "a-1"]
    assert await page(store, subject="alice") == ["a-2", "a-1"]
    assert await page(store, surface="gateway") == ["b-1", "a-2"]
    assert await page(store, subject="alice", surface="gateway") == ["a-2"]
    assert await page(store, tenant_id="tenant-b") == ["other"]
    assert await page(store, tenant_id="tenant-b", subject="bob") == []
    assert await page(store, tenant_id="tenant-c") == []
    assert await page(store, subject="nobody", active_only=True) == []


@pytest.mark.parametrize(("now", "listed"), [(NOW + 1799, ["s1"]), (NOW + 1800, []), (NOW + 1801, [])])
async def test_a_session_is_listed_as_active_until_its_end(store: SessionStore, now: int, listed: list[str]) -> None:
    await store.create(gateway_session("s1"))
    for subject in (None, "alice"):
        assert await page(store, subject=subject, now=now, active_only=True) == listed
        assert await page(store, subject=subject, now=now) == ["s1"]


async def test_what_was_revoked_locked_or_cut_off_is_not_active(store: SessionStore) -> None:
    await store.create(gateway_session("cut", expires_at=NOW))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    for name in ("live", "revoked"):
        await store.create(gateway_session(name))
    await store.create(gateway_session("locked", locked=True))
    await store.revoke_session("revoked", revocation=revocation(NOW_MS))
    for subject in (None, "alice"):
        assert await page(store, subject=subject, now=NOW - 1, active_only=True) == ["live"]
        assert await page(store, subject=subject) == ["revoked", "locked", "live", "cut"]


async def test_a_purged_session_is_not_listed_nor_counted(store: SessionStore) -> None:
    for number in range(9):
        await store.create(gateway_session(f"s{number}", expires_at=NOW + (number % 3) * 1000))
    await store.purge(now=NOW + 1100, retention_seconds=100)
    assert await page(store) == ["s8", "s5", "s2"]
    assert await page(store, subject="alice") == ["s8", "s5", "s2"]
    assert await store.count_sessions("tenant-a", surface="gateway", now=NOW + 1100) == SessionCounts(3, 3, 0)


async def counts(store: SessionStore, now: int = NOW, *, surface: str = "gateway") -> tuple[int, int, int]:
    found = await store.count_sessions("tenant-a", surface=surface, now=now)
    return found.total, found.active, found.expired


async def test_nothing_counts_as_nothing(store: SessionStore) -> None:
    assert await counts(store) == (0, 0, 0)


@pytest.mark.parametrize(("now", "expected"), [(NOW + 1799, (1, 1, 0)), (NOW + 1800, (1, 0, 1)), (NOW - 9, (1, 1, 0))])
async def test_a_session_counts_as_active_until_its_end(
    store: SessionStore, now: int, expected: tuple[int, int, int]
) -> None:
    await store.create(gateway_session())
    assert await counts(store, now) == expected


async def test_the_absolute_end_counts_too(store: SessionStore) -> None:
    await store.create(gateway_session(ends_at=NOW + 10))
    assert await counts(store, NOW + 10) == (1, 0, 1)


async def test_a_session_that_slid_counts_by_its_new_end(store: SessionStore) -> None:
    await store.create(gateway_session())
    await store.slide(slide(0, 1, now=NOW + 1700))
    assert await counts(store, NOW + 3499) == (1, 1, 0)
    assert await counts(store, NOW + 3500) == (1, 0, 1)


async def test_what_was_revoked_or_locked_is_neither_active_nor_expired(store: SessionStore) -> None:
    await store.create(gateway_session("s1"))
    await store.create(gateway_session("s2"))
    await store.create(gateway_session("s3", locked=True))
    await store.revoke_session("s1", revocation=revocation())
    assert await counts(store) == (3, 1, 0)
    assert await counts(store, NOW + 9000) == (3, 0, 1)


async def test_what_was_cut_off_after_its_time_counts_as_revoked(store: SessionStore) -> None:
    await store.create(gateway_session("s1", expires_at=NOW))
    await store.create(gateway_session("s2"))
    await store.create(gateway_session("s3", locked=True))
    assert await counts(store) == (3, 1, 1)
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    assert await counts(store) == (3, 0, 0)
    await store.create(gateway_session("s4"))
    assert await counts(store) == (4, 1, 0)
    assert await counts(store, NOW + 9000) == (4, 0, 1)
    while await store.purge(now=NOW + 9000, retention_seconds=0):
        pass
    assert await counts(store, NOW + 9000) == (0, 0, 0)


async def test_only_one_surface_of_one_tenant_is_counted(store: SessionStore) -> None:
    await store.create(gateway_session("s1"))
    await store.create(make_session("s2", subject="bob"))
    await store.create(elsewhere("s3"))
    assert await counts(store) == (1, 1, 0)
    assert await counts(store, surface="token") == (1, 1, 0)
    assert await counts(store, surface="auth") == (0, 0, 0)
