# SPDX-License-Identifier: Apache-2.0
"""Hits: exact in sliding windows, all or none, however many come at once."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from storage.examples import NOW, NOW_MS
from storage.stores import execute, witness
from storage.user_examples import directories
from tessera_service.errors import StoreUnavailable
from tessera_service.models import HitLimit, Taken
from tessera_service.storage.sql import SqlDirectory

KEY, OTHER = b"\x00\xffkey", b"other"
FIVE = HitLimit(KEY, 5, 900, 900)


async def take(directory: SqlDirectory, *limits: HitLimit, at_ms: int = 0) -> Taken:
    """A take that many milliseconds after NOW."""
    return await directory.take(limits, now_ms=NOW_MS + at_ms)


async def counted(directory: SqlDirectory, *limits: HitLimit, at_ms: int = 0) -> str:
    """The hit of a take that has to count."""
    taken = await take(directory, *limits, at_ms=at_ms)
    assert taken.hit_id is not None
    return taken.hit_id


async def test_a_limit_counts_down_and_then_refuses(directory: SqlDirectory) -> None:
    limit = HitLimit(KEY, 3, 60)
    for remaining, retry_after in ((2, 0), (1, 0), (0, 60)):
        taken = await take(directory, limit)
        assert taken.hit_id is not None
        assert (taken.remaining, taken.retry_after) == ((remaining,), (retry_after,))
    assert await take(directory, limit) == Taken(None, (0,), (60,))
    assert await take(directory, limit, at_ms=1) == Taken(None, (0,), (60,))
    assert await take(directory, limit, at_ms=1000) == Taken(None, (0,), (59,))


async def test_every_hit_has_an_id_of_its_own(directory: SqlDirectory) -> None:
    assert len({await counted(directory, FIVE) for _ in range(5)}) == 5


async def test_a_hit_counts_until_its_window_is_over_to_the_millisecond(directory: SqlDirectory) -> None:
    limit = HitLimit(KEY, 2, 60)
    await counted(directory, limit)
    await counted(directory, limit, at_ms=30_000)
    assert await take(directory, limit, at_ms=59_999) == Taken(None, (0,), (1,))
    assert (await take(directory, limit, at_ms=60_000)).remaining == (0,)  # the first is over, the second is not
    assert await take(directory, limit, at_ms=89_999) == Taken(None, (0,), (1,))
    await counted(directory, limit, at_ms=90_000)


async def test_in_no_window_anywhere_are_more_hits_than_may_be(directory: SqlDirectory) -> None:
    limit = HitLimit(KEY, 3, 10)
    times = [at_ms for at_ms in range(0, 60_000, 700) if (await take(directory, limit, at_ms=at_ms)).hit_id]
    assert all(sum(start <= at < start + 10_000 for at in times) <= 3 for start in times)
    assert len(times) == 18  # and no fewer: three at once, and three more each time that the first is over


async def test_refused_tries_do_not_prolong_a_limit(directory: SqlDirectory) -> None:
    limit = HitLimit(KEY, 1, 60)
    await counted(directory, limit)
    for at_ms in range(0, 60_000, 5000):
        assert (await take(directory, limit, at_ms=at_ms)).hit_id is None
    await counted(directory, limit, at_ms=60_000)


async def test_a_limit_that_is_full_with_a_hold_stays_full_for_the_whole_hold(directory: SqlDirectory) -> None:
    for number in range(4):
        await counted(directory, FIVE, at_ms=number * 200_000)
    last = await take(directory, FIVE, at_ms=899_000)
    assert last.hit_id is not None
    assert (last.remaining, last.retry_after) == ((0,), (900,))
    # without the hold the first hit would have been over a second later
    for at_ms, left in ((900_000, 899), (1_000_000, 799), (1_798_999, 1)):
        assert await take(directory, FIVE, at_ms=at_ms) == Taken(None, (0,), (left,))
    assert (await take(directory, FIVE, at_ms=1_799_000)).remaining == (4,)  # and then all of them are over


async def test_a_hold_that_is_shorter_than_the_window_ends_all_hits_with_it(directory: SqlDirectory) -> None:
    limit = HitLimit(KEY, 2, 900, 60)
    await counted(directory, limit)
    assert (await take(directory, limit, at_ms=10)).retry_after == (60,)
    assert await take(directory, limit, at_ms=60_009) == Taken(None, (0,), (1,))
    assert (await take(directory, limit, at_ms=60_010)).remaining == (1,)


async def test_limits_count_together_or_not_at_all(directory: SqlDirectory) -> None:
    narrow, wide = HitLimit(KEY, 1, 60), HitLimit(OTHER, 3, 600)
    taken = await take(directory, narrow, wide)
    assert (taken.remaining, taken.retry_after) == ((0, 2), (60, 0))
    assert await take(directory, narrow, wide) == Taken(None, (0, 2), (60, 0))
    assert await take(directory, wide, narrow) == Taken(None, (2, 0), (0, 60))
    await counted(directory, wide)
    await counted(directory, wide)
    # the narrow one has room again, the wide one has none
    assert await take(directory, narrow, wide, at_ms=60_000) == Taken(None, (1, 0), (0, 540))
    assert (await take(directory, narrow, at_ms=60_000)).hit_id is not None


async def test_keys_know_nothing_of_each_other(directory: SqlDirectory) -> None:
    for number in range(5):
        await counted(directory, HitLimit(b"k%d" % number, 1, 60))
    for key in (b"", b"k", b"k0\x00", b"K0"):
        await counted(directory, HitLimit(key, 1, 60))
    assert (await take(directory, HitLimit(b"k0", 1, 60))).hit_id is None


async def test_a_limit_that_was_lowered_has_no_room_until_enough_hits_are_over(directory: SqlDirectory) -> None:
    for number in range(4):
        await counted(directory, HitLimit(KEY, 5, 60), at_ms=number * 10_000)
    assert await take(directory, HitLimit(KEY, 2, 60), at_ms=30_000) == Taken(None, (0,), (50,))
    await counted(directory, HitLimit(KEY, 2, 60), at_ms=80_000)


async def test_what_was_given_back_never_happened(directory: SqlDirectory) -> None:
    other = HitLimit(OTHER, 2, 900)
    first = await counted(directory, FIVE, other)
    second = await counted(directory, FIVE)
    await directory.give_back(first)
    await directory.give_back(first)
    await directory.give_back("unknown")
    assert (await take(directory, FIVE, other)).remaining == (3, 1)
    await directory.give_back(second)
    assert (await take(directory, FIVE, other)).remaining == (3, 0)


@pytest.mark.parametrize("which", [0, 2, 4])
async def test_a_hold_never_happened_without_one_of_its_hits(directory: SqlDirectory, which: int) -> None:
    taken = [await counted(directory, FIVE, at_ms=number * 100_000) for number in range(5)]
    assert (await take(directory, FIVE, at_ms=400_000)).retry_after == (900,)
    await directory.give_back(taken[which])
    # four are left, each until its own window is over; and the next that fills the limit holds it again
    refilled = await take(directory, FIVE, at_ms=500_000)
    assert (refilled.remaining, refilled.retry_after) == ((0,), (900,))
    assert refilled.hit_id is not None
    await directory.give_back(refilled.hit_id)
    # at this moment the very first is over, unless it was the one that was given back
    assert (await take(directory, FIVE, at_ms=900_000)).remaining == ((1,) if which else (0,))


async def test_a_hit_outlives_a_short_hold_that_is_given_back(directory: SqlDirectory) -> None:
    limit = HitLimit(KEY, 2, 900, 60)
    await counted(directory, limit)
    last = await counted(directory, limit)
    assert await directory.purge_directory(now=NOW + 60) == 0
    await directory.give_back(last)
    assert (await take(directory, limit, at_ms=899_999)).remaining == (0,)


async def test_a_hit_that_is_over_stays_while_giving_it_back_would_end_a_hold(directory: SqlDirectory) -> None:
    held = HitLimit(KEY, 2, 900, 60)
    first = await counted(directory, HitLimit(KEY, 3, 1))
    await counted(directory, held)
    assert await directory.purge_directory(now=NOW + 60) == 0
    await directory.give_back(first)
    assert (await take(directory, held, at_ms=60_000)).remaining == (0,)
    assert await directory.purge_directory(now=NOW + 960) == 3  # two hits and their key


async def test_a_key_is_forgotten_with_its_hold_and_no_other_is(directory: SqlDirectory) -> None:
    for _ in range(5):
        await counted(directory, FIVE, HitLimit(OTHER, 100, 3600))
    await directory.forget(KEY)
    await directory.forget(b"unknown")
    assert (await take(directory, FIVE, HitLimit(OTHER, 100, 3600))).remaining == (4, 94)


async def test_of_two_hundred_tries_at_once_five_count(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        results = await asyncio.gather(*(take(both[n % 2], FIVE, at_ms=n) for n in range(200)))
    given = [taken.hit_id for taken in results if taken.hit_id is not None]
    assert len(given) == len(set(given)) == 5
    assert sorted(taken.remaining[0] for taken in results if taken.hit_id is not None) == [0, 1, 2, 3, 4]
    assert Counter(taken.remaining for taken in results if taken.hit_id is None) == {(0,): 195}


async def test_tries_on_crossing_keys_leave_neither_over_its_limit(product: str, tmp_path: Path) -> None:
    limits = [HitLimit(KEY, 7, 60), HitLimit(OTHER, 9, 60)]
    async with directories(tmp_path, 2, product=product) as both:
        order = [limits, limits[::-1], limits[:1], limits[1:]]
        results = await asyncio.gather(*(take(both[n % 2], *order[n % 4]) for n in range(120)))
        hits = Counter(
            limit.key for n, taken in enumerate(results) if taken.hit_id is not None for limit in order[n % 4]
        )
        assert hits == {KEY: 7, OTHER: 9}


async def test_hits_that_are_given_back_among_the_tries_make_room_for_as_many(product: str, tmp_path: Path) -> None:
    async def one(number: int, directory: SqlDirectory) -> str | None:
        taken = await take(directory, HitLimit(KEY, 5, 60), at_ms=number)
        if taken.hit_id is not None and number % 2:
            await directory.give_back(taken.hit_id)
            return None
        return taken.hit_id

    async with directories(tmp_path, 2, product=product) as both:
        kept = [hit for hit in await asyncio.gather(*(one(n, both[n % 2]) for n in range(80))) if hit is not None]
        assert len(kept) <= 5
        rest = await take(both[0], HitLimit(KEY, 100, 60), at_ms=100)
        assert rest.remaining == (99 - len(kept),)


async def test_a_refused_take_writes_as_one_that_counts(directory: SqlDirectory, tmp_path: Path) -> None:
    """Otherwise whoever is locked out would be answered sooner than whoever is wrong, by a wait for the disk."""
    limit = HitLimit(KEY, 1, 60)
    with witness(directory) as writes:
        last = writes()
        for expected in (True, False, False):
            assert ((await take(directory, limit)).hit_id is not None) is expected
            assert writes() != last
            last = writes()
        await directory.get_user("tenant-a", "nobody")
        assert writes() == last
        assert execute(directory, "SELECT takes FROM hit_keys") == [(3,)]


@pytest.mark.parametrize("limits", [[], [FIVE, HitLimit(KEY, 1, 60)]])
async def test_limits_without_a_key_of_their_own_are_refused(directory: SqlDirectory, limits: list[HitLimit]) -> None:
    with pytest.raises(ValueError, match="a key of its own"):
        await directory.take(limits, now_ms=NOW_MS)


@pytest.mark.parametrize("values", [(0, 1, None), (1, 0, None), (1, 1, 0), (-1, 1, 1)])
def test_a_limit_of_nothing_is_none(values: tuple[int, int, int | None]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        HitLimit(KEY, *values)


async def test_hits_go_when_they_count_for_nothing_and_not_before(directory: SqlDirectory, tmp_path: Path) -> None:
    await counted(directory, HitLimit(KEY, 5, 60), HitLimit(OTHER, 1, 60, 120))
    assert await directory.purge_directory(now=NOW + 59) == 0
    assert await directory.purge_directory(now=NOW + 60) == 2  # the hit of the first key, and the key
    assert (await take(directory, HitLimit(OTHER, 1, 60, 120), at_ms=119_999)).hit_id is None
    assert await directory.purge_directory(now=NOW + 10_000) == 2
    counts = [execute(directory, f"SELECT count(*) FROM {table}")[0][0] for table in ("hits", "hit_keys")]
    assert counts == [0, 0]


async def test_a_purge_of_hits_has_its_limit(directory: SqlDirectory) -> None:
    for number in range(3):
        await counted(directory, HitLimit(b"k%d" % number, 1, 60))
    assert [await directory.purge_directory(now=NOW + 60, limit=2) for _ in range(3)] == [4, 2, 0]


async def test_a_count_that_cannot_be_stored_is_no_count(directory: SqlDirectory) -> None:
    await directory.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE hits RENAME TO gone"))
    with pytest.raises(StoreUnavailable):
        await take(directory, FIVE)
    await directory.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE gone RENAME TO hits"))
    assert (await take(directory, FIVE)).remaining == (4,)
