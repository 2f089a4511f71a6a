# SPDX-License-Identifier: Apache-2.0
"""Guesses of one-time codes."""

import asyncio
from collections import Counter

import pytest
from structlog.testing import capture_logs

from engine.code_rig import ADDRESS, ALICE, BOB, HOUR, NOBODY, MakeRig, Rig, wrong
from engine.doubles import as_any, until
from engine.world import TENANT
from tessera_service.engine.codes import CODE_SECONDS, MAX_GUESSES, CodeLogin
from tessera_service.errors import InvalidInput, Overloaded, RateLimited, ServiceError, StoreUnavailable
from tessera_service.models import SessionMetadata, UserStatus

SPELLINGS = ("+84912345678", "0084 91 234 5678", "+84 (0)91-234-5678")

# The right code


async def test_a_code_has_6_digits_and_signs_its_user_in_once(rig: Rig) -> None:
    code = await rig.requested()
    assert len(code) == 6
    assert code.isascii()
    assert code.isdigit()
    assert rig.provider.sent == [(ALICE, code)]
    metadata = SessionMetadata(ip_address=ADDRESS)
    await rig.codes.sign_in(CodeLogin(TENANT, ALICE, code, ADDRESS, metadata))
    ((user, named),) = rig.login.issued
    assert user.phone == ALICE
    assert named == {"surface": "auth", "auth_method": "otp", "metadata": metadata}
    assert await rig.outcome(code) == "refused, 4 left"


async def test_codes_are_from_the_systems_source_of_randomness_and_keep_their_zeros(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def randbelow(limit: int) -> int:
        asked.append(limit)
        return 42

    monkeypatch.setattr("secrets.randbelow", randbelow)
    assert await rig.requested() == "000042"
    assert asked == [1_000_000]
    assert await rig.outcome("42") == "refused, 4 left"
    assert await rig.outcome("000042") == "in"


async def test_one_number_spelled_three_ways_is_one_number(rig: Rig) -> None:
    code = await rig.request(SPELLINGS[0])
    assert code is not None
    assert [await rig.request(written) for written in SPELLINGS] == [None] * 3
    assert [await rig.outcome(wrong(code), written) for written in SPELLINGS] == [
        "refused, 4 left",
        "refused, 3 left",
        "refused, 2 left",
    ]
    assert await rig.outcome(code, SPELLINGS[2]) == "in"


@pytest.mark.parametrize("number", ["", "0912345678", "+84", "x", "+84912345678" * 1000])
async def test_what_is_no_number_is_told_and_not_counted(rig: Rig, number: str) -> None:
    for call in (rig.request(number), rig.sign_in("123456", number)):
        with pytest.raises(InvalidInput) as raised:
            await call
        assert raised.value.field == "phone_number"
    assert "take" not in rig.directory.calls


async def test_a_newer_code_replaces_the_older_and_has_all_of_its_guesses(rig: Rig) -> None:
    old = await rig.requested()
    assert (await rig.outcomes([wrong(old)] * 5))[-1] == "refused, 0 left"
    assert await rig.outcome(old) == "rate_limited"
    rig.clock.advance(60)
    new = await rig.requested()
    if old != new:
        assert await rig.outcome(old) == "refused, 4 left"
    assert await rig.outcome(new) == "in"


async def test_a_code_lives_until_its_second_and_then_only_the_right_one_is_told_that_it_expired(rig: Rig) -> None:
    code = await rig.requested()
    rig.clock.advance(CODE_SECONDS)
    assert await rig.outcomes([wrong(code), code]) == ["refused, 4 left", "code_expired"]
    rig.clock.advance(ms=-1)
    assert await rig.outcome(code) == "in"


async def test_an_expired_code_is_remembered_for_ten_minutes(rig: Rig) -> None:
    code = await rig.requested()
    rig.clock.advance(CODE_SECONDS + 599)
    assert await rig.outcome(code) == "code_expired"
    rig.clock.advance(1)
    assert (await rig.outcome(code)).startswith("refused")


# Guesses


@pytest.mark.parametrize(
    "code",
    ["", "0", "1234567", "12345a", "\uff11\uff12\uff13\uff14\uff15\uff16", "12345\0", "12345\ud800", "x" * 60_000],
)
async def test_whatever_is_sent_for_a_code_is_a_wrong_one(rig: Rig, code: str) -> None:
    await rig.requested()
    assert await rig.outcome(code) == "refused, 4 left"


async def test_five_wrong_guesses_end_a_code(rig: Rig) -> None:
    code = await rig.requested()
    assert await rig.outcomes([wrong(code)] * 5) == [f"refused, {left} left" for left in (4, 3, 2, 1, 0)]
    with pytest.raises(RateLimited) as raised:
        await rig.sign_in(code)
    assert raised.value.retry_after == 60  # then there can be another code
    assert not hasattr(raised.value, "attempts_left")


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("requested", [True, False])
async def test_every_number_answers_alike(rig: Rig, known: bool, requested: bool) -> None:
    number = ALICE if known else NOBODY
    if requested:
        assert (await rig.request(number) is not None) is known
    rig.directory.calls.clear()
    sent = [code for _, code in rig.provider.sent]
    guess = wrong(sent[0]) if sent else "123456"
    answers = await rig.outcomes([guess] * 7, number)
    assert answers == [*(f"refused, {left} left" for left in (4, 3, 2, 1, 0)), "rate_limited", "rate_limited"]
    assert rig.directory.calls == ["take", "find_user", "guess_code"] * 5 + ["take"] * 2
    rig.clock.advance(CODE_SECONDS + 599)
    assert await rig.outcome(guess, number) == "rate_limited"
    rig.clock.advance(1)
    assert await rig.outcome(guess, number) == "refused, 4 left"


async def test_a_request_is_the_same_work_for_every_number(rig: Rig) -> None:
    await rig.add(BOB, status=UserStatus.LOCKED)
    for number in (ALICE, NOBODY, BOB):
        rig.directory.calls.clear()
        await rig.request(number)
        assert rig.directory.calls == ["take", "find_user", "forget", "put_code"]
    assert [number for number, _ in rig.provider.sent] == [ALICE]


async def test_the_code_of_a_number_that_nobody_has_cannot_be_guessed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _: 123_456)
    assert await rig.request(NOBODY) is None
    await rig.add(NOBODY)  # whoever has the number now has to ask for a code
    assert await rig.outcome("123456", NOBODY) == "refused, 4 left"


