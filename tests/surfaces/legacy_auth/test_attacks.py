# SPDX-License-Identifier: Apache-2.0
"""Forged tokens in every slot: the same refusal for each of them. Sessions that other surfaces made."""

import json
from typing import Any

import jwt
import pytest

from attacks import claims_attacks, token_attacks
from surfaces.legacy_auth.calls import LOGOUT, REFRESH, SESSION, ask, log_out, refresh
from surfaces.service_rig import TENANT, Rig
from tessera_service.engine import GatewayClient, GatewayRequest

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAX_BODY_BYTES = 65_536
AROUND = ("the token ends in ' '", "the token begins with ' '")  # space around a header's value is no part of it


def read(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))


def forged(rig: Rig, token: str, token_type: str) -> list[tuple[str, str]]:
    """Every attack on a good token, by its name."""
    forge, claims, now = rig.forge, read(token), rig.clock.freeze()
    forge.type = token_type
    return [*token_attacks(forge, claims), *claims_attacks(forge, claims, now=now)]


async def test_a_forged_bearer_is_refused_like_every_other(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    good = (await rig.issue("alice"))["access_token"]
    refusals = set()
    for name, token in forged(rig, good, "at+jwt"):
        if name in AROUND:
            continue
        headers = [(b"authorization", b"Bearer " + token.encode("utf-8", "surrogatepass"))]
        answer = await rig.client.get(SESSION, headers=headers)
        assert answer.status_code == 401, name
        refusals.add(answer.content)
    assert len(refusals) == 1
    assert (await ask(rig, good)).status_code == 200


@pytest.mark.parametrize(("path", "kind"), [(REFRESH, "refresh"), (LOGOUT, "access")])
async def test_a_forged_token_in_a_body_is_refused_like_every_other(
    rig_of_one_store: Rig, path: str, kind: str
) -> None:
    rig = rig_of_one_store
    pair = await rig.issue("alice")
    late = {"exp is now", f"exp is {rig.clock.freeze() - 1}", "exp is 1"} if path == LOGOUT else set()
    refusals, tried = set(), 0
    for name, token in forged(rig, pair[f"{kind}_token"], "rt+jwt" if kind == "refresh" else "at+jwt"):
        if name in late:
            continue  # genuine, and over: it may end its own session
        body = {f"{kind}Token": token, "sessionId": pair["session_id"]}
        content = json.dumps(body).encode()
        answer = await rig.client.post(path, content=content, headers={"Content-Type": "application/json"})
        tried += 1
        if answer.status_code == 413:
            assert len(content) > MAX_BODY_BYTES
            continue
        if any("\ud800" <= letter <= "\udfff" for letter in token):
            assert answer.status_code == 400, name
            continue
        assert answer.status_code == 401, name
        refusals.add(answer.content)
    assert len(refusals) == 1
    assert tried > 300
    assert (await ask(rig, pair["access_token"])).status_code == 200
    assert (await refresh(rig, pair["refresh_token"])).status_code == 200


async def test_a_session_that_the_gateway_made_is_told_and_ended_here(shared: Rig) -> None:
    client = GatewayClient(TENANT, "gateway", frozenset())
    request = GatewayRequest("carol", "Carol", "teacher", permissions=("class.read",))
    session, token = await shared.engine.gateway.create(client, request)
    told = (await ask(shared, token)).json()
    assert told["userInfo"] == {"userId": "carol", "username": "Carol", "roles": ["teacher"], "tenantId": TENANT}
    assert (told["sessionId"], told["permissions"]) == (session.session_id, ["class.read"])
    assert (await refresh(shared, token)).status_code == 401
    assert (await log_out(shared, token, session.session_id)).status_code == 200
    assert (await ask(shared, token)).status_code == 401
    assert not await shared.is_alive(token)


async def test_a_session_token_is_nothing_here(shared: Rig) -> None:
    access_keys = shared.engine.access_keys
    key_id, secret = await access_keys.create(tenant_id=TENANT, subject="dave")
    key = await access_keys.check(key_id, secret)
    assert key is not None
    token = (await shared.engine.session_tokens.create(key, duration_seconds=60)).token
    session_id = read(token)["sid"]
    assert (await ask(shared, token)).status_code == 401
    assert (await refresh(shared, token)).status_code == 401
    assert (await log_out(shared, token, session_id)).status_code == 401
    access = (await shared.issue("dave"))["access_token"]
    assert (await log_out(shared, access, session_id)).status_code == 200  # by its id, it is dave's own
