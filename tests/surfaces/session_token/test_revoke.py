# SPDX-License-Identifier: Apache-2.0
"""DELETE and POST /session-token/revoke."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from surfaces.service_rig import OTHER_TENANT, TENANT, Rig
from surfaces.session_token.keys import DEAD, REVOKE, REVOKED, claims_of, is_valid, make_key, open_token, send, validate

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOT_VALID = {"status": "failure", "message": "Session token is not valid"}
Call = Callable[[Rig, str, str], Awaitable[httpx.Response]]


async def by_body(rig: Rig, method: str, token: str) -> httpx.Response:
    return await send(rig, REVOKE, {"session_token": token}, method=method)


async def by_header(rig: Rig, method: str, token: str) -> httpx.Response:
    return await send(rig, REVOKE, method=method, headers={"X-Session-Token": token})


async def by_bearer(rig: Rig, method: str, token: str) -> httpx.Response:
    return await send(rig, REVOKE, method=method, headers={"Authorization": f"Bearer {token}"})


async def by_bearer_and_empty_body(rig: Rig, method: str, token: str) -> httpx.Response:
    return await send(rig, REVOKE, {}, method=method, headers={"Authorization": f"bearer {token}"})


async def by_body_and_header(rig: Rig, method: str, token: str) -> httpx.Response:
    return await send(rig, REVOKE, {"session_token": token}, method=method, headers={"X-Session-Token": token})


async def by_body_beside_a_callers_bearer(rig: Rig, method: str, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {await rig.service_bearer()}"}
    return await send(rig, REVOKE, {"session_token": token}, method=method, headers=headers)


WAYS = (by_body, by_header, by_bearer, by_bearer_and_empty_body, by_body_and_header, by_body_beside_a_callers_bearer)


@pytest.mark.parametrize("method", ["DELETE", "POST"])
@pytest.mark.parametrize("call", WAYS)
async def test_every_way_ends_the_token_and_twice_is_a_success(shared: Rig, method: str, call: Call) -> None:
    token = await open_token(shared)
    assert await is_valid(shared, token)
    for _ in range(2):
        answer = await call(shared, method, token)
        assert (answer.status_code, answer.json()) == (200, REVOKED)
        assert answer.headers["cache-control"] == "no-store"
        assert await validate(shared, token) == DEAD


async def test_an_expired_token_is_a_success_at_the_second_of_its_exp(shared: Rig) -> None:
    token = await open_token(shared, duration_seconds=60)
    shared.clock.advance(60)
    assert (await by_body(shared, "DELETE", token)).json() == REVOKED


async def test_one_token_of_a_key_outlives_the_other(shared: Rig) -> None:
    key = await make_key(shared)
    one, other = await open_token(shared, key), await open_token(shared, key)
    await by_body(shared, "DELETE", one)
    assert not await is_valid(shared, one)
    assert await is_valid(shared, other)


async def test_a_token_of_a_disabled_key_is_a_success(shared: Rig) -> None:
    key = await make_key(shared)
    token = await open_token(shared, key)
    await shared.engine.access_keys.disable(key[0])
    assert (await by_body(shared, "DELETE", token)).json() == REVOKED


@pytest.mark.parametrize("token", ["x", "a.b.c", "x" * 8193, "FwoGZXIvYXdzEGoaD...EXAMPLETOKEN"])
@pytest.mark.parametrize("call", [by_body, by_header, by_bearer])
async def test_what_is_no_token_of_ours_is_refused(shared: Rig, call: Call, token: str) -> None:
    answer = await call(shared, "DELETE", token)
    assert (answer.status_code, answer.json()) == (400, NOT_VALID)


async def test_a_forged_token_is_refused_and_ends_nothing(shared: Rig) -> None:
    token = await open_token(shared)
    head, payload, signature = token.split(".")
    forged = ".".join((head, payload, ("A" if signature[0] != "A" else "B") + signature[1:]))
    answer = await by_body(shared, "DELETE", forged)
    assert (answer.status_code, answer.json()) == (400, NOT_VALID)
    assert await is_valid(shared, token)


async def test_two_different_tokens_are_refused_and_neither_ends(shared: Rig) -> None:
    one, other = await open_token(shared), await open_token(shared)
    answer = await send(shared, REVOKE, {"session_token": one}, method="DELETE", headers={"X-Session-Token": other})
    assert (answer.status_code, answer.json()) == (400, NOT_VALID)
    for name in ("X-Session-Token", "Authorization"):
        value = one if name == "X-Session-Token" else f"Bearer {one}"
        answer = await send(shared, REVOKE, method="DELETE", headers=httpx.Headers([(name, value), (name, value)]))
        assert (answer.status_code, answer.json()) == (400, NOT_VALID)
    assert await is_valid(shared, one)
    assert await is_valid(shared, other)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic YTpi"}])
async def test_without_a_token_a_field_is_missing(shared: Rig, headers: dict[str, str]) -> None:
    bodies: list[dict[str, str] | None] = [None, {}]
    for body in bodies:
        answer = await send(shared, REVOKE, body, method="DELETE", headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (400, "A required field is missing")


async def test_another_tenants_header_makes_it_foreign_and_nothing_ends(shared: Rig) -> None:
    token = await open_token(shared)
    for tenant_id in (OTHER_TENANT, "tenant-x", ""):
        answer = await send(
            shared, REVOKE, {"session_token": token}, method="DELETE", headers={"X-Tenant-ID": tenant_id}
        )
        assert (answer.status_code, answer.json()) == (400, NOT_VALID)
    assert await is_valid(shared, token)
    answer = await send(shared, REVOKE, {"session_token": token}, method="DELETE", headers={"X-Tenant-ID": TENANT})
    assert answer.status_code == 200


async def test_the_session_ends_by_its_id_and_by_its_jti_through_the_token_surface_too(shared: Rig) -> None:
    bearer = await shared.service_bearer("token.revoke")
    for subject, name in (("by-sid", "session_id"), ("by-jti", "jti"), ("by-sub", "sub")):
        token = await open_token(shared, await make_key(shared, subject=subject))
        claims = claims_of(token)
        value = {"session_id": claims["sid"], "jti": claims["jti"], "sub": subject}[name]
        assert (await shared.post("/v1/token/revoke", {name: value}, bearer=bearer)).status_code == 204
        assert await validate(shared, token) == DEAD
