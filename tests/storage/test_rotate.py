# SPDX-License-Identifier: Apache-2.0
"""Every store: one refresh token has one successor, and its reuse ends the family."""

from dataclasses import replace

import pytest

from storage.examples import (
    GRACE_MS,
    NOW,
    NOW_MS,
    make_session,
    revocation,
    rotation,
    successor,
    tokens,
    whole_log,
)
from tessera_service.models import LogEntry, LogKind, RotationStatus, Session, SpentToken
from tessera_service.storage.base import SessionStore


async def rotated_once(store: SessionStore) -> Session:
    """s1 after r0 was spent for pair 1 at NOW_MS."""
    await store.create(make_session())
    result = await store.rotate(rotation("s1-r0", 1))
    assert result.status is RotationStatus.ROTATED
    assert result.session is not None
    return result.session


async def test_the_current_token_is_spent_for_its_successor(store: SessionStore) -> None:
    created = await store.create(make_session())
    result = await store.rotate(rotation("s1-r0", 1))
    assert result.status is RotationStatus.ROTATED
    assert result.successor == successor(1)
    assert result.session == replace(
        created,
        refresh_jti="s1-r1",
        expires_at=NOW + 4000,
        spent=(SpentToken("s1-r0", NOW_MS),),
        successor=successor(1),
        successor_until_ms=NOW_MS + GRACE_MS,
    )
    assert await store.get("s1") == result.session
    assert [await store.find_token(token.jti) for token in tokens("s1", 1)] == list(tokens("s1", 1))
    assert await whole_log(store) == ()


async def test_the_new_end_stops_at_the_end_of_the_session(store: SessionStore) -> None:
    await store.create(make_session(ends_at=NOW + 3700))
    result = await store.rotate(rotation("s1-r0", 1, expires_at=NOW + 4000))
    assert result.session is not None
    assert result.session.expires_at == NOW + 3700


@pytest.mark.parametrize("elapsed_ms", [0, 1, GRACE_MS - 1])
async def test_inside_its_grace_the_spent_token_gives_the_same_successor(store: SessionStore, elapsed_ms: int) -> None:
    before = await rotated_once(store)
    result = await store.rotate(rotation("s1-r0", 2, now_ms=NOW_MS + elapsed_ms))
    assert (result.status, result.successor, result.session) == (RotationStatus.REPLAYED, successor(1), before)
    assert await store.get("s1") == before
    assert await store.find_token("s1-a2") is None
    assert await whole_log(store) == ()


@pytest.mark.parametrize("elapsed_ms", [GRACE_MS, GRACE_MS + 1])
async def test_after_its_grace_the_spent_token_revokes_the_session(store: SessionStore, elapsed_ms: int) -> None:
    before = await rotated_once(store)
    result = await store.rotate(rotation("s1-r0", 2, now_ms=NOW_MS + elapsed_ms))
    assert (result.status, result.successor) == (RotationStatus.REUSE_REVOKED, None)
    assert result.session == replace(
        before,
        revoked_ms=NOW_MS + elapsed_ms,
        revoked_reason="refresh_reuse",
        revoked_by="admin",
        successor=None,
        successor_until_ms=None,
    )
    assert await store.get("s1") == result.session
    assert await whole_log(store) == (LogEntry(1, LogKind.SESSION, "tenant-a", "s1", 0, NOW + 5000),)
    assert (await store.rotate(rotation("s1-r1", 2))).status is RotationStatus.ENDED


async def test_a_token_whose_successor_is_spent_changes_nothing_inside_its_grace(store: SessionStore) -> None:
    await rotated_once(store)
    after = (await store.rotate(rotation("s1-r1", 2, now_ms=NOW_MS + 1))).session
    result = await store.rotate(rotation("s1-r0", 3, now_ms=NOW_MS + GRACE_MS - 1))
    assert (result.status, result.successor, result.session) == (RotationStatus.SUPERSEDED, None, after)
    assert await store.get("s1") == after


async def test_a_token_whose_successor_is_spent_is_reused_after_its_grace(store: SessionStore) -> None:
    await rotated_once(store)
    await store.rotate(rotation("s1-r1", 2, now_ms=NOW_MS + 1))
    result = await store.rotate(rotation("s1-r0", 3, now_ms=NOW_MS + GRACE_MS))
    assert result.status is RotationStatus.REUSE_REVOKED


async def test_spent_tokens_are_forgotten_once_their_grace_is_over(store: SessionStore) -> None:
    await rotated_once(store)
    result = await store.rotate(rotation("s1-r1", 2, now_ms=NOW_MS + GRACE_MS - 1))
    assert result.session is not None
    assert [spent.jti for spent in result.session.spent] == ["s1-r0", "s1-r1"]
    result = await store.rotate(rotation("s1-r2", 3, now_ms=NOW_MS + GRACE_MS))
    assert result.session is not None
    assert [spent.jti for spent in result.session.spent] == ["s1-r1", "s1-r2"]


async def test_a_forgotten_spent_token_is_reuse(store: SessionStore) -> None:
    await rotated_once(store)
    await store.rotate(rotation("s1-r1", 2, now_ms=NOW_MS + GRACE_MS))
    result = await store.rotate(rotation("s1-r0", 3, now_ms=NOW_MS + GRACE_MS))
    assert result.status is RotationStatus.REUSE_REVOKED


