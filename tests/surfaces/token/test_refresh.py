# SPDX-License-Identifier: Apache-2.0
"""Rotation, grace and reuse as a client sees them."""

import asyncio

import pytest

from surfaces.service_rig import Rig
from surfaces.token.test_answers import check_pair
from tessera_service.surfaces.token.operations import INTROSPECT, PATHS, REFRESH

pytestmark = pytest.mark.asyncio(loop_scope="module")

RIGHTS = ["token.generate", "token.introspect", "token.revoke"]


async def test_inside_its_grace_a_spent_token_gives_the_same_pair_and_after_it_ends_the_session(shared: Rig) -> None:
    body = {"refresh_token": (await shared.issue())["refresh_token"]}
    first = check_pair(await shared.post(PATHS[REFRESH], body))
    shared.clock.advance(9)
    again = (await shared.post(PATHS[REFRESH], body)).json()["data"]
    assert again == {**first, "expires_in": again["expires_in"]}
    assert 890 <= again["expires_in"] <= 891
    shared.clock.advance(1)
    answer = await shared.post(PATHS[REFRESH], body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "auth.session.revoked")
    assert not await shared.is_alive(first["access_token"])


async def test_a_reuse_is_counted_apart_from_other_refreshes_of_ended_sessions(shared: Rig) -> None:
    def counted(outcome: str) -> float:
        read = shared.app.state.metrics.registry.get_sample_value
        return read("tessera_refreshes_total", {"outcome": outcome}) or 0

    before = counted("refresh_reused"), counted("session_ended")
    stolen = {"refresh_token": (await shared.issue())["refresh_token"]}
    second = check_pair(await shared.post(PATHS[REFRESH], stolen))
    shared.clock.advance(10)
    for token in (stolen, {"refresh_token": second["refresh_token"]}, stolen):
        answer = await shared.post(PATHS[REFRESH], token)
        assert (answer.status_code, answer.json()["error"]["data"]) == (403, {"alias": "token.revoked"})
    assert (counted("refresh_reused"), counted("session_ended")) == (before[0] + 1, before[1] + 2)


async def test_a_parent_whose_successor_is_spent_is_invalid_and_harms_nobody(shared: Rig) -> None:
    first = {"refresh_token": (await shared.issue())["refresh_token"]}
    second = check_pair(await shared.post(PATHS[REFRESH], first))
    third = check_pair(await shared.post(PATHS[REFRESH], {"refresh_token": second["refresh_token"]}))
    answer = await shared.post(PATHS[REFRESH], first)
    assert (answer.status_code, answer.json()["error"]["data"]) == (400, {"alias": "token.invalid"})
    assert await shared.is_alive(third["access_token"])


async def test_fifty_at_once_get_one_successor(shared: Rig) -> None:
    body = {"refresh_token": (await shared.issue())["refresh_token"]}
    answers = await asyncio.gather(*(shared.post(PATHS[REFRESH], body) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"]["refresh_token"] for answer in answers}) == 1
    assert len({answer.json()["data"]["access_token"] for answer in answers}) == 1


async def test_a_spent_refresh_token_is_inactive_at_once(shared: Rig) -> None:
    pair = await shared.issue()
    assert await shared.is_alive(pair["refresh_token"])
    fresh = (await shared.post(PATHS[REFRESH], bearer=pair["refresh_token"])).json()["data"]
    assert not await shared.is_alive(pair["refresh_token"])
    assert await shared.is_alive(fresh["refresh_token"])


async def test_permissions_count_as_the_record_has_them_and_nothing_widens_at_refresh(shared: Rig) -> None:
    pair = await shared.issue("alice", scope="read", permissions=["user.read"])
    forge = shared.forge
    claims = shared.claims("access", sid=pair["session_id"], permissions=RIGHTS, scope="read write")
    answer = await shared.post(PATHS[INTROSPECT], {"token": "x"}, bearer=forge.good(claims))
    assert answer.status_code == 403
    body = {"refresh_token": pair["refresh_token"], "scope": "read write", "permissions": RIGHTS}
    fresh = (await shared.post(PATHS[REFRESH], body)).json()["data"]
    found = await shared.introspect(fresh["access_token"])
    assert (found["scope"], found["permissions"]) == ("read", ["user.read"])
