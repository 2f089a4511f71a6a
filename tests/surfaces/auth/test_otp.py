# SPDX-License-Identifier: Apache-2.0
"""Signing in by a one-time code: what comes back, and what strangers cannot tell apart."""

import asyncio
from typing import Any

import httpx
import pytest

from surfaces.auth.calls import NUMBER, SUCCESS, call, check_error, check_success
from surfaces.auth.codes import Sent, ask, guess, other_than
from surfaces.auth.people import add_user
from surfaces.service_rig import OTHER_TENANT, Rig
from surfaces.session_token.keys import claims_of
from tessera_service.surfaces.auth.operations import LIST

OTHER_NUMBER = "+84907654321"


def alike(answer: httpx.Response) -> tuple[int, Any, list[tuple[str, str]]]:
    body = answer.json()
    return answer.status_code, body.get("data", body.get("error")), sorted(answer.headers.items())


async def test_the_right_code_opens_a_session_once(rig: Rig, sent: Sent) -> None:
    user = await add_user(rig, phone=NUMBER, password=None)
    assert check_success(await ask(rig), status=202) == SUCCESS
    ((number, code),) = sent
    assert number == NUMBER
    data = check_success(await guess(rig, code))
    assert set(data) == {"access_token", "refresh_token", "expires_in", "session_id", "token_type"}
    claims = claims_of(data["access_token"])
    assert (claims["sub"], claims["sid"]) == (user.user_id, data["session_id"])
    (shown,) = (await call(rig, LIST, bearer=data["access_token"])).json()["data"]
    assert (shown["auth_method"], shown["ip_address"], shown["status"]) == ("otp", "127.0.0.0/24", "active")
    again = await guess(rig, code)
    assert (again.status_code, again.json()["error"]["code"]) == (400, "auth.otp.invalid")


async def test_a_wrong_code_counts_down_until_no_more_is_looked_at(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    await ask(rig)
    ((_, code),) = sent
    for left in (4, 3, 2, 1, 0):
        check_error(await guess(rig, other_than(code)), 400, "auth.otp.invalid", {"attempts_left": left})
    answer = await guess(rig, code)
    check_error(answer, 429, "auth.rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_of_guesses_at_once_five_are_looked_at(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    await ask(rig)
    ((_, code),) = sent
    answers = await asyncio.gather(*(guess(rig, other_than(code)) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [400] * 5 + [429] * 7
    assert all("data" not in answer.json()["error"] for answer in answers if answer.status_code == 429)


async def test_the_right_code_too_late_is_called_expired_and_a_wrong_one_is_not(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    await ask(rig)
    ((_, code),) = sent
    rig.clock.advance(300)
    answer = await guess(rig, other_than(code))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.otp.invalid")
    check_error(await guess(rig, code), 400, "auth.otp.expired")


async def test_numbers_of_somebody_and_of_nobody_are_answered_alike(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    rig.clock.freeze()
    told = []
    for number in (NUMBER, OTHER_NUMBER):
        answers = [await ask(rig, number), await ask(rig, number)]
        code = other_than(sent[0][1])
        answers += [await guess(rig, code, number) for _ in range(6)]
        told.append([alike(answer) for answer in answers])
    assert told[0] == told[1]
    assert [status for status, _, _ in told[0]] == [202] * 2 + [400] * 5 + [429]
    assert [number for number, _ in sent] == [NUMBER]  # nobody's gets none, and nobody two within a minute


async def test_a_code_of_one_tenant_opens_nothing_in_another(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    await add_user(rig, phone=NUMBER, tenant_id=OTHER_TENANT)
    await ask(rig)
    ((_, code),) = sent
    answer = await guess(rig, code, tenant_id=OTHER_TENANT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.otp.invalid")
    check_success(await guess(rig, code))


@pytest.mark.parametrize("number", ["12", "+", "alice", "+84 90", "00000000000000"])
async def test_what_is_no_number_is_refused_by_both(rig: Rig, sent: Sent, number: str) -> None:
    for answer in (await ask(rig, number), await guess(rig, "123456", number)):
        check_error(answer, 400, "auth.invalid_request", {"field": "phone_number"})
    assert sent == []