async def rotated_often(store: SessionStore, times: int) -> None:
    """s1 after that many rotations, one each millisecond."""
    await store.create(make_session())
    for number in range(times):
        await store.rotate(rotation(f"s1-r{number}", number + 1, now_ms=NOW_MS + number))


async def test_a_session_names_few_spent_tokens_however_fast_it_rotates(store: SessionStore) -> None:
    await rotated_often(store, 100)
    session = await store.get("s1")
    assert session is not None
    assert [spent.jti for spent in session.spent] == [f"s1-r{number}" for number in range(68, 100)]


@pytest.mark.parametrize("number", [0, 1, 67, 68, 98])
async def test_of_very_many_tokens_spent_at_once_each_keeps_its_grace(store: SessionStore, number: int) -> None:
    await rotated_often(store, 100)
    last_ms = NOW_MS + number + GRACE_MS - 1
    for _ in range(2):
        result = await store.rotate(rotation(f"s1-r{number}", 101, now_ms=last_ms))
        assert result.status is RotationStatus.SUPERSEDED
    result = await store.rotate(rotation(f"s1-r{number}", 101, now_ms=last_ms + 1))
    assert result.status is RotationStatus.REUSE_REVOKED


async def test_a_token_that_another_session_spent_is_reuse(store: SessionStore) -> None:
    await rotated_often(store, 40)
    await store.create(make_session("s2"))
    result = await store.rotate(rotation("s1-r0", 101, session_id="s2"))
    assert result.status is RotationStatus.REUSE_REVOKED


async def test_a_token_that_was_never_issued_is_reuse(store: SessionStore) -> None:
    await store.create(make_session())
    assert (await store.rotate(rotation("s1-r9", 1))).status is RotationStatus.REUSE_REVOKED


async def test_a_spent_refresh_token_is_known_until_its_expiry(store: SessionStore) -> None:
    await store.create(make_session())
    await store.rotate(rotation("s1-r0", 1, now_ms=(NOW + 1800) * 1000, expires_at=NOW + 7200))
    await store.purge(now=NOW + 3599, retention_seconds=0)
    assert await store.find_token("s1-r0") == tokens("s1", 0)[1]
    await store.purge(now=NOW + 3600, retention_seconds=0)
    assert await store.find_token("s1-r0") is None


async def test_a_rotation_to_a_jti_that_exists_changes_nothing(store: SessionStore) -> None:
    await store.create(make_session("s2"))
    before = await store.create(make_session())
    with pytest.raises(ValueError, match="new"):
        await store.rotate(replace(rotation("s1-r0", 1), tokens=tokens("s2", 0)))
    assert await store.get("s1") == before


async def test_an_unknown_session_is_not_found(store: SessionStore) -> None:
    result = await store.rotate(rotation("s1-r0", 1))
    assert (result.status, result.session, result.successor) == (RotationStatus.NOT_FOUND, None, None)


@pytest.mark.parametrize(("expires_in", "ends_in"), [(0, 100), (100, 0), (-1, 100), (100, -1)])
async def test_a_session_at_its_end_is_expired(store: SessionStore, expires_in: int, ends_in: int) -> None:
    before = await store.create(make_session(expires_at=NOW + expires_in, ends_at=NOW + ends_in))
    result = await store.rotate(rotation("s1-r0", 1))
    assert (result.status, result.session) == (RotationStatus.EXPIRED, before)
    assert await store.get("s1") == before


async def test_a_session_one_second_before_its_end_rotates(store: SessionStore) -> None:
    await store.create(make_session(expires_at=NOW + 1, ends_at=NOW + 1))
    assert (await store.rotate(rotation("s1-r0", 1, now_ms=NOW_MS + 999))).status is RotationStatus.ROTATED


async def test_a_locked_session_is_ended(store: SessionStore) -> None:
    before = await store.create(make_session(locked=True))
    result = await store.rotate(rotation("s1-r0", 1))
    assert (result.status, result.session) == (RotationStatus.ENDED, before)


async def test_a_revoked_session_is_ended_also_after_its_time(store: SessionStore) -> None:
    await rotated_once(store)
    revoked = await store.revoke_session("s1", revocation=revocation())
    for presented in ("s1-r0", "s1-r1"):
        for now_ms in (NOW_MS, (NOW + 200_000) * 1000):
            result = await store.rotate(rotation(presented, 2, now_ms=now_ms))
            assert (result.status, result.session, result.successor) == (RotationStatus.ENDED, revoked, None)


async def test_a_session_that_was_cut_off_is_ended(store: SessionStore) -> None:
    await store.create(make_session())
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    assert (await store.rotate(rotation("s1-r0", 1))).status is RotationStatus.ENDED


async def test_inside_the_grace_a_purged_successor_is_superseded(store: SessionStore) -> None:
    await rotated_once(store)
    await store.purge(now=NOW + GRACE_MS // 1000, retention_seconds=1000)
    result = await store.rotate(rotation("s1-r0", 2, now_ms=NOW_MS + GRACE_MS - 1))
    assert result.status is RotationStatus.SUPERSEDED
    assert (await store.rotate(rotation("s1-r1", 2))).status is RotationStatus.ROTATED
