# SPDX-License-Identifier: Apache-2.0
"""One-time codes: used once, guessed a few times at most, however many guess at once."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from storage.examples import NOW
from storage.stores import execute, witness
from storage.user_examples import directories
from tessera_service.models import CodeGuess, CodeOutcome, CodeRecord, SpentCode
from tessera_service.storage.sql import SqlDirectory

KEY, RIGHT, WRONG = b"key\x00", b"right\xff", b"wrong"
CODE = CodeRecord(KEY, RIGHT, NOW + 300)
KEPT = 600  # seconds after its end that a code is known


async def guess(directory: SqlDirectory, code_hash: bytes, *, now: int = NOW, key: bytes = KEY) -> CodeGuess:
    return await directory.guess_code(key, code_hash=code_hash, now=now, max_guesses=5)


def test_a_code_does_not_show_its_hash() -> None:
    assert "right" not in repr(CODE)


async def test_a_right_guess_consumes_the_code(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    assert await guess(directory, RIGHT) == CodeGuess(CodeOutcome.RIGHT, 0)
    assert await guess(directory, RIGHT) == CodeGuess(CodeOutcome.ABSENT, 0)


async def test_wrong_guesses_count_down_and_the_right_one_comes_too_late(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    outcomes = [await guess(directory, WRONG) for _ in range(5)]
    assert outcomes == [CodeGuess(CodeOutcome.WRONG, left) for left in (4, 3, 2, 1, 0)]
    for code_hash in (RIGHT, WRONG):
        assert await guess(directory, code_hash) == CodeGuess(CodeOutcome.EXHAUSTED, 0)
        assert await guess(directory, code_hash, now=NOW + 400) == CodeGuess(CodeOutcome.EXHAUSTED, 0)


async def test_the_last_guess_may_be_right(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    for _ in range(4):
        await guess(directory, WRONG)
    assert (await guess(directory, RIGHT)).outcome is CodeOutcome.RIGHT


async def test_no_code_is_absent_and_stays_so(directory: SqlDirectory) -> None:
    for _ in range(7):
        assert await guess(directory, RIGHT) == CodeGuess(CodeOutcome.ABSENT, 0)
    assert await guess(directory, b"") == CodeGuess(CodeOutcome.ABSENT, 0)
    await directory.put_code(CODE)  # those guesses were of no code: the new one has all of its own
    assert await guess(directory, WRONG) == CodeGuess(CodeOutcome.WRONG, 4)
    assert await guess(directory, RIGHT, key=b"key") == CodeGuess(CodeOutcome.ABSENT, 0)


async def test_a_new_code_replaces_the_old_one_and_its_guesses(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    for _ in range(6):
        await guess(directory, WRONG)
    await directory.put_code(CodeRecord(KEY, b"new", NOW + 400))
    assert await guess(directory, RIGHT, now=NOW + 350) == CodeGuess(CodeOutcome.WRONG, 4)
    assert await guess(directory, b"new", now=NOW + 399) == CodeGuess(CodeOutcome.RIGHT, 0)


@pytest.mark.parametrize(
    ("now", "right", "wrong"),
    [
        (NOW + 299, CodeOutcome.RIGHT, CodeOutcome.WRONG),
        (NOW + 300, CodeOutcome.EXPIRED, CodeOutcome.WRONG),
        (NOW + 300 + KEPT - 1, CodeOutcome.EXPIRED, CodeOutcome.WRONG),
        (NOW + 300 + KEPT, CodeOutcome.ABSENT, CodeOutcome.ABSENT),
    ],
)
@pytest.mark.parametrize("purged", [False, True])
async def test_only_the_right_guess_learns_that_a_code_expired(
    directory: SqlDirectory, now: int, right: CodeOutcome, wrong: CodeOutcome, purged: bool
) -> None:
    await directory.put_code(CODE)
    if purged:
        await directory.purge_directory(now=now)
    left = 0 if wrong is CodeOutcome.ABSENT else 4
    assert await guess(directory, WRONG, now=now) == CodeGuess(wrong, left)
    last = 3 if right is CodeOutcome.EXPIRED else 0
    assert await guess(directory, RIGHT, now=now) == CodeGuess(right, last)


async def test_an_expired_code_is_not_consumed_and_its_guesses_count(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    outcomes = [(await guess(directory, RIGHT, now=NOW + 300)).outcome for _ in range(6)]
    assert outcomes == [CodeOutcome.EXPIRED] * 5 + [CodeOutcome.EXHAUSTED]


async def test_of_two_hundred_guesses_at_once_five_are_evaluated(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        await both[0].put_code(CODE)
        results = await asyncio.gather(*(guess(both[n % 2], WRONG) for n in range(200)))
        assert Counter(result.outcome for result in results) == {CodeOutcome.WRONG: 5, CodeOutcome.EXHAUSTED: 195}
        assert (await guess(both[0], RIGHT)).outcome is CodeOutcome.EXHAUSTED


async def test_of_two_hundred_right_guesses_at_once_one_is_right(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        await both[0].put_code(CODE)
        results = await asyncio.gather(*(guess(both[n % 2], RIGHT) for n in range(200)))
        assert Counter(result.outcome for result in results) == {CodeOutcome.RIGHT: 1, CodeOutcome.ABSENT: 199}


async def test_of_all_codes_guessed_at_once_at_most_five_are_evaluated(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        await both[0].put_code(CODE)
        hashes = [b"%d" % number for number in range(100)] + [RIGHT] + [b"%d" % number for number in range(100)]
        results = await asyncio.gather(*(guess(both[n % 2], code_hash) for n, code_hash in enumerate(hashes)))
        counts = Counter(result.outcome for result in results)
        assert counts[CodeOutcome.WRONG] + counts[CodeOutcome.RIGHT] <= 5
        assert counts[CodeOutcome.RIGHT] <= 1


async def test_every_guess_writes_whatever_comes_of_it(directory: SqlDirectory, tmp_path: Path) -> None:
    """Otherwise the wait for the disk would tell for which numbers there is a code."""
    await directory.put_code(CODE)
    with witness(directory) as writes:
        last = writes()
        seen = []
        for key, code_hash, now in [
            (KEY, WRONG, NOW),
            (KEY, RIGHT, NOW + 300),
            (KEY, RIGHT, NOW),
            (KEY, RIGHT, NOW),
            (b"nobody", RIGHT, NOW),
            (b"nobody", RIGHT, NOW),
        ]:
            seen.append((await guess(directory, code_hash, now=now, key=key)).outcome.value)
            assert writes() != last
            last = writes()
        assert seen == ["wrong", "expired", "right", "absent", "absent", "absent"]
        await directory.put_code(CODE)
        for _ in range(5):
            await guess(directory, WRONG)
        last = writes()
        assert (await guess(directory, RIGHT)).outcome is CodeOutcome.EXHAUSTED
        assert writes() != last


async def test_codes_go_when_nobody_is_told_of_them_any_more(directory: SqlDirectory, tmp_path: Path) -> None:
    await directory.put_code(CODE)
    assert await directory.purge_directory(now=NOW + 300 + KEPT - 1) == 0
    await guess(directory, RIGHT, key=b"nobody")
    assert await directory.purge_directory(now=NOW) == 1  # what stood for no code
    assert await directory.purge_directory(now=NOW + 300 + KEPT) == 1
    assert execute(directory, "SELECT count(*) FROM codes") == [(0,)]


# A right guess that was made in vain


async def spend(directory: SqlDirectory) -> SpentCode:
    found = await guess(directory, RIGHT)
    assert (found.outcome, found.spent is None) == (CodeOutcome.RIGHT, False)
    assert found.spent is not None
    return found.spent


async def test_only_a_right_guess_says_what_it_spent(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    found = [await guess(directory, code, now=now) for code, now in ((WRONG, NOW), (RIGHT, NOW + 300))]
    assert [one.spent for one in found] == [None, None]
    assert await spend(directory) == SpentCode(CODE, 2)
    assert (await guess(directory, RIGHT)).spent is None


async def test_a_code_that_is_restored_is_as_it_was_before_the_right_guess(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    for _ in range(4):
        await guess(directory, WRONG)
    await directory.restore_code(await spend(directory))
    assert (await guess(directory, RIGHT, now=NOW + 299)).outcome is CodeOutcome.RIGHT
    assert (await guess(directory, RIGHT)).outcome is CodeOutcome.ABSENT


async def test_a_code_that_is_restored_has_no_guess_more_and_lives_no_longer(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    for _ in range(3):
        await guess(directory, WRONG)
    await directory.restore_code(await spend(directory))
    assert await guess(directory, RIGHT, now=NOW + 300) == CodeGuess(CodeOutcome.EXPIRED, 1)
    assert await guess(directory, WRONG) == CodeGuess(CodeOutcome.WRONG, 0)
    assert await guess(directory, RIGHT) == CodeGuess(CodeOutcome.EXHAUSTED, 0)


async def test_guesses_while_a_code_was_away_do_not_keep_it_away(directory: SqlDirectory) -> None:
    await directory.put_code(CODE)
    spent = await spend(directory)
    assert [(await guess(directory, code)).outcome for code in (WRONG, RIGHT)] == [CodeOutcome.ABSENT] * 2
    await directory.restore_code(spent)
    assert await guess(directory, WRONG) == CodeGuess(CodeOutcome.WRONG, 4)
    assert (await guess(directory, RIGHT)).outcome is CodeOutcome.RIGHT


@pytest.mark.parametrize("now", [NOW, NOW + 500])
async def test_a_newer_code_is_not_replaced_by_one_that_is_restored(directory: SqlDirectory, now: int) -> None:
    await directory.put_code(CODE)
    spent = await spend(directory)
    await directory.put_code(CodeRecord(KEY, b"new", NOW + 400))
    await guess(directory, WRONG)
    await directory.restore_code(spent)
    assert await guess(directory, RIGHT, now=now) == CodeGuess(CodeOutcome.WRONG, 3)


async def test_a_code_that_is_restored_again_and_again_is_spent_once_each_time(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as both:
        await both[0].put_code(CODE)
        for turn in range(5):
            results = await asyncio.gather(*(guess(both[n % 2], RIGHT) for n in range(20)))
            (spent,) = [one.spent for one in results if one.outcome is CodeOutcome.RIGHT]
            assert spent == SpentCode(CODE, 0), turn
            await asyncio.gather(*(directory.restore_code(spent) for directory in both))
