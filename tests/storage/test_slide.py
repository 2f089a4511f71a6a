# SPDX-License-Identifier: Apache-2.0
"""Every store: the newest token of a session has one successor, whoever asks."""

from dataclasses import replace

import pytest

from storage.examples import (
    NOW,
    NOW_MS,
    gateway_session,
    gateway_token,
    make_session,
    newest,
    revocation,
    slide,
    whole_log,
)
from tessera_service.models import SlideResult, SlideStatus
from tessera_service.storage.base import SessionStore

LATE = NOW + 1700


async def test_a_gateway_session_is_read_as_it_was_stored(store: SessionStore) -> None:
    wanted = replace(gateway_session(), access_key_id="key-1", last_activity_ms=NOW_MS + 5)
    stored = replace(wanted, tokens=())
    assert await store.create(wanted) == stored
    assert await store.get("s1") == stored


async def test_the_newest_token_is_followed_by_its_successor(store: SessionStore) -> None:
    created = await store.create(gateway_session())
    result = await store.slide(slide(0, 1, now=LATE))
    after = replace(
        created,
        newest=newest("s1", 1, at=LATE),
        expires_at=LATE + 1800,
    )
    assert result == SlideResult(SlideStatus.SLID, newest("s1", 1, at=LATE), after)
    assert await store.get("s1") == after
    assert await store.find_token("s1-g1") == gateway_token("s1", 1, at=LATE)
    assert await whole_log(store) == ()


async def test_a_token_that_has_a_successor_gets_it_again(store: SessionStore) -> None:
    await store.create(gateway_session())
    first = await store.slide(slide(0, 1, now=LATE))
    again = await store.slide(slide(0, 2, now=LATE + 99))
    assert again == SlideResult(SlideStatus.REPLAYED, newest("s1", 1, at=LATE), first.session)
    assert await store.get("s1") == first.session
    assert await store.find_token("s1-g2") is None


async def test_a_token_before_the_last_gets_the_newest(store: SessionStore) -> None:
    await store.create(gateway_session())
    await store.slide(slide(0, 1, now=NOW + 10))
    last = await store.slide(slide(1, 2, now=NOW + 20))
    assert last.status is SlideStatus.SLID
    result = await store.slide(slide(0, 3, now=NOW + 30))
    assert result == SlideResult(SlideStatus.REPLAYED, newest("s1", 2, at=NOW + 20), last.session)


async def test_a_successor_slides_on(store: SessionStore) -> None:
    await store.create(gateway_session())
    await store.slide(slide(0, 1, now=LATE))
    result = await store.slide(slide(1, 2, now=LATE + 1700))
    assert result.status is SlideStatus.SLID
    assert result.session is not None
    assert result.session.expires_at == LATE + 1700 + 1800


async def test_the_end_stops_at_the_end_of_the_session(store: SessionStore) -> None:
    await store.create(gateway_session(ends_at=NOW + 2000))
    result = await store.slide(slide(0, 1, now=LATE))
    assert result.session is not None
    assert result.session.expires_at == NOW + 2000


@pytest.mark.parametrize(
    ("now", "status"),
    [(NOW + 1799, SlideStatus.SLID), (NOW + 1800, SlideStatus.EXPIRED), (NOW + 1801, SlideStatus.EXPIRED)],
)
async def test_a_session_slides_until_its_end(store: SessionStore, now: int, status: SlideStatus) -> None:
    created = await store.create(gateway_session())
    result = await store.slide(slide(0, 1, now=now))
    assert result.status is status
    if status is SlideStatus.EXPIRED:
        assert result == SlideResult(status, None, created)
        assert await store.get("s1") == created


async def test_the_absolute_end_is_exclusive_too(store: SessionStore) -> None:
    await store.create(gateway_session(expires_at=NOW + 1800, ends_at=NOW + 100))
    assert (await store.slide(slide(0, 1, now=NOW + 100))).status is SlideStatus.EXPIRED
    assert (await store.slide(slide(0, 1, now=NOW + 99))).status is SlideStatus.SLID


