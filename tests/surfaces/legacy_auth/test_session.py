# SPDX-License-Identifier: Apache-2.0
"""GET /api/v1/auth/session: every field, where the token may stand, and whose it may be."""

import io
from pathlib import Path

import pytest
from starlette.types import Message, Scope

from surfaces.legacy_auth.calls import GARBAGE, KINDS, SESSION, ask, log_out, make
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig, open_rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_SESSION = {"isValid": False, "message": "The session is not valid."}


async def test_a_live_session_is_told_with_every_field(shared: Rig) -> None:
    shared.clock.freeze()
    pair = await shared.issue("alice", permissions=["report.read", "a.read"], roles=["teacher", "admin"])
    shared.clock.advance(100)
    answer = await ask(shared, pair["access_token"])
    assert answer.status_code == 200
    assert answer.json() == {
        "isValid": True,
        "userId": "alice",
        "sessionId": pair["session_id"],
        "expiresIn": 800,
        "userInfo": {"userId": "alice", "username": None, "roles": ["teacher", "admin"], "tenantId": TENANT},
        "permissions": ["report.read", "a.read"],
    }
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert "x-tenant-id" not in answer.headers


async def test_permissions_and_roles_are_the_records_and_not_the_tokens(shared: Rig) -> None:
    pair = await shared.issue("alice", permissions=["report.read"], roles=["teacher"])
    claims = shared.claims("access", sid=pair["session_id"], permissions=["*"], roles=["admin"], username="root")
    answer = (await ask(shared, shared.forge.good(claims))).json()
    assert (answer["permissions"], answer["userInfo"]["roles"]) == (["report.read"], ["teacher"])
    assert answer["userInfo"]["username"] is None


@pytest.mark.parametrize("name", ["accessToken", "access_token"])
async def test_the_token_may_stand_in_the_query(shared: Rig, name: str) -> None:
    pair = await shared.issue("alice")
    assert (await ask(shared, query={name: pair["access_token"]})).json()["userId"] == "alice"
    assert (await ask(shared, query={name: GARBAGE})).json() == NO_SESSION
    assert (await ask(shared, query={"token": pair["access_token"]})).json() == NO_SESSION


async def test_the_bearer_is_preferred_to_the_query(shared: Rig) -> None:
    alice, bob = await shared.issue("alice"), await shared.issue("bob")
    query = {"accessToken": bob["access_token"]}
    assert (await ask(shared, alice["access_token"], query=query)).json()["userId"] == "alice"
    assert (await ask(shared, GARBAGE, query=query)).json() == NO_SESSION
    assert (await ask(shared, query=query, headers={"Authorization": "Bearer "})).json() == NO_SESSION
    assert (await ask(shared, query=query, headers={"Authorization": "Basic eDp5"})).json()["userId"] == "bob"


async def test_a_query_with_two_tokens_is_refused(shared: Rig) -> None:
    token = (await shared.issue("alice"))["access_token"]
    assert (await ask(shared, query=f"accessToken={token}&x=1")).status_code == 200
    for query in (
        f"accessToken={token}&accessToken={token}",
        f"accessToken={token}&access_token={token}",
        f"accessToken=&access_token={token}",
        f"accessToken={token}" + "&x=1" * 40,
        "accessToken",
        "accessToken=%ff%00",
        f"AccessToken={token}",
    ):
        answer = await ask(shared, query=query)
        assert (answer.status_code, answer.json()) == (401, NO_SESSION), query


@pytest.mark.parametrize("kind", KINDS)
async def test_only_access_tokens_have_a_session(shared: Rig, kind: str) -> None:
    token = await make(shared, kind, await shared.issue("alice"))
    for answer in (await ask(shared, token), await ask(shared, query={"accessToken": token})):
        if kind == "access":
            assert (answer.status_code, answer.json()["isValid"]) == (200, True)
        else:
            assert (answer.status_code, answer.json()) == (401, NO_SESSION)
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_without_a_token_nothing_was_presented(shared: Rig) -> None:
    answer = await ask(shared)
    assert (answer.status_code, answer.json()) == (401, NO_SESSION)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_another_tenants_header_makes_the_token_invalid(shared: Rig) -> None:
    token = (await shared.issue("alice"))["access_token"]
    assert (await ask(shared, token, headers={"X-Tenant-ID": TENANT})).status_code == 200
    for tenant_id in (OTHER_TENANT, "tenant-x", "", TENANT.upper(), f"{TENANT}, {TENANT}", "x" * 300):
        answer = await ask(shared, token, headers={"X-Tenant-ID": tenant_id})
        assert (answer.status_code, answer.json()) == (401, NO_SESSION), tenant_id
    twice = [("X-Tenant-ID", TENANT), ("X-Tenant-ID", TENANT), ("Authorization", f"Bearer {token}")]
    assert (await shared.client.get(SESSION, headers=twice)).json() == NO_SESSION
    foreign = (await shared.issue("alice", tenant_id=OTHER_TENANT))["access_token"]
    assert (await ask(shared, foreign)).json()["userInfo"]["tenantId"] == OTHER_TENANT
    assert (await ask(shared, foreign, headers={"X-Tenant-ID": TENANT})).json() == NO_SESSION


async def test_a_token_is_dead_at_the_second_of_its_exp(shared: Rig) -> None:
    shared.clock.freeze()
    token = (await shared.issue("alice"))["access_token"]
    shared.clock.advance(899)
    assert (await ask(shared, token)).json()["expiresIn"] == 1
    shared.clock.advance(1)
    answer = await ask(shared, token)
    assert (answer.status_code, answer.json()) == (401, NO_SESSION)


async def test_a_session_is_gone_the_moment_that_it_ends(shared: Rig) -> None:
    pair = await shared.issue("alice")
    assert (await ask(shared, pair["access_token"])).status_code == 200
    assert (await log_out(shared, pair["access_token"], pair["session_id"])).status_code == 200
    assert (await ask(shared, pair["access_token"])).json() == NO_SESSION
    assert not await shared.is_alive(pair["access_token"])


async def test_the_query_can_be_switched_off(folder: Path) -> None:
    async with open_rig("memory", folder, config={"legacy_query_token": False}) as rig:
        token = (await rig.issue("alice"))["access_token"]
        answer = await ask(rig, query={"accessToken": token})
        assert (answer.status_code, answer.json()) == (401, NO_SESSION)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert (await ask(rig, token, query={"accessToken": GARBAGE})).status_code == 200


async def test_a_query_reaches_no_log(shared: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    token = (await shared.issue("alice"))["access_token"]
    for query in ({"accessToken": token}, {"access_token": f"{token}x"}, {"x": token}):
        await ask(shared, query=query)
    await shared.client.post(f"{SESSION}?accessToken={token}")
    await shared.client.get(f"{SESSION}/x?accessToken={token}")
    written = logged.getvalue()[before:]
    assert written.count(SESSION) >= 5
    assert "accessToken" not in written
    assert token.rsplit(".", 1)[1] not in written
    assert token[:60] not in written


async def test_a_warm_session_awaits_nothing(shared: Rig) -> None:
    token = (await shared.issue("alice"))["access_token"]
    assert (await ask(shared, token)).status_code == 200
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("there is nothing to read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": SESSION, "raw_path": SESSION.encode(), "client": None}
    headers = [(b"authorization", b"Bearer " + token.encode())]
    step = shared.app({**scope, "headers": headers, "query_string": b"", "http_version": "1.1"}, receive, send)
    with pytest.raises(StopIteration):  # it ends at its first step: nothing in it waited
        step.send(None)
    assert sent[0]["status"] == 200
    assert b'"isValid":true' in sent[1]["body"]
