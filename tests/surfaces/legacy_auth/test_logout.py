# SPDX-License-Identifier: Apache-2.0
"""POST /api/v1/auth/logout."""

import pytest

from surfaces.legacy_auth.calls import EVERYTHING, KINDS, LOGOUT, ask, log_out, make, refresh, send
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

DONE = {"success": True, "message": "The session was ended."}
DEAD = {"success": False, "message": "The access token is not valid."}
NOT_YOURS = {"success": False, "message": "The session does not belong to the token."}
NOBODY = "0190a000-0000-7000-8000-000000000000"


async def test_a_token_ends_its_session_on_every_surface(shared: Rig) -> None:
    pair = await shared.issue("alice")
    answer = await log_out(shared, pair["access_token"], pair["session_id"])
    assert (answer.status_code, answer.json()) == (200, DONE)
    assert not await shared.is_alive(pair["access_token"])
    assert not await shared.is_alive(pair["refresh_token"])
    assert (await ask(shared, pair["access_token"])).status_code == 401
    assert (await refresh(shared, pair["refresh_token"])).status_code == 401
    stored = await shared.stores[1].get(pair["session_id"])
    assert (stored.revoked_reason, stored.revoked_by) == ("user_logout", "alice")


async def test_snake_case_is_accepted(shared: Rig) -> None:
    pair = await shared.issue("alice")
    body = {"access_token": pair["access_token"], "session_id": pair["session_id"]}
    assert (await send(shared, LOGOUT, body)).json() == DONE


async def test_a_token_that_was_revoked_ends_nothing_any_more(shared: Rig) -> None:
    pair, other = await shared.issue("alice"), await shared.issue("alice")
    await log_out(shared, pair["access_token"], pair["session_id"])
    for session_id in (pair["session_id"], other["session_id"]):
        answer = await log_out(shared, pair["access_token"], session_id)
        assert (answer.status_code, answer.json()) == (401, DEAD)
    assert await shared.is_alive(other["access_token"])


async def test_a_session_that_is_over_already_is_a_success(shared: Rig) -> None:
    one, other = await shared.issue("alice"), await shared.issue("alice")
    for _ in range(2):
        assert (await log_out(shared, one["access_token"], other["session_id"])).json() == DONE
    assert not await shared.is_alive(other["access_token"])
    assert await shared.is_alive(one["access_token"])


async def test_unknown_and_foreign_sessions_are_answered_alike_whatever_the_token_may(shared: Rig) -> None:
    alice = await shared.issue("alice", permissions=EVERYTHING)
    bob, stranger = await shared.issue("bob"), await shared.issue("alice", tenant_id=OTHER_TENANT)
    others = (bob["session_id"], stranger["session_id"], NOBODY, "x", "", alice["session_id"].upper())
    answers = [await log_out(shared, alice["access_token"], session_id) for session_id in others]
    assert {(answer.status_code, answer.content) for answer in answers} == {(403, answers[0].content)}
    assert {answer.headers.get("www-authenticate") for answer in answers} == {'Bearer error="insufficient_scope"'}
    assert answers[0].json() == NOT_YOURS
    assert await shared.is_alive(bob["access_token"])
    assert (await ask(shared, stranger["access_token"])).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("late", [False, True], ids=["in time", "past its exp"])
async def test_only_access_tokens_end_a_session_also_past_their_exp(shared: Rig, kind: str, late: bool) -> None:
    pair = await shared.issue("alice")
    token = await make(shared, kind, pair)
    if late:
        shared.clock.advance(901)
    answer = await log_out(shared, token, pair["session_id"])
    if kind == "access":
        assert (answer.status_code, answer.json()) == (200, DONE)
    else:
        assert (answer.status_code, answer.json()) == (401, DEAD)
    shared.clock.ahead_ms = 0
    assert await shared.is_alive(pair["refresh_token"]) is (kind != "access")


async def test_an_expired_token_ends_no_session_but_its_own(shared: Rig) -> None:
    pair, other = await shared.issue("alice"), await shared.issue("alice")
    shared.clock.advance(900)
    for session_id in (other["session_id"], NOBODY, ""):
        answer = await log_out(shared, pair["access_token"], session_id)
        assert (answer.status_code, answer.json()) == (401, DEAD)
    assert (await log_out(shared, pair["access_token"], pair["session_id"], X_Tenant_ID=OTHER_TENANT)).json() == DEAD
    assert (await log_out(shared, pair["access_token"], pair["session_id"], X_Tenant_ID=TENANT)).json() == DONE
    assert (await log_out(shared, pair["access_token"], pair["session_id"])).json() == DEAD
    assert (await refresh(shared, other["refresh_token"])).status_code == 200


async def test_another_tenants_header_makes_the_token_invalid(shared: Rig) -> None:
    pair = await shared.issue("alice")
    for tenant_id in (OTHER_TENANT, "tenant-x", ""):
        answer = await log_out(shared, pair["access_token"], pair["session_id"], X_Tenant_ID=tenant_id)
        assert (answer.status_code, answer.json()) == (401, DEAD)
    assert await shared.is_alive(pair["access_token"])


async def test_a_bearer_does_not_stand_for_the_body(shared: Rig) -> None:
    pair = await shared.issue("alice")
    bearer = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await send(shared, LOGOUT, {"sessionId": pair["session_id"]}, **bearer)).status_code == 400
    assert await shared.is_alive(pair["access_token"])
