# SPDX-License-Identifier: Apache-2.0
"""Nobody chooses the session that somebody else signs in to: whatever a client sends along, the new session's id is
one that the server made, and what was sent along stays what it was."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from surfaces.auth.calls import PASSWORD
from surfaces.auth.people import add_user
from surfaces.service_rig import TENANT, Rig
from surfaces.session_token.keys import claims_of, make_key

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITS_STORES = ("memory",)
CHOSEN = "01930000-0000-7000-8000-000000000000"

SignIn = Callable[[Rig, dict[str, Any], dict[str, str]], Awaitable[str]]


async def by_grant(rig: Rig, extra: dict[str, Any], headers: dict[str, str]) -> str:
    bearer = await rig.service_bearer("token.generate")
    body = extra | {"sub": "alice"}
    return await _issued(rig, "/v1/token", body, headers | {"Authorization": f"Bearer {bearer}"})


async def by_password(rig: Rig, extra: dict[str, Any], headers: dict[str, str]) -> str:
    name = f"user-{next(rig.numbers)}"
    await add_user(rig, name)
    body = extra | {"login_type": "local", "username": name, "password": PASSWORD}
    return await _issued(rig, "/auth/login", body, headers)


async def by_password_grant(rig: Rig, extra: dict[str, Any], headers: dict[str, str]) -> str:
    name = f"user-{next(rig.numbers)}"
    await add_user(rig, name)
    return await _issued(
        rig, "/v1/token", extra | {"grant_type": "password", "username": name, "password": PASSWORD}, headers
    )


async def by_gateway(rig: Rig, extra: dict[str, Any], headers: dict[str, str]) -> str:
    bearer = await rig.service_bearer("token.generate")
    body = extra | {"user_id": "alice", "username": "alice", "role_name": "user", "permissions": []}
    sent = headers | {"Authorization": f"Bearer {bearer}"}
    answer = await rig.client.post("/api/v1/sessions", json=body, headers=sent)
    assert answer.status_code == 201, answer.text
    return str(claims_of(answer.json()["token"])["sid"])


async def by_access_key(rig: Rig, extra: dict[str, Any], headers: dict[str, str]) -> str:
    key_id, secret = await make_key(rig)
    body = {name: value for name, value in extra.items() if name != "session_token"}
    sent = body | {"access_key_id": key_id, "secret_access_key": secret}
    answer = await rig.client.post("/session-token/create", json=sent, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(claims_of(answer.json()["session_token"]["token"])["sid"])


async def _issued(rig: Rig, path: str, body: dict[str, Any], headers: dict[str, str]) -> str:
    sent = {"X-Tenant-ID": TENANT, "X-Request-ID": "req-001"} | headers
    answer = await rig.client.post(path, json=body, headers=sent)
    assert answer.status_code == 200, answer.text
    return str(claims_of(answer.json()["data"]["access_token"])["sid"])


@pytest.mark.parametrize("sign_in", [by_grant, by_password, by_password_grant, by_gateway, by_access_key])
async def test_whoever_signs_in_gets_a_session_of_their_own(shared: Rig, sign_in: SignIn) -> None:
    planted = await shared.issue("mallory")
    ids = set()
    for chosen in (CHOSEN, planted["session_id"]):
        extra = dict.fromkeys(("session_id", "sessionId", "sid", "jti", "id"), chosen)
        extra |= {"token": planted["access_token"], "refresh_token": planted["refresh_token"]}
        headers = {"Cookie": f"session_id={chosen}; token={planted['access_token']}", "X-Session-ID": chosen}
        headers |= {"X-Session-Token": planted["access_token"]}
        ids.add(await sign_in(shared, extra, headers))
    assert len(ids) == 2
    assert not ids & {CHOSEN, planted["session_id"]}
    assert {uuid.UUID(one).version for one in ids} == {7}
    said = await shared.introspect(planted["access_token"])
    assert (said["sub"], said["session_id"]) == ("mallory", planted["session_id"])


async def test_a_bearer_at_the_sign_in_is_not_gone_on_with(shared: Rig) -> None:
    planted = await shared.issue("mallory")
    made = await by_password(shared, {}, {"Authorization": f"Bearer {planted['access_token']}"})
    assert made != planted["session_id"]
    assert await shared.is_alive(planted["access_token"])
