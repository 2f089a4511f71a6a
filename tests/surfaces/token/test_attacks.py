# SPDX-License-Identifier: Apache-2.0
"""The rows "Token" and "Claims and time": refused in one way, wherever a token is taken."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from attacks import Attack, Forge, claims_attacks, token_attacks
from surfaces.service_rig import Rig
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, PATHS, REFRESH, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_TOKEN_BYTES = 8192
MAX_BODY_BYTES = 65_536
AROUND = ("the token ends in ' '", "the token begins with ' '")  # space around a header's value is no part of it


def read(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def attacks(forge: Forge, claims: dict[str, Any], now: int) -> Iterator[Attack]:
    yield from token_attacks(forge, claims)
    yield from claims_attacks(forge, claims, now=now)


def is_only_late(name: str, now: int) -> bool:
    """Whether the token of that attack is genuine and merely expired: then the answer may say so."""
    return name in {"exp is now", f"exp is {now - 1}", "exp is 1"}


def is_text(token: str) -> bool:
    """Whether it is Unicode text: a lone surrogate can be spelled in JSON, but strict JSON has none."""
    return not any("\ud800" <= letter <= "\udfff" for letter in token)


def as_json(name: str, token: str) -> bytes:
    return json.dumps({name: token}).encode()


def stripped(answer: httpx.Response) -> tuple[int, Any]:
    """What is left when request id and time are taken out."""
    body = answer.json()
    body.pop("meta", None)
    return answer.status_code, body


async def test_a_forged_subject_is_inactive_like_every_other(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    claims = read((await rig.issue("alice"))["access_token"])
    forge, bearer, now = rig.forge, await rig.service_bearer("token.introspect"), rig.clock.freeze()
    assert await rig.is_alive(forge.good(claims))
    tried = 0
    for name, token in attacks(forge, claims, now):
        answer = await rig.post(PATHS[INTROSPECT], content=as_json("token", token), bearer=bearer)
        tried += 1
        if not is_text(token) or len(token.encode()) > MAX_TOKEN_BYTES:
            assert answer.status_code in (400, 413), name
        else:
            assert (answer.status_code, answer.content) == (200, b'{"active":false}'), name
    assert tried > 300
    assert await rig.is_alive(forge.good(claims))


async def test_a_forged_caller_is_unauthorized_like_every_other(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    bearer = await rig.mint("token.generate", "token.introspect")
    forge, claims, now = rig.forge, read(bearer), rig.clock.freeze()
    assert (await rig.post(PATHS[ISSUE], {"sub": "alice"}, bearer=forge.good(claims))).status_code == 200
    refusals = set()
    for name, token in attacks(forge, claims, now):
        text = token.encode("utf-8", "surrogatepass")
        if name in AROUND:
            continue
        for operation, body in ((ISSUE, {"sub": "alice"}), (INTROSPECT, {"token": "x"})):
            answer = await post_raw(rig, operation, body, text)
            assert answer.status_code == 401, (operation, name)
            error = answer.json()["error"]
            late = operation == INTROSPECT and is_only_late(name, now)
            assert (error["data"]["alias"] == "token.expired") is late, name
            if not late:
                refusals.add((operation, repr(stripped(answer))))
    assert len(refusals) == 2


async def post_raw(rig: Rig, operation: str, body: dict[str, str], token: bytes) -> httpx.Response:
    headers = [(b"x-request-id", b"req-001"), (b"x-tenant-id", b"tenant-a"), (b"authorization", b"Bearer " + token)]
    return await rig.client.post(PATHS[operation], json=body, headers=headers)


@pytest.mark.parametrize("slot", ["bearer", "body"])
async def test_a_forged_refresh_token_is_invalid_and_spends_nothing(rig_of_one_store: Rig, slot: str) -> None:
    rig = rig_of_one_store
    good = (await rig.issue("alice"))["refresh_token"]
    forge, claims, now = rig.forge, read(good), rig.clock.freeze()
    forge.type = "rt+jwt"
    refusals = set()
    for name, token in attacks(forge, claims, now):
        text = token.encode("utf-8", "surrogatepass")
        if slot == "bearer" and name in AROUND:
            continue
        if slot == "body":
            answer = await rig.post(PATHS[REFRESH], content=as_json("refresh_token", token))
        else:
            answer = await post_raw(rig, REFRESH, {}, text)
        if answer.status_code == 413 and len(text) > MAX_BODY_BYTES // 6:
            continue
        assert answer.status_code == 400, name
        if not is_only_late(name, now) and (is_text(token) or slot == "bearer"):
            refusals.add(repr(stripped(answer)))
    assert refusals == {repr((400, {"error": refresh_error("token.invalid")}))}
    assert (await rig.post(PATHS[REFRESH], {"refresh_token": good})).status_code == 200


def refresh_error(alias: str) -> dict[str, Any]:
    message = "The refresh token or the request is not valid."
    return {"code": "auth.refresh.invalid", "message": message, "data": {"alias": alias}}


async def test_a_forged_token_is_nothing_that_can_be_revoked(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    pair = await rig.issue("alice")
    bearer, forge, now = await rig.service_bearer("token.revoke"), rig.forge, rig.clock.freeze()
    claims = read(pair["access_token"])
    refusals = set()
    for name, token in attacks(forge, claims, now):
        answer = await rig.post(PATHS[REVOKE], content=as_json("token", token), bearer=bearer)
        if is_only_late(name, now) or answer.status_code == 413:
            continue  # a genuine token that is over may be revoked
        refusals.add((answer.status_code, answer.json()["error"]["code"]))
    assert refusals == {(400, "auth.revoke.invalid")}
