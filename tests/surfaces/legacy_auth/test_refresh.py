# SPDX-License-Identifier: Apache-2.0
"""POST /api/v1/auth/refresh."""

import pytest

from surfaces.legacy_auth.calls import GARBAGE, KINDS, REFRESH, ask, log_out, make, refresh, send
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEAD = {"success": False, "message": "The refresh token is not valid."}


async def test_a_refresh_token_is_exchanged_for_the_next_pair(shared: Rig) -> None:
    pair = await shared.issue("alice", permissions=["report.read"])
    answer = await refresh(shared, pair["refresh_token"])
    assert answer.status_code == 200
    fresh = answer.json()
    assert set(fresh) == {"success", "accessToken", "refreshToken", "expiresIn", "message"}
    assert (fresh["success"], fresh["expiresIn"]) == (True, 900)
    assert fresh["message"]
    assert fresh["accessToken"] != pair["access_token"]
    session = (await ask(shared, fresh["accessToken"])).json()
    assert (session["sessionId"], session["permissions"]) == (pair["session_id"], ["report.read"])
    assert (await refresh(shared, fresh["refreshToken"])).status_code == 200


async def test_snake_case_is_accepted_and_camel_case_counts_where_both_are_sent(shared: Rig) -> None:
    pair = await shared.issue()
    assert (await send(shared, REFRESH, {"refresh_token": pair["refresh_token"]})).status_code == 200
    both = {"refreshToken": GARBAGE, "refresh_token": (await shared.issue())["refresh_token"], "other": 1}
    assert (await send(shared, REFRESH, both)).json() == DEAD


async def test_inside_the_grace_everybody_gets_the_same_pair_and_after_it_the_session_ends(shared: Rig) -> None:
    shared.clock.freeze()
    pair = await shared.issue()
    first, again = [await refresh(shared, pair["refresh_token"]) for _ in range(2)]
    assert first.content == again.content
    shared.clock.advance(10)
    answer = await refresh(shared, pair["refresh_token"])
    assert (answer.status_code, answer.json()) == (401, DEAD)
    assert (await ask(shared, first.json()["accessToken"])).json()["isValid"] is False
    assert (await refresh(shared, first.json()["refreshToken"])).json() == DEAD


@pytest.mark.parametrize("kind", KINDS)
async def test_only_refresh_tokens_are_exchanged(shared: Rig, kind: str) -> None:
    answer = await refresh(shared, await make(shared, kind, await shared.issue("alice")))
    if kind == "refresh":
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()) == (401, DEAD)
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_bearer_is_no_refresh_token(shared: Rig) -> None:
    pair = await shared.issue()
    headers = {"Authorization": f"Bearer {pair['refresh_token']}"}
    assert (await send(shared, REFRESH, {}, **headers)).status_code == 400


async def test_another_tenants_header_spends_nothing(shared: Rig) -> None:
    pair = await shared.issue()
    for tenant_id in (OTHER_TENANT, "tenant-x", ""):
        answer = await refresh(shared, pair["refresh_token"], X_Tenant_ID=tenant_id)
        assert (answer.status_code, answer.json()) == (401, DEAD)
    foreign = await shared.issue(tenant_id=OTHER_TENANT)
    assert (await refresh(shared, foreign["refresh_token"])).status_code == 200
    assert (await refresh(shared, pair["refresh_token"], X_Tenant_ID=TENANT)).status_code == 200


async def test_the_refresh_token_of_an_ended_or_expired_session_is_dead(shared: Rig) -> None:
    ended, old = await shared.issue(), await shared.issue()
    await log_out(shared, ended["access_token"], ended["session_id"])
    assert (await refresh(shared, ended["refresh_token"])).json() == DEAD
    shared.clock.advance(2_592_000)
    answer = await refresh(shared, old["refresh_token"])
    assert (answer.status_code, answer.json()) == (401, DEAD)