@pytest.mark.parametrize(("now", "status"), [(NOW + 1799, SlideStatus.REPLAYED), (NOW + 1800, SlideStatus.NOT_FOUND)])
async def test_an_older_token_gets_the_newest_until_its_own_end(
    store: SessionStore, now: int, status: SlideStatus
) -> None:
    await store.create(gateway_session())
    await store.slide(slide(0, 1, now=LATE))
    assert (await store.slide(slide(0, 2, now=now))).status is status


async def test_a_token_of_another_session_slides_nothing(store: SessionStore) -> None:
    before = await store.create(gateway_session())
    await store.create(gateway_session("s2"))
    result = await store.slide(replace(slide(0, 1), presented_jti="s2-g0"))
    assert result == SlideResult(SlideStatus.NOT_FOUND, None, before)
    assert await store.get("s1") == before


async def test_an_unknown_session_is_not_found(store: SessionStore) -> None:
    assert await store.slide(slide(0, 1)) == SlideResult(SlideStatus.NOT_FOUND)


async def test_a_session_that_does_not_slide_is_not_found(store: SessionStore) -> None:
    before = await store.create(make_session())
    result = await store.slide(replace(slide(0, 1), presented_jti="s1-a0"))
    assert result == SlideResult(SlideStatus.NOT_FOUND, None, before)
    assert await store.get("s1") == before


async def test_a_revoked_session_slides_no_more_and_forgets_its_newest_token(store: SessionStore) -> None:
    await store.create(gateway_session())
    revoked = await store.revoke_session("s1", revocation=revocation())
    assert revoked is not None
    assert revoked.newest is None
    for now in (NOW, NOW + 9000):
        assert await store.slide(slide(0, 1, now=now)) == SlideResult(SlideStatus.ENDED, None, revoked)
    assert await store.get("s1") == revoked


async def test_a_locked_session_does_not_slide(store: SessionStore) -> None:
    await store.create(gateway_session(locked=True))
    assert (await store.slide(slide(0, 1))).status is SlideStatus.ENDED


async def test_a_session_that_was_cut_off_slides_no_more(store: SessionStore) -> None:
    await store.create(gateway_session())
    await store.create(gateway_session("s2", expires_at=NOW))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    assert (await store.slide(slide(0, 1))).status is SlideStatus.ENDED
    assert (await store.slide(slide(0, 1, session_id="s2", now=NOW - 1))).status is SlideStatus.ENDED


async def test_a_revoked_token_gets_no_successor_and_its_session_goes_on(store: SessionStore) -> None:
    await store.create(gateway_session())
    slid = await store.slide(slide(0, 1))
    await store.revoke_token(gateway_token("s1", 0), revocation=revocation())
    assert await store.slide(slide(0, 2)) == SlideResult(SlideStatus.ENDED, None, slid.session)
    assert (await store.slide(slide(1, 2))).status is SlideStatus.SLID


async def test_a_slide_to_a_jti_that_exists_changes_nothing(store: SessionStore) -> None:
    before = await store.create(gateway_session())
    await store.create(gateway_session("s2"))
    for taken in ("s2", "s1"):
        with pytest.raises(ValueError, match="new"):
            await store.slide(replace(slide(0, 1), token=replace(gateway_token(taken, 0), session_id="s1")))
    assert await store.get("s1") == before
    assert await store.find_token("s2-g0") == gateway_token("s2", 0)


async def test_a_session_that_slid_is_purged_by_its_new_end(store: SessionStore) -> None:
    await store.create(gateway_session())
    await store.slide(slide(0, 1, now=LATE))
    while await store.purge(now=LATE + 1899, retention_seconds=100):
        pass
    assert await store.get("s1") is not None
    while await store.purge(now=LATE + 1900, retention_seconds=100):
        pass
    assert await store.get("s1") is None
