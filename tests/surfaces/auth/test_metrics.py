# SPDX-License-Identifier: Apache-2.0
"""Sign-ins and what they issue are counted; nobody's name, number or tenant is among the labels."""

from typing import Any

import pytest

from surfaces.auth.calls import NUMBER, OTP_LOGIN, call, check_success
from surfaces.auth.codes import Sent, ask, guess, other_than
from surfaces.auth.people import add_user, by_name, sign_in
from surfaces.service_rig import TENANT, Rig
from tessera_service.surfaces.auth.operations import LOGIN


def counted(rig: Rig, name: str, **labels: str) -> float:
    return rig.app.state.metrics.registry.get_sample_value(f"{name}_total", labels) or 0


def issued(rig: Rig) -> tuple[float, float]:
    return counted(rig, "tessera_tokens_issued", kind="access"), counted(rig, "tessera_tokens_issued", kind="refresh")


def outcomes(rig: Rig) -> dict[tuple[str, str], float]:
    """(method, outcome) of all sign-ins so far, and that there is nothing else to tell them by."""
    told: dict[tuple[str, str], float] = {}
    for metric in rig.app.state.metrics.registry.collect():
        for sample in metric.samples if metric.name == "tessera_sign_ins" else ():
            assert set(sample.labels) == {"method", "outcome"}
            told[sample.labels["method"], sample.labels["outcome"]] = sample.value
    return told


async def test_a_sign_in_counts_its_pair_by_either_way(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    await sign_in(rig)
    assert issued(rig) == (1, 1)
    await ask(rig)
    check_success(await guess(rig, sent[0][1]))
    assert issued(rig) == (2, 2)
    assert outcomes(rig) == {("password", "ok"): 1, ("otp", "ok"): 1}


async def test_refusals_are_counted_by_their_cause_and_issue_nothing(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    await ask(rig)
    ((_, code),) = sent
    for _ in range(5):
        await guess(rig, other_than(code))
    await guess(rig, code)
    await guess(rig, code, "alice")
    await call(rig, LOGIN, by_name(password="a wrong one"))
    await call(rig, LOGIN, by_name("nobody"))
    assert outcomes(rig) == {
        ("otp", "code_refused"): 5,
        ("otp", "rate_limited"): 1,
        ("otp", "invalid_input"): 1,
        ("password", "credentials_refused"): 2,
    }
    assert issued(rig) == (0, 0)


async def test_an_expired_code_is_counted_as_one(rig: Rig, sent: Sent) -> None:
    await add_user(rig, phone=NUMBER)
    await ask(rig)
    rig.clock.advance(300)
    await guess(rig, sent[0][1])
    assert outcomes(rig) == {("otp", "code_expired"): 1}


@pytest.mark.parametrize("body", [by_name(), OTP_LOGIN], ids=["password", "otp"])
async def test_a_store_that_fails_is_counted_under_its_call(rig: Rig, body: dict[str, Any]) -> None:
    await add_user(rig, phone=NUMBER)
    rig.fail_stores("raises")
    assert (await call(rig, LOGIN, body)).status_code == 503
    method = {"local": "password", "otp": "otp"}[body["login_type"]]
    assert outcomes(rig) == {(method, "store_unavailable"): 1}
    call_name = {"password": "login", "otp": "code_login"}[method]
    assert counted(rig, "tessera_store_errors", call=call_name) == 1


async def test_no_label_tells_who_tried(rig: Rig, sent: Sent) -> None:
    user = await add_user(rig, phone=NUMBER)
    pair = await sign_in(rig)
    await ask(rig)
    await guess(rig, "000000")
    await call(rig, LOGIN, by_name("nobody-4711", "a wrong one"))
    text = rig.app.state.metrics.render().decode()
    told = ("alice", "nobody-4711", NUMBER, NUMBER[1:], TENANT, user.user_id, pair["session_id"], "127.0.0.1")
    assert [secret for secret in told if secret in text] == []
