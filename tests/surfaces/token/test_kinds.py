# SPDX-License-Identifier: Apache-2.0
"""Every kind of token in every slot of the token surface: only the cells of contract section 1 pass."""

from typing import Any

import pytest

from surfaces.service_rig import Rig
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, PATHS, REFRESH, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

KINDS = (
    "access",
    "refresh",
    "service",
    "session",
    "access as rt+jwt",
    "refresh as at+jwt",
    "service as st+jwt",
    "other issuer",
)
CALLERS = ("access", "service")
SUBJECTS = ("access", "refresh", "service")
PERMISSIONS = ["token.generate", "token.introspect", "token.revoke"]


async def make(rig: Rig, kind: str) -> str:
    """A token of that kind, right in everything but perhaps its kind."""
    match kind:
        case "service":
            return await rig.mint(*PERMISSIONS)
        case "access" | "refresh":
            return str((await rig.issue(permissions=PERMISSIONS))[f"{kind}_token"])
    forge = rig.forge
    sid = (await rig.issue("alice", permissions=PERMISSIONS))["session_id"]
    claims: dict[str, Any]
    match kind:
        case "session":
            forge.type, claims = "st+jwt", rig.claims("session", sid=sid)
        case "access as rt+jwt":
            forge.type, claims = "rt+jwt", rig.claims("access", sid=sid)
        case "refresh as at+jwt":
            forge.type, claims = "at+jwt", rig.claims("refresh", sid=sid)
        case "service as st+jwt":
            forge.type, claims = "st+jwt", rig.claims("service")
        case _:
            forge.type, claims = "at+jwt", rig.claims("access", sid=sid, iss="https://other.example")
    return forge.good(claims)


@pytest.mark.parametrize("kind", KINDS)
async def test_only_access_and_service_tokens_are_callers(shared: Rig, kind: str) -> None:
    token = await make(shared, kind)
    other = await shared.issue()
    calls: list[tuple[str, dict[str, Any]]] = [
        (ISSUE, {"sub": "bob"}),
        (INTROSPECT, {"token": "x"}),
        (REVOKE, {"session_id": other["session_id"]}),
    ]
    for operation, body in calls:
        answer = await shared.post(PATHS[operation], body, bearer=token)
        assert (answer.status_code in (200, 204)) is (kind in CALLERS), operation
        assert answer.status_code in (200, 204, 401), operation


@pytest.mark.parametrize("kind", KINDS)
async def test_access_refresh_and_service_tokens_are_subjects_of_introspection(shared: Rig, kind: str) -> None:
    answer = await shared.introspect(await make(shared, kind))
    assert answer["active"] is (kind in SUBJECTS)
    if kind in SUBJECTS:
        assert answer["token_type"] == ("refresh" if kind == "refresh" else "access")


@pytest.mark.parametrize("kind", KINDS)
async def test_access_refresh_and_service_tokens_can_be_revoked(shared: Rig, kind: str) -> None:
    token = await make(shared, kind)
    answer = await shared.post(PATHS[REVOKE], {"token": token}, bearer=await shared.service_bearer("token.revoke"))
    assert answer.status_code == (204 if kind in SUBJECTS else 400)
    assert not await shared.is_alive(token)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slot", ["bearer", "body", "grant"])
async def test_only_refresh_tokens_are_refreshed(shared: Rig, kind: str, slot: str) -> None:
    token = await make(shared, kind)
    match slot:
        case "bearer":
            answer = await shared.post(PATHS[REFRESH], bearer=token)
        case "body":
            answer = await shared.post(PATHS[REFRESH], {"refresh_token": token})
        case _:
            answer = await shared.post(PATHS[ISSUE], {"refresh_token": token, "grant_type": "refresh_token"})
    assert answer.status_code == (200 if kind == "refresh" else 400)


async def test_a_spent_refresh_token_is_inactive_at_once(shared: Rig) -> None:
    pair = await shared.issue()
    assert await shared.is_alive(pair["refresh_token"])
    fresh = (await shared.post(PATHS[REFRESH], bearer=pair["refresh_token"])).json()["data"]
    assert not await shared.is_alive(pair["refresh_token"])
    assert await shared.is_alive(fresh["refresh_token"])


async def test_permissions_count_as_the_record_has_them_and_nothing_widens_at_refresh(shared: Rig) -> None:
    pair = await shared.issue("alice", scope="read", permissions=["user.read"])
    forge = shared.forge
    claims = shared.claims("access", sid=pair["session_id"], permissions=PERMISSIONS, scope="read write")
    answer = await shared.post(PATHS[INTROSPECT], {"token": "x"}, bearer=forge.good(claims))
    assert answer.status_code == 403
    body = {"refresh_token": pair["refresh_token"], "scope": "read write", "permissions": PERMISSIONS}
    fresh = (await shared.post(PATHS[REFRESH], body)).json()["data"]
    found = await shared.introspect(fresh["access_token"])
    assert (found["scope"], found["permissions"]) == ("read", ["user.read"])
