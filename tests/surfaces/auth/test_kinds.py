# SPDX-License-Identifier: Apache-2.0
"""Every kind of token as bearer of every operation: access and service tokens, refresh tokens to sign out, no other."""

from typing import Any

import pytest

from surfaces.auth.calls import call
from surfaces.gateway.calls import make as make_gateway_session
from surfaces.service_rig import OTHER_TENANT, Rig
from surfaces.session_token.keys import open_token
from tessera_service.surfaces.auth.operations import LIST, LOGOUT, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERMISSIONS = ("session.read:any", "session.revoke:any", "token.generate")
KINDS = (
    *("access", "access of the gateway", "refresh", "service", "session"),
    *("access as rt+jwt", "access as st+jwt", "refresh as at+jwt", "service as st+jwt", "service as rt+jwt"),
    *("other issuer", "other audience", "no session", "another subject"),
)
PASS = {
    LIST: {"access", "access of the gateway", "service"},
    REVOKE: {"access", "service"},
    LOGOUT: {"access", "access of the gateway", "refresh"},
}


async def make(rig: Rig, kind: str) -> str:
    """A token of that kind, right in everything but perhaps its kind."""
    operator = await rig.service_bearer(*PERMISSIONS)
    body = {"sub": "alice", "permissions": ["session.read:any", "session.revoke:any"]}
    pair = (await rig.post("/v1/token", body, bearer=operator)).json()["data"]
    match kind:
        case "access" | "refresh":
            return str(pair[f"{kind}_token"])
        case "access of the gateway":
            return str((await make_gateway_session(rig))["token"])
        case "service":
            return await rig.mint(*PERMISSIONS)
        case "session":
            return await open_token(rig)
    return forged(rig, kind, pair["session_id"])


def forged(rig: Rig, kind: str, sid: str) -> str:
    """A token that the service never made, under its key."""
    forge, claims = rig.forge, rig.claims("access", sid=sid)
    match kind:
        case "other issuer":
            claims |= {"iss": "https://other.example"}
        case "other audience":
            claims |= {"aud": "other"}
        case "no session":
            claims |= {"sid": "0190a000-0000-7000-8000-000000000000"}
        case "another subject":
            claims |= {"sub": "mallory"}
        case _:
            name, _, forge.type = kind.partition(" as ")
            claims = rig.claims(name) if name == "service" else rig.claims(name, sid=sid)
    return forge.good(claims)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", list(PASS))
async def test_only_the_cells_of_the_table_pass(shared: Rig, operation: str, kind: str) -> None:
    token = await make(shared, kind)
    victim = (await shared.issue())["session_id"]
    answer = await call(shared, operation, bearer=token, session_id=victim)
    if kind in PASS[operation]:
        assert answer.status_code == 200, answer.text
    elif (operation, kind) == (REVOKE, "access of the gateway"):
        assert answer.status_code == 403  # a bearer like any other, without the permission
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "auth.token.invalid")


@pytest.mark.parametrize("operation", list(PASS))
@pytest.mark.parametrize("kind", ["access", "refresh", "service"])
async def test_a_live_token_of_another_tenant_passes_nowhere(shared: Rig, operation: str, kind: str) -> None:
    pair = await shared.issue(tenant_id=OTHER_TENANT)
    tokens: dict[str, Any] = {"access": pair["access_token"], "refresh": pair["refresh_token"]}
    tokens["service"] = await shared.service_bearer(*PERMISSIONS, tenant_id=OTHER_TENANT)
    answer = await call(shared, operation, bearer=tokens[kind], session_id=pair["session_id"])
    dead = kind not in PASS[operation]
    assert answer.status_code == (401 if dead else 403)
    assert answer.json()["error"]["code"] == ("auth.token.invalid" if dead else "auth.tenant_mismatch")
