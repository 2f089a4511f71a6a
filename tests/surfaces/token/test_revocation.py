# SPDX-License-Identifier: Apache-2.0
"""Revocation in every form that the token surface takes."""

from collections import defaultdict
from typing import Any

import pytest

from surfaces.service_rig import Rig
from surfaces.token.test_answers import check_headers, verify
from tessera_service.surfaces.token.operations import PATHS, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")


def revocation_bodies(pair: dict[str, Any], claims: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    return {
        "nothing": None,
        "an empty object": {},
        "all is false": {"all": False},
        "session_id": {"session_id": pair["session_id"]},
        "sub": {"sub": claims["sub"]},
        "all": {"all": True},
        "sub and all": {"sub": claims["sub"], "all": True},
        "refresh token": {"token": pair["refresh_token"]},
        "access token": {"token": pair["access_token"]},
        "jti": {"jti": claims["jti"]},
    }


@pytest.mark.parametrize("name", list(revocation_bodies(defaultdict(str), defaultdict(str))))
async def test_every_form_of_revocation_ends_the_token(shared: Rig, name: str) -> None:
    pair = await shared.issue()
    claims = await verify(shared, pair["access_token"])
    body = revocation_bodies(pair, claims)[name]
    answer = await shared.post(PATHS[REVOKE], body, bearer=pair["access_token"])
    assert (answer.status_code, answer.content) == (204, b"")
    check_headers(answer)
    assert not await shared.is_alive(pair["access_token"])
    answer = await shared.post(PATHS[REVOKE], body, bearer=pair["access_token"])
    assert answer.status_code == 401


@pytest.mark.parametrize("name", ["session_id", "sub", "refresh token", "access token", "jti"])
async def test_an_operator_revokes_for_others_and_may_repeat_it(shared: Rig, name: str) -> None:
    pair = await shared.issue()
    claims = await verify(shared, pair["access_token"])
    body = revocation_bodies(pair, claims)[name]
    bearer = await shared.service_bearer("token.revoke")
    for _ in range(2):
        assert (await shared.post(PATHS[REVOKE], body, bearer=bearer)).status_code == 204
    assert not await shared.is_alive(pair["access_token"])


async def test_revoke_reads_a_form_too(shared: Rig) -> None:
    pair = await shared.issue()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    content = f"token={pair['refresh_token']}&token_type_hint=refresh_token".encode()
    answer = await shared.post(PATHS[REVOKE], content=content, headers=form, bearer=pair["access_token"])
    assert answer.status_code == 204
    assert not await shared.is_alive(pair["access_token"])


async def test_curl_without_a_body_type_of_its_own_revokes_the_current_session(shared: Rig) -> None:
    pair = await shared.issue()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await shared.post(PATHS[REVOKE], content=b"{}", headers=form, bearer=pair["access_token"])
    assert answer.status_code == 204
    assert not await shared.is_alive(pair["access_token"])


async def test_one_session_of_a_subject_outlives_the_other(shared: Rig) -> None:
    one, other = await shared.issue("carol"), await shared.issue("carol")
    await shared.post(PATHS[REVOKE], {}, bearer=one["access_token"])
    assert await shared.is_alive(other["access_token"])
    await shared.post(PATHS[REVOKE], {"all": True}, bearer=other["access_token"])
    assert not await shared.is_alive(other["access_token"])
    assert await shared.is_alive((await shared.issue("carol"))["access_token"])
