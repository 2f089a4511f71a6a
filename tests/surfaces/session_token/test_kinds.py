# SPDX-License-Identifier: Apache-2.0
"""Every kind of token in every slot of this surface, and its own kind in every slot of the token surface: only the
cells of contract section 1 pass."""

import json

import pytest

from attacks import Forge, claims_attacks, token_attacks
from surfaces.service_rig import OTHER_TENANT, Rig
from surfaces.session_token.keys import DEAD, REVOKE, REVOKED, claims_of, is_valid, make_key, open_token, send, validate
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, PATHS
from tessera_service.surfaces.token.operations import REFRESH as TOKEN_REFRESH
from tessera_service.surfaces.token.operations import REVOKE as TOKEN_REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERS = (
    *("access", "refresh", "service", "access of another tenant", "another issuer", "another audience"),
    *("session as at+jwt", "session as rt+jwt", "session without a type"),
    *("access as st+jwt", "refresh as st+jwt", "service as st+jwt"),
)
MAX_BODY_BYTES = 65_536


async def sid_of_a_session_token(rig: Rig) -> str:
    """A live session that an access key opened."""
    return str(claims_of(await open_token(rig))["sid"])


async def make(rig: Rig, kind: str) -> str:
    """A token of that kind, right in everything but its kind; the forged ones name a session that a key opened."""
    match kind:
        case "service":
            return await rig.mint("token.generate", "token.introspect", "token.revoke")
        case "access" | "refresh":
            return str((await rig.issue("alice"))[f"{kind}_token"])
        case "access of another tenant":
            return str((await rig.issue("alice", tenant_id=OTHER_TENANT))["access_token"])
    forge, sid = rig.forge, await sid_of_a_session_token(rig)
    claims = rig.claims("session", sid=sid)
    match kind:
        case "another issuer":
            forge.type, claims = "st+jwt", claims | {"iss": "https://other.example"}
        case "another audience":
            forge.type, claims = "st+jwt", claims | {"aud": "other"}
        case "session as at+jwt":
            forge.type = "at+jwt"
        case "session as rt+jwt":
            forge.type = "rt+jwt"
        case "session without a type":
            forge.type = "JWT"
        case "service as st+jwt":
            forge.type, claims = "st+jwt", rig.claims("service")
        case _:
            forge.type, claims = "st+jwt", rig.claims(kind.split(" ", maxsplit=1)[0], sid=sid)
    return forge.good(claims)


@pytest.mark.parametrize("kind", OTHERS)
async def test_no_other_kind_of_token_is_valid_here(shared: Rig, kind: str) -> None:
    assert await validate(shared, await make(shared, kind)) == DEAD


