# SPDX-License-Identifier: Apache-2.0
"""Forged tokens at the gateway surface: one answer for all of them, and no session ends or slides by one."""

import json

import pytest

from attacks import claims_attacks, token_attacks
from surfaces.gateway.calls import BASE, THRESHOLD, make, validate
from surfaces.service_rig import Rig
from surfaces.session_token.keys import claims_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_BODY_BYTES = 65_536
AROUND = ("the token ends in ' '", "the token begins with ' '")  # space around a header's value is no part of it
JSON = {"Content-Type": "application/json"}
BEARERS = (("POST", "/refresh"), ("POST", "/logout"), ("GET", "/user/alice"), ("DELETE", "/user/alice"))


def forged(rig: Rig, token: str) -> list[tuple[str, str, str]]:
    """Every attack on a good token, by its name, and what is said of it: a genuine one may be told that it is over."""
    forge, claims, now = rig.forge, claims_of(token), rig.clock.freeze()
    forge.type = "at+jwt"
    late = {"exp is now", f"exp is {now - 1}", "exp is 1"}
    found = [*token_attacks(forge, claims), *claims_attacks(forge, claims, now=now)]
    assert len(found) > 300
    return [(name, one, "session_expired" if name in late else "session_not_found") for name, one in found]


@pytest.mark.parametrize("path", ["/validate", "/logout"])
async def test_a_forged_token_in_a_body_is_refused_like_every_other(rig_of_one_store: Rig, path: str) -> None:
    rig = rig_of_one_store
    made = await make(rig, "alice")
    refusals = set()
    for name, token, code in forged(rig, made["token"]):
        content = json.dumps({"token": token}).encode()
        answer = await rig.client.post(BASE + path, content=content, headers=JSON)
        if answer.status_code == 413:
            assert len(content) > MAX_BODY_BYTES
            continue
        if any("\ud800" <= letter <= "\udfff" for letter in token):
            assert answer.status_code == 400, name
            continue
        assert (answer.status_code, answer.json()["error_code"]) == (200 if path == "/validate" else 401, code), name
        refusals.add(answer.content)
    assert len(refusals) == 2
    assert (await validate(rig, made["token"]))["is_valid"] is True


async def test_a_forged_bearer_is_refused_like_every_other(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    made = await make(rig, "alice")
    calls = (*BEARERS, ("DELETE", f"/{made['session_id']}"))
    refusals = set()
    for name, token, code in forged(rig, made["token"]):
        if name in AROUND:
            continue
        for method, path in calls:
            headers = [(b"authorization", b"Bearer " + token.encode("utf-8", "surrogatepass"))]
            answer = await rig.client.request(method, BASE + path, headers=headers)
            assert (answer.status_code, answer.json()["error_code"]) == (401, code), (name, path)
            refusals.add(answer.content)
    assert len(refusals) == 2
    assert (await validate(rig, made["token"]))["is_valid"] is True


async def test_a_forged_token_near_its_end_gets_no_successor(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    made = await make(rig, "alice")
    rig.clock.advance(1800 - THRESHOLD + 1)
    for name, token, _ in forged(rig, made["token"]):
        if token.isascii() and len(token) < MAX_BODY_BYTES // 6:
            assert "new_token" not in await validate(rig, token), name
    assert (await validate(rig, made["token"]))["should_refresh"] is True
