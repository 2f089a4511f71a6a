# SPDX-License-Identifier: Apache-2.0
"""Every store: the log is gapless, has one life, and forgets only what is dead."""

import pytest

from storage.examples import NOW, revocation, snapshot, tokens, whole_log
from tessera_service.models import TokenRecord
from tessera_service.storage.base import SessionStore, parts_of


def token(number: int) -> TokenRecord:
    """One of many access tokens."""
    return tokens("s1", number)[0]


async def fill(store: SessionStore, *expires_in: int) -> None:
    """Appends an entry for each, sequences from 1."""
    for number, seconds in enumerate(expires_in):
        await store.revoke_token(token(number), revocation=revocation(log_expires_at=NOW + seconds))


async def test_an_empty_log_has_an_identity_and_no_head(store: SessionStore) -> None:
    page = await store.read_log(after=0)
    assert (page.head, page.entries) == (0, ())
    assert len(page.log_id) >= 32
    pages = [page async for page in store.read_log_snapshot()]
    assert pages == [page]


async def test_sequences_are_gapless_from_one(store: SessionStore) -> None:
    await fill(store, 10, 10, 10)
    page = await store.read_log(after=0)
    assert [entry.sequence for entry in page.entries] == [1, 2, 3]
    assert page.head == 3
    assert [entry.key for entry in page.entries] == [token(number).jti for number in range(3)]


@pytest.mark.parametrize(("after", "read"), [(0, [1, 2, 3]), (1, [1, 2, 3]), (2, [2, 3]), (3, [3]), (4, [])])
async def test_reading_starts_at_the_last_entry_held(store: SessionStore, after: int, read: list[int]) -> None:
    await fill(store, 10, 10, 10)
    page = await store.read_log(after=after)
    assert [entry.sequence for entry in page.entries] == read
    assert page.head == 3


async def test_a_page_has_its_limit_and_the_head_of_the_log(store: SessionStore) -> None:
    await fill(store, 10, 10, 10)
    page = await store.read_log(after=1, limit=2)
    assert ([entry.sequence for entry in page.entries], page.head) == ([1, 2], 3)


async def test_one_life_has_one_id(store: SessionStore) -> None:
    before = await store.read_log(after=0)
    await fill(store, 10)
    assert (await store.read_log(after=0)).log_id == before.log_id


@pytest.mark.parametrize(("now", "left"), [(NOW + 9, [1, 2, 3]), (NOW + 10, [2, 3]), (NOW + 20, [3])])
async def test_entries_go_at_their_expiry(store: SessionStore, now: int, left: list[int]) -> None:
    await fill(store, 10, 20, 30)
    assert await store.purge_log(now=now) == 3 - len(left)
    assert [entry.sequence for entry in await whole_log(store)] == left


async def test_the_newest_entry_stays_until_another_comes(store: SessionStore) -> None:
    await fill(store, 30, 20, 10)
    assert await store.purge_log(now=NOW + 99) == 2
    assert await store.purge_log(now=NOW + 99) == 0
    page = await store.read_log(after=0)
    assert ([entry.sequence for entry in page.entries], page.head) == ([3], 3)
    await store.revoke_token(token(9), revocation=revocation())
    assert await store.purge_log(now=NOW + 99) == 1
    assert [entry.sequence for entry in await whole_log(store)] == [4]


async def test_a_purge_has_its_limit(store: SessionStore) -> None:
    await fill(store, 10, 10, 10, 10)
    assert await store.purge_log(now=NOW + 10, limit=2) == 2
    assert await store.purge_log(now=NOW + 10, limit=2) == 1
    assert await store.purge_log(now=NOW + 10, limit=2) == 0


async def test_reading_goes_over_the_gaps_that_a_purge_left(store: SessionStore) -> None:
    await fill(store, 90, 10, 10, 90, 10, 90)
    await store.purge_log(now=NOW + 10)
    for after, left in [(0, [1, 4, 6]), (1, [1, 4, 6]), (2, [4, 6]), (5, [6]), (6, [6])]:
        assert [entry.sequence for entry in (await store.read_log(after=after)).entries] == left
    assert [entry.sequence for entry in await snapshot(store)] == [1, 4, 6]


async def test_a_purged_jti_is_no_longer_in_the_log(store: SessionStore) -> None:
    await fill(store, 10, 90)
    await store.purge_log(now=NOW + 10)
    assert (await store.read_state(session_id="s1", jti=token(0).jti)).jti_revoked is False
    assert (await store.read_state(session_id="s1", jti=token(1).jti)).jti_revoked is True
    assert await store.revoke_token(token(0), revocation=revocation()) is True


async def test_a_snapshot_has_bounded_pages_of_one_state(store: SessionStore) -> None:
    await fill(store, *([10] * 1100))
    pages = []
    async for page in store.read_log_snapshot():
        pages.append(page)
        await store.revoke_token(token(5000 + len(pages)), revocation=revocation())
    assert len(pages) > 1
    assert {(page.head, page.log_id) for page in pages} == {(1100, (await store.read_log(after=0)).log_id)}
    assert max(len(page.entries) for page in pages) <= 1000
    assert [entry.sequence for page in pages for entry in page.entries] == list(range(1, 1101))


async def test_a_snapshot_beside_a_purge_misses_only_what_is_dead(store: SessionStore) -> None:
    await fill(store, *(10 if number % 2 else 90 for number in range(1100)))
    seen = set()
    async for page in store.read_log_snapshot():
        seen |= {entry.sequence for entry in page.entries}
        await store.purge_log(now=NOW + 10, limit=5000)
    assert seen >= {number + 1 for number in range(0, 1100, 2)}


async def test_a_renewed_log_has_another_id_and_the_same_entries(store: SessionStore) -> None:
    await fill(store, 10, 20)
    before = await store.read_log(after=0)
    for part in parts_of(store):
        await part.renew_log(log_id="another")
    after = await store.read_log(after=0)
    assert after.log_id != before.log_id
    assert "another" in after.log_id
    assert (after.head, after.entries) == (before.head, before.entries)
    await store.revoke_token(token(77), revocation=revocation())
    assert (await store.read_log(after=before.head)).head == before.head + 1


async def test_a_snapshot_and_a_read_agree(store: SessionStore) -> None:
    await fill(store, 10, 20, 30)
    assert await snapshot(store) == list(await whole_log(store))
