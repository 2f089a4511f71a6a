# SPDX-License-Identifier: Apache-2.0
"""Forged tokens as bearers of this surface: refused in one way, and nobody is signed out or revoked by one."""

from typing import Any

import httpx
import pytest

from attacks import claims_attacks, token_attacks
from surfaces.service_rig import Rig
from surfaces.session_token.keys import claims_of
from tessera_service.surfaces.auth.operations import LIST, LOGOUT, METHODS, PATHS, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

AROUND = ("the token ends in ' '", "the token begins with ' '")  # space around a header's value is no part of it


async def send(rig: Rig, operation: str, token: bytes, session_id: str) -> httpx.Response:
    """The call with bytes as they are."""
    headers = [(b"x-request-id", b"req-001"), (b"x-tenant-id", b"tenant-a"), (b"authorization", b"Bearer " + token)]
    path = PATHS[operation].format(id=session_id)
    return await rig.client.request(METHODS[operation], path, headers=headers)


@pytest.mark.parametrize(
    ("operation", "which"),
    [(LOGOUT, "access_token"), (LOGOUT, "refresh_token"), (LIST, "access_token"), (REVOKE, "access_token")],
)
async def test_a_forged_bearer_is_refused_like_every_other(rig_of_one_store: Rig, operation: str, which: str) -> None:
    rig = rig_of_one_store
    operator = await rig.mint("token.generate", "session.revoke:any")
    body = {"sub": "alice", "permissions": ["session.revoke:any"]}
    pair: dict[str, Any] = (await rig.post("/v1/token", body, bearer=operator)).json()["data"]
    claims, now = claims_of(pair[which]), rig.clock.freeze()
    forge = rig.forge
    forge.type = "at+jwt" if which == "access_token" else "rt+jwt"
    refusals, tried = set(), 0
    for attacks in (token_attacks(forge, claims), claims_attacks(forge, claims, now=now)):
        for name, token in attacks:
            if name in AROUND:
                continue
            answer = await send(rig, operation, token.encode("utf-8", "surrogatepass"), pair["session_id"])
            assert answer.status_code == 401, name
            refusals.add((repr(answer.json()["error"]), answer.headers["www-authenticate"]))
            tried += 1
    assert tried > 300
    assert len(refusals) == 1
    good = await send(rig, operation, forge.good(claims).encode(), pair["session_id"])
    assert good.status_code == 200, good.text
