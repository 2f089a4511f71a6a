# SPDX-License-Identifier: Apache-2.0
"""Every store: what ended long ago goes, and nothing that is needed."""

import pytest

from storage.examples import GRACE_MS, NOW, NOW_MS, cut_off, make_session, revocation, rotation, successor, tokens
from tessera_service.storage.base import SessionStore


async def purge_all(store: SessionStore, *, now: int, retention_seconds: int = 100) -> int:
    """Purges until nothing is left to purge."""
    total = 0
    while gone := await store.purge(now=now, retention_seconds=retention_seconds):
        total += gone
    return total


@pytest.mark.parametrize(("now", "stays"), [(NOW + 3699, True), (NOW + 3700, False), (NOW + 3701, False)])
async def test_an_expired_session_goes_after_its_retention(store: SessionStore, now: int, stays: bool) -> None:
    await store.create(make_session(expires_at=NOW + 3600))
    await purge_all(store, now=now)
    assert (await store.get("s1") is not None) is stays


@pytest.mark.parametrize(("now", "stays"), [(NOW + 110, True), (NOW + 111, False)])
async def test_a_revoked_session_goes_after_its_retention(store: SessionStore, now: int, stays: bool) -> None:
    await store.create(make_session())
    await store.revoke_session("s1", revocation=revocation(NOW_MS + 10_001))
    await purge_all(store, now=now)
    assert (await store.get("s1") is not None) is stays


async def test_a_session_that_moved_on_stays(store: SessionStore) -> None:
    await store.create(make_session(expires_at=NOW + 3600))
    await store.rotate(rotation("s1-r0", 1, expires_at=NOW + 4000))
    await purge_all(store, now=NOW + 3999)
    assert await store.get("s1") is not None
    await purge_all(store, now=NOW + 4100)
    assert await store.get("s1") is None


async def test_a_session_whose_end_moved_back_goes_by_its_new_end(store: SessionStore) -> None:
    await store.create(make_session(expires_at=NOW + 3600))
    await store.rotate(rotation("s1-r0", 1, expires_at=NOW + 10))
    await purge_all(store, now=NOW + 110)
    assert await store.get("s1") is None


@pytest.mark.parametrize(("now", "left"), [(NOW + 899, 2), (NOW + 900, 1), (NOW + 3599, 1), (NOW + 3600, 0)])
async def test_token_records_go_at_their_expiry(store: SessionStore, now: int, left: int) -> None:
    await store.create(make_session(expires_at=NOW + 90_000))
    await purge_all(store, now=now)
    found = [await store.find_token(token.jti) for token in tokens("s1", 0)]
    assert sum(token is not None for token in found) == left


async def test_a_token_record_outlives_its_session_until_its_expiry(store: SessionStore) -> None:
    await store.create(make_session())
    await store.revoke_session("s1", revocation=revocation(NOW_MS))
    await purge_all(store, now=NOW, retention_seconds=0)
    assert await store.get("s1") is None
    assert await store.find_token("s1-a0") == tokens("s1", 0)[0]
    state = await store.read_state(session_id="s1", jti="s1-a0")
    assert (state.session, state.jti_revoked) == (None, False)


@pytest.mark.parametrize(("seconds", "stays"), [(GRACE_MS // 1000 - 1, True), (GRACE_MS // 1000, False)])
async def test_a_successor_goes_when_its_grace_is_over(store: SessionStore, seconds: int, stays: bool) -> None:
    await store.create(make_session())
    await store.rotate(rotation("s1-r0", 1))
    await purge_all(store, now=NOW + seconds)
    session = await store.get("s1")
    assert session is not None
    assert session.successor == (successor(1) if stays else None)
    assert session.successor_until_ms == (NOW_MS + GRACE_MS if stays else None)
    assert [spent.jti for spent in session.spent] == ["s1-r0"]


async def test_the_next_successor_goes_by_its_own_grace(store: SessionStore) -> None:
    await store.create(make_session())
    await store.rotate(rotation("s1-r0", 1))
    await store.rotate(rotation("s1-r1", 2, now_ms=NOW_MS + 5000))
    await purge_all(store, now=NOW + 14)
    session = await store.get("s1")
    assert session is not None
    assert session.successor == successor(2)
    await store.rotate(rotation("s1-r2", 3, now_ms=NOW_MS + 14_000, grace_ms=10))
    await purge_all(store, now=NOW + 15)
    session = await store.get("s1")
    assert session is not None
    assert session.successor is None


async def test_a_cut_off_stays_while_the_log_names_it(store: SessionStore) -> None:
    await cut_off(store, until=50)
    await cut_off(store, "bob", until=99)
    await store.purge_log(now=NOW + 49)
    assert await purge_all(store, now=NOW + 49, retention_seconds=0) == 2 + 4
    assert (await store.create(make_session("s1"))).created_ms == NOW_MS + 1


async def test_a_cut_off_that_nothing_needs_goes(store: SessionStore) -> None:
    await cut_off(store, until=50)
    await cut_off(store, "bob", until=99)
    assert await purge_all(store, now=NOW + 49, retention_seconds=0) == 2 + 4
    await store.purge_log(now=NOW + 50)
    assert (await store.create(make_session("s1"))).created_ms == NOW_MS


async def test_a_cut_off_stays_while_a_session_is_retained(store: SessionStore) -> None:
    await store.create(make_session("s1", expires_at=NOW))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS, log_expires_at=NOW + 50))
    await cut_off(store, "bob", until=99)
    await store.purge_log(now=NOW + 50)
    await purge_all(store, now=NOW + 99)
    session = await store.get("s1")
    assert session is not None
    assert session.revoked_ms == NOW_MS
    await purge_all(store, now=NOW + 100)
    assert await store.get("s1") is None
    assert (await store.create(make_session("s2"))).created_ms == NOW_MS


async def test_a_purge_has_its_limit_for_each_kind(store: SessionStore) -> None:
    for number in range(5):
        await store.create(make_session(f"s{number}", subject=f"user-{number}", expires_at=NOW))
    assert await store.purge(now=NOW + 900, retention_seconds=100, limit=2) == 2 + 2
    left = [await store.get(f"s{number}") for number in range(5)]
    assert sum(session is not None for session in left) == 3
    assert await purge_all(store, now=NOW + 900) == 3 + 3
    assert await store.purge(now=NOW + 900, retention_seconds=100) == 0


async def test_purging_an_empty_store_removes_nothing(store: SessionStore) -> None:
    assert await store.purge(now=NOW, retention_seconds=0) == 0
    assert await store.purge_log(now=NOW) == 0
