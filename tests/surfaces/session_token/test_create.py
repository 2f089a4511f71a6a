# SPDX-License-Identifier: Apache-2.0
"""POST /session-token/create."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import tessera
from surfaces.service_rig import ISSUER, OTHER_TENANT, TENANT, Rig
from surfaces.session_token.keys import (
    CREATE,
    UNKNOWN_ID,
    WRONG_SECRET,
    create,
    is_valid,
    make_key,
    open_token,
    send,
)
from tessera_service.models import SessionStatus

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG_PAIR = {"status": "failure", "message": "Access key or secret is not valid"}


async def verify(rig: Rig, token: str) -> dict[str, Any]:
    """The claims, as a stranger with the published keys sees them."""
    keys = tessera.KeySet.from_jwks((await rig.client.get("/.well-known/jwks.json")).content)
    policy = tessera.Policy(issuer=ISSUER, audience="dx-vas", types=["st+jwt"])
    return tessera.Verifier(keys, policy).verify(token, now=rig.clock.now())


def check_wrong_pair(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()) == (401, WRONG_PAIR)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_key_is_exchanged_for_a_token_that_any_verifier_accepts(shared: Rig) -> None:
    shared.clock.freeze()
    answer = await create(shared, await make_key(shared), duration_seconds=900)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"status", "session_token"}
    assert set(body["session_token"]) == {"token", "expires_at"}
    assert body["status"] == "success"
    claims, now = await verify(shared, body["session_token"]["token"]), shared.clock.now()
    assert claims["exp"] == now + 900
    assert body["session_token"]["expires_at"] == datetime.fromtimestamp(now + 900, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (claims["sub"], claims["tenant_id"], claims["token_type"]) == ("alice", TENANT, "session")


@pytest.mark.parametrize("seconds", [60, 61, 3600, 129_599, 129_600])
async def test_a_duration_within_the_bounds_is_kept_to_the_second(shared: Rig, seconds: int) -> None:
    now = shared.clock.freeze()
    token = await open_token(shared, duration_seconds=seconds)
    assert (await verify(shared, token))["exp"] == now + seconds
    shared.clock.advance(seconds - 1)
    assert await is_valid(shared, token)
    shared.clock.advance(1)
    assert not await is_valid(shared, token)


async def test_without_a_duration_it_is_an_hour(shared: Rig) -> None:
    now = shared.clock.freeze()
    assert (await verify(shared, await open_token(shared)))["exp"] == now + 3600


@pytest.mark.parametrize(
    "seconds", [59, 129_601, 0, -1, -60, 10**30, 3600.0, 3600.5, "3600", True, None, [3600], {"s": 3600}]
)
async def test_any_other_duration_is_refused_and_never_clamped(shared: Rig, seconds: object) -> None:
    answer = await create(shared, await make_key(shared), duration_seconds=seconds)
    assert (answer.status_code, answer.json()) == (400, {"status": "failure", "message": "The request is not valid"})


async def test_every_wrong_pair_is_answered_alike(shared: Rig) -> None:
    key_id, secret = await make_key(shared)
    other_id, other_secret = await make_key(shared)
    wrong = [
        *((key_id, WRONG_SECRET), (UNKNOWN_ID, WRONG_SECRET), (UNKNOWN_ID, secret), (key_id, other_secret)),
        *((other_id, secret), (key_id, secret[:-1]), (key_id, secret + "A"), (key_id, ""), ("", secret), ("", "")),
        *((secret, key_id), (key_id.lower(), secret), (f" {key_id}", secret), (key_id + "\0", secret), ("ж", "ж")),
        (key_id, ("A" if secret[0] != "A" else "B") + secret[1:]),
    ]
    for pair in wrong:
        check_wrong_pair(await create(shared, pair))


async def test_a_disabled_key_opens_nothing_and_a_rotated_one_with_its_new_secret_only(shared: Rig) -> None:
    key_id, secret = await make_key(shared)
    new = await shared.engine.access_keys.rotate(key_id)
    assert new is not None
    check_wrong_pair(await create(shared, (key_id, secret)))
    assert (await create(shared, (key_id, new))).status_code == 200
    await shared.engine.access_keys.disable(key_id)
    check_wrong_pair(await create(shared, (key_id, new)))


async def test_a_key_is_dead_under_another_tenants_header(shared: Rig) -> None:
    key_id, secret = await make_key(shared)
    body = {"access_key_id": key_id, "secret_access_key": secret}
    assert (await send(shared, CREATE, body, headers={"X-Tenant-ID": TENANT})).status_code == 200
    for tenant_id in (OTHER_TENANT, "tenant-x", "", "tenant a", TENANT.upper(), "x" * 300):
        check_wrong_pair(await send(shared, CREATE, body, headers={"X-Tenant-ID": tenant_id}))
    doubled = httpx.Headers([("X-Tenant-ID", TENANT), ("X-Tenant-ID", TENANT)])
    check_wrong_pair(await send(shared, CREATE, body, headers=doubled))


async def test_a_key_of_any_tenant_works_without_a_header_in_its_own(shared: Rig) -> None:
    token = await open_token(shared, await make_key(shared, tenant_id=OTHER_TENANT))
    assert (await verify(shared, token))["tenant_id"] == OTHER_TENANT


async def test_its_session_is_one_like_all_others(shared: Rig) -> None:
    key = await make_key(shared, subject="sessions-of-keys")
    token = await open_token(shared, key)
    session = await shared.stores[1].get((await verify(shared, token))["sid"])
    assert (session.surface, session.subject, session.access_key_id) == ("session_token", "sessions-of-keys", key[0])
    assert session.status(shared.clock.now()) is SessionStatus.ACTIVE
