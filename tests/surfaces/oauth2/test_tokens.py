# SPDX-License-Identifier: Apache-2.0
"""POST /oauth2/introspect and /oauth2/revoke: what is told of a token, and what ends."""

import json
from urllib.parse import quote

import pytest

from attacks import claims_attacks, token_attacks
from surfaces.oauth2.calls import FORM, check_error, introspect, make_client, revoke, send
from surfaces.service_rig import ISSUER, TENANT, Rig
from surfaces.session_token.keys import claims_of, is_valid, open_token
from tessera_service.surfaces.oauth2.operations import INTROSPECT, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

INACTIVE = {"active": False}
MAX_BODY_BYTES = 65_536


async def test_an_access_token_is_told_in_the_words_of_the_standard(shared: Rig) -> None:
    shared.clock.freeze()
    metadata = {"ip_address": "203.0.113.7", "user_agent": "Mozilla/5.0", "device_type": "ios"}
    pair = await shared.issue("alice", scope="read write", permissions=["report.read"], session_metadata=metadata)
    claims = claims_of(pair["access_token"])
    assert await introspect(shared, pair["access_token"]) == {
        "active": True,
        "scope": "read write",
        "client_id": "dx-vas",
        "token_type": "Bearer",
        "exp": shared.clock.now() + 900,
        "iat": shared.clock.now(),
        "sub": "alice",
        "aud": "dx-vas",
        "iss": ISSUER,
        "jti": claims["jti"],
        "tenant_id": TENANT,
        "session_id": pair["session_id"],
        "permissions": ["report.read"],
    }


async def test_a_refresh_token_is_active_and_no_bearer(shared: Rig) -> None:
    pair = await shared.issue("alice", scope="read")
    told = await introspect(shared, pair["refresh_token"])
    assert (told["active"], told["sub"], told["session_id"]) == (True, "alice", pair["session_id"])
    assert "token_type" not in told


async def test_a_service_token_has_no_session_and_an_empty_scope_is_not_told(shared: Rig) -> None:
    told = await introspect(shared, await shared.mint("report.read"))
    assert (told["active"], told["token_type"], told["permissions"]) == (True, "Bearer", ["report.read"])
    assert not {"session_id", "scope"} & set(told)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "pat", "", "x" * 128])
async def test_a_hint_changes_nothing(shared: Rig, hint: str) -> None:
    pair = await shared.issue("alice")
    for token in (pair["access_token"], pair["refresh_token"]):
        assert (await introspect(shared, token, token_type_hint=hint))["active"] is True
    await revoke(shared, pair["refresh_token"], token_type_hint=hint)
    assert await introspect(shared, pair["access_token"], token_type_hint=hint) == INACTIVE


async def test_every_dead_token_is_inactive_and_nothing_more(shared: Rig) -> None:
    revoked, spent = await shared.issue("alice"), await shared.issue("alice")
    await shared.post("/v1/token/revoke", bearer=revoked["access_token"])
    await shared.post("/v1/token/refresh", {"refresh_token": spent["refresh_token"]})
    expiring = await shared.issue("alice")
    dead = [revoked["access_token"], revoked["refresh_token"], spent["refresh_token"], "x", "a.b.c", " ", "\u0436" * 99]
    dead.append(await open_token(shared))
    for token in dead:
        assert await introspect(shared, token) == INACTIVE
    shared.clock.advance(900)
    assert await introspect(shared, expiring["access_token"]) == INACTIVE


async def test_a_revoked_access_token_is_dead_alone(shared: Rig) -> None:
    pair = await shared.issue("alice")
    await revoke(shared, pair["access_token"])
    assert not await shared.is_alive(pair["access_token"])
    assert await shared.is_alive(pair["refresh_token"])


async def test_a_revoked_refresh_token_takes_its_session_along(shared: Rig) -> None:
    pair = await shared.issue("alice")
    await revoke(shared, pair["refresh_token"])
    assert not await shared.is_alive(pair["access_token"])
    answer = await shared.post("/v1/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "auth.session.revoked")


async def test_a_service_token_is_revoked_too(shared: Rig) -> None:
    token = await shared.mint("report.read")
    await revoke(shared, token)
    assert not await shared.is_alive(token)


async def test_to_revoke_again_or_what_is_dead_or_no_token_at_all_is_a_success(shared: Rig) -> None:
    pair = await shared.issue("alice")
    for token in (pair["refresh_token"], pair["refresh_token"], pair["access_token"], "x", "a.b.c", "\u0436"):
        await revoke(shared, token)
    expiring = await shared.issue("alice")
    shared.clock.advance(901)
    await revoke(shared, expiring["access_token"])


async def test_a_session_token_is_not_said_to_be_revoked_while_it_lives(shared: Rig) -> None:
    token, client = await open_token(shared), await make_client(shared)
    check_error(await send(shared, REVOKE, {"token": token}, client=client), 400, "unsupported_token_type")
    assert await is_valid(shared, token)


async def test_forged_tokens_are_inactive_like_every_other_and_revoke_nothing(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    pair = await rig.issue("alice")
    claims, now = claims_of(pair["access_token"]), rig.clock.freeze()
    client = await make_client(rig)
    headers = {"Authorization": client.authorization, "Content-Type": FORM}
    late = {"exp is now", f"exp is {now - 1}", "exp is 1"}  # genuine, and merely expired: revoked as itself
    tried = 0
    for name, token in [*token_attacks(rig.forge, claims), *claims_attacks(rig.forge, claims, now=now)]:
        content = b"token=" + quote(token, errors="surrogatepass").encode()
        tried += 1
        answer = await rig.client.post("/oauth2/introspect", content=content, headers=headers)
        strange = (
            any("\ud800" <= letter <= "\udfff" for letter in token) or len(token.encode("utf-8", "replace")) > 8192
        )
        if strange or not token:
            assert answer.status_code in (400, 413), name
            continue
        assert (answer.status_code, answer.json()) == (200, INACTIVE), name
        if name in late:
            continue
        answer = await rig.client.post("/oauth2/revoke", content=content, headers=headers)
        assert (answer.status_code, answer.content) == (200, b""), name
    assert tried > 300
    assert await rig.is_alive(pair["access_token"])
    assert json.loads((await send(rig, INTROSPECT, {"token": pair["access_token"]}, client=client)).content)["active"]