@pytest.mark.parametrize("status", [UserStatus.LOCKED, UserStatus.DISABLED])
async def test_a_user_who_is_not_active_answers_like_a_wrong_code_and_keeps_the_code(
    rig: Rig, status: UserStatus
) -> None:
    bob = await rig.add(BOB)
    code = await rig.request(BOB)
    assert code is not None
    bob = await rig.set_status(bob, status)
    assert await rig.outcomes([code, wrong(code)], BOB) == ["refused, 4 left", "refused, 3 left"]
    rig.clock.advance(CODE_SECONDS)
    assert await rig.outcome(code, BOB) == "refused, 2 left"  # nor that it expired
    rig.clock.advance(-CODE_SECONDS)
    await rig.set_status(bob, UserStatus.ACTIVE)
    assert await rig.outcome(code, BOB) == "in"


async def test_a_user_who_is_locked_while_signing_in_answers_like_a_wrong_code(rig: Rig) -> None:
    code = await rig.requested()
    rig.login.refused = True
    assert (await rig.outcome(code)).startswith("refused")


@pytest.mark.parametrize(
    ("number", "processes", "rounds"),
    [
        pytest.param(ALICE, 1, 8, id="known"),
        pytest.param(NOBODY, 1, 3, id="nobody's"),
        pytest.param(ALICE, 2, 3, id="two processes"),
    ],
)
async def test_of_200_guesses_at_once_at_most_5_are_evaluated(
    make_rig: MakeRig, number: str, processes: int, rounds: int
) -> None:
    rigs = [await make_rig(otp_tenant_limit=1_000_000) for _ in range(processes)]
    await rigs[0].add(ALICE)
    for round_number in range(rounds):
        code = await rigs[0].request(number, address=f"198.51.100.{round_number}") or "000000"
        guesses = [f"{(int(code) + step) % 1_000_000:06}" for step in range(1, 201)]
        sent = (
            rigs[index % processes].outcome(guess, number, address=f"203.0.113.{index}")
            for index, guess in enumerate(guesses)
        )
        answers = Counter(await asyncio.gather(*sent))
        assert answers.pop("rate_limited") == 195
        assert answers == {f"refused, {left} left": 1 for left in range(MAX_GUESSES)}
        assert await rigs[-1].outcome(code, number) == "rate_limited"  # the right one, too late
        rigs[0].clock.advance(HOUR)


async def test_the_right_code_sent_200_times_at_once_signs_in_once(rig: Rig) -> None:
    code = await rig.requested()
    answers = await asyncio.gather(*(rig.outcome(code, address=f"203.0.113.{index}") for index in range(200)))
    assert answers.count("in") == 1
    assert len(rig.login.issued) == 1