@pytest.mark.parametrize("kind", OTHERS)
async def test_no_other_kind_of_token_is_revoked_here(shared: Rig, kind: str) -> None:
    token = await make(shared, kind)
    ways: list[tuple[object, dict[str, str]]] = [
        ({"session_token": token}, {}),
        (None, {"X-Session-Token": token}),
        (None, {"Authorization": f"Bearer {token}"}),
    ]
    for body, headers in ways:
        answer = await send(shared, REVOKE, body, method="DELETE", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (400, "failure")
    if kind in ("access", "refresh", "service"):
        assert await shared.is_alive(token)


async def test_a_session_token_passes_in_its_own_slots(shared: Rig) -> None:
    token = await open_token(shared)
    assert await is_valid(shared, token)
    assert (await send(shared, REVOKE, {"session_token": token}, method="DELETE")).json() == REVOKED


async def test_a_session_token_passes_in_no_slot_of_the_token_surface(shared: Rig) -> None:
    token = await open_token(shared)
    operator = await shared.service_bearer("token.introspect", "token.revoke")
    for operation, body in ((ISSUE, {"sub": "bob"}), (INTROSPECT, {"token": operator}), (TOKEN_REVOKE, {})):
        assert (await shared.post(PATHS[operation], body, bearer=token)).status_code == 401
    assert (await shared.post(PATHS[TOKEN_REFRESH], bearer=token)).status_code == 400
    assert (await shared.post(PATHS[TOKEN_REFRESH], {"refresh_token": token})).status_code == 400
    grant = {"grant_type": "refresh_token", "refresh_token": token}
    assert (await shared.post(PATHS[ISSUE], grant)).status_code == 400
    assert await shared.introspect(token) == {"active": False}
    assert (await shared.post(PATHS[TOKEN_REVOKE], {"token": token}, bearer=operator)).status_code == 400
    assert await is_valid(shared, token)


async def test_a_session_of_another_kind_vouches_for_no_session_token(shared: Rig) -> None:
    pair = await shared.issue("alice")
    forge = shared.forge
    forge.type = "st+jwt"
    assert await validate(shared, forge.good(shared.claims("session", sid=pair["session_id"]))) == DEAD


async def test_a_forged_session_token_is_dead_like_every_other_and_revokes_nothing(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    token = await open_token(rig, await make_key(rig))
    claims, now = claims_of(token), rig.clock.freeze()
    forge: Forge = rig.forge
    forge.type = "st+jwt"
    assert await is_valid(rig, forge.good(claims))
    tried = 0
    for name, text in [*token_attacks(forge, claims), *claims_attacks(forge, claims, now=now)]:
        content = json.dumps({"session_token": text, "resource": "doc456", "permission": "view"}).encode()
        answer = await rig.client.post(
            "/session-token/validate", content=content, headers={"Content-Type": "application/json"}
        )
        tried += 1
        if any("\ud800" <= letter <= "\udfff" for letter in text) or len(content) > MAX_BODY_BYTES:
            assert answer.status_code in (400, 413), name
        else:
            assert (answer.status_code, answer.json()) == (200, DEAD), name
    assert tried > 300
    assert await is_valid(rig, token)


async def test_a_session_token_passes_in_no_slot_of_the_other_surfaces(shared: Rig) -> None:
    token = await open_token(shared)
    sid, bearer = str(claims_of(token)["sid"]), {"Authorization": f"Bearer {token}"}
    calls: list[tuple[str, str, object, dict[str, str]]] = [
        ("GET", "/api/v1/auth/session", None, bearer),
        ("GET", f"/api/v1/auth/session?accessToken={token}", None, {}),
        ("POST", "/api/v1/auth/refresh", {"refreshToken": token}, {}),
        ("POST", "/api/v1/auth/logout", {"accessToken": token, "sessionId": sid}, {}),
        ("POST", "/api/v1/sessions/refresh", None, bearer),
        ("POST", "/api/v1/sessions/logout", None, bearer),
        ("POST", "/api/v1/sessions/logout", {"token": token}, {}),
        ("POST", "/api/v1/sessions", {"user_id": "a", "username": "a", "role_name": "a", "permissions": []}, bearer),
        ("GET", "/api/v1/sessions/stats", None, bearer),
        ("GET", "/api/v1/sessions/user/alice", None, bearer),
        ("DELETE", "/api/v1/sessions/user/alice", None, bearer),
        ("DELETE", f"/api/v1/sessions/{sid}", None, bearer),
        ("GET", "/v1/authz", None, bearer),
        ("POST", "/v1/authz", None, bearer),
    ]
    for method, path, body, headers in calls:
        answer = await send(shared, path, body, method=method, headers=headers)
        assert answer.status_code in (401, 403), (method, path, answer.text)
    validated = await send(shared, "/api/v1/sessions/validate", {"token": token})
    assert (validated.status_code, validated.json()["is_valid"]) == (200, False)
    assert await is_valid(shared, token)


async def test_its_session_is_listed_and_ended_by_its_id_through_the_gateway_surface(shared: Rig) -> None:
    token = await open_token(shared, await make_key(shared, subject="both-sides"))
    sid = claims_of(token)["sid"]
    bearer = {"Authorization": f"Bearer {(await shared.issue('both-sides'))['access_token']}"}
    listed = await send(shared, "/api/v1/sessions/user/both-sides", method="GET", headers=bearer)
    assert sid in [session["session_id"] for session in listed.json()["sessions"]]
    ended = await send(shared, f"/api/v1/sessions/{sid}", method="DELETE", headers=bearer)
    assert (ended.status_code, ended.json()["session_id"]) == (200, sid)
    assert await validate(shared, token) == DEAD