async def test_a_code_that_was_used_is_sent_no_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[bytes] = []
    monkeypatch.setattr(as_any(rig.codes)._delivery, "drop", dropped.append)
    code = await rig.requested()
    assert len(dropped) == 1  # whatever was on its way before
    await rig.outcome(wrong(code))
    assert len(dropped) == 1
    assert await rig.outcome(code) == "in"
    assert dropped == [dropped[0]] * 2


async def test_the_codes_own_count_holds_where_the_other_was_forgotten(rig: Rig) -> None:
    code = await rig.requested()
    await rig.outcomes([wrong(code)] * 3)
    await rig.directory.forget(rig.codes._guesses_key(TENANT, ALICE))
    assert await rig.outcomes([wrong(code), wrong(code), code]) == [
        "refused, 1 left",
        "refused, 0 left",
        "rate_limited",
    ]


async def test_an_address_may_be_wrong_50_times_an_hour(rig: Rig) -> None:
    code = await rig.requested()
    numbers = [f"+849123457{index:02}" for index in range(50)]
    for number in numbers:
        assert await rig.outcome("123456", number) == "refused, 4 left"
    with pytest.raises(RateLimited) as raised:
        await rig.sign_in(code)
    assert raised.value.retry_after == HOUR
    assert await rig.outcome(code, address="192.0.2.2") == "in"
    rig.clock.advance(HOUR, ms=-1)
    assert await rig.outcome("123456", BOB) == "rate_limited"
    rig.clock.advance(ms=1)
    assert await rig.outcome("123456", BOB) == "refused, 4 left"


async def test_what_is_right_does_not_count_against_an_address(rig: Rig) -> None:
    for index in range(49):
        await rig.outcome("123456", f"+849123457{index:02}")
    for _ in range(3):
        assert await rig.outcome(await rig.requested()) == "in"
        rig.clock.advance(60)
    assert await rig.outcome("123456", BOB) == "refused, 4 left"
    assert await rig.outcome("123456", BOB) == "rate_limited"


# A right code that was sent in vain


@pytest.mark.parametrize("error", [StoreUnavailable, Overloaded])
async def test_a_right_code_for_which_there_were_no_tokens_can_be_sent_again(
    rig: Rig, error: type[ServiceError]
) -> None:
    code = await rig.requested()
    assert await rig.outcomes([wrong(code)] * 4) == [f"refused, {left} left" for left in (4, 3, 2, 1)]
    rig.login.failing = error
    assert await rig.outcomes([code] * 7) == [error.code] * 7
    rig.login.failing = None
    assert await rig.outcome(code) == "in"
    assert await rig.outcome(code) == "refused, 0 left"
    assert len(rig.login.issued) == 1


async def test_a_right_code_that_cannot_be_counted_back_can_be_sent_again(rig: Rig) -> None:
    code = await rig.requested()
    rig.directory.fails = {"give_back"}
    assert await rig.outcome(code) == "store_unavailable"
    rig.directory.fails = set()
    assert await rig.outcome(code) == "in"


async def test_a_guesser_gains_nothing_while_no_tokens_can_be_made(rig: Rig) -> None:
    code = await rig.requested()
    rig.login.failing = StoreUnavailable
    assert await rig.outcome(code) == "store_unavailable"
    answers = await rig.outcomes([wrong(code)] * 6)
    assert answers == [*(f"refused, {left} left" for left in (4, 3, 2, 1, 0)), "rate_limited"]
    rig.login.failing = None
    assert await rig.outcome(code) == "rate_limited"


async def test_a_code_that_could_not_be_put_back_is_put_back_a_moment_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tessera_service.engine.codes.RESTORE_WAIT_SECONDS", 0.01)
    code = await rig.requested()
    rig.login.failing, rig.directory.fails = StoreUnavailable, {"restore_code"}
    assert await rig.outcome(code) == "store_unavailable"
    await until(lambda: "restore_code" in rig.directory.calls)
    rig.directory.fails = set()
    rig.login.failing = None
    await asyncio.gather(*rig.codes._tasks)
    assert await rig.outcome(code) == "in"


async def test_a_code_that_cannot_be_put_back_is_spent_and_told_so(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tessera_service.engine.codes.RESTORE_PAUSE_SECONDS", 0)
    code = await rig.requested()
    rig.login.failing, rig.directory.fails = StoreUnavailable, {"restore_code"}
    with capture_logs() as logs:
        assert await rig.outcome(code) == "store_unavailable"
        await asyncio.gather(*rig.codes._tasks)
    assert [log["event"] for log in logs] == ["code_spent_in_vain"]
    rig.login.failing, rig.directory.fails = None, set()
    assert (await rig.outcome(code)).startswith("refused")
