# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, World, claims_of, part
from tessera_service.errors import InvalidInput, StoreUnavailable, TokenTooLarge, Unauthorized, UnknownTenant


async def mint(world: World, **changes: Any) -> str:
    named: dict[str, Any] = {
        "tenant_id": TENANT,
        "subject": "gateway",
        "permissions": ["token.introspect"],
        "ttl_seconds": 3600,
    }
    return await world.engine.service_tokens.mint(**(named | changes))


async def test_a_service_token_is_an_access_token_without_a_session(world: World) -> None:
    token = await mint(world, client_id="edge", permissions=["a", "b", "a"])
    claims = claims_of(token)
    now = world.clock.now()
    assert part(token, 0)["typ"] == "at+jwt"
    assert claims == {
        "iss": "https://tokens.example",
        "sub": "gateway",
        "aud": "dx-vas",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "jti": claims["jti"],
        "tenant_id": TENANT,
        "token_type": "service",
        "client_id": "edge",
        "scope": "",
        "permissions": ["a", "b"],
    }


async def test_its_record_says_the_same_and_rules(world: World) -> None:
    token = await mint(world, all_tenants=True)
    (record,) = await world.engine.service_tokens.list(TENANT)
    assert (record.jti, record.all_tenants, record.expires_at) == (
        claims_of(token)["jti"],
        True,
        world.clock.now() + 3600,
    )
    assert await world.engine.service_tokens.list(OTHER_TENANT) == []
    assert [other.jti for other in await world.engine.service_tokens.list()] == [record.jti]


async def test_it_dies_with_its_record_and_at_the_second_of_its_exp(world: World) -> None:
    token = await mint(world)
    world.clock.advance(3599)
    assert await world.lives(token)
    world.clock.advance(1)
    with pytest.raises(Unauthorized) as caught:
        await world.who(token)
    assert caught.value.reason == "expired"


async def test_a_purged_record_ends_it(world: World) -> None:
    token = await mint(world)
    world.directory.store.service_tokens.clear()
    assert not await world.lives(token)


async def test_revoking_it_is_known_at_once_and_twice_a_success(world: World) -> None:
    token = await mint(world)
    assert await world.lives(token)
    for _ in range(2):
        assert await world.engine.service_tokens.revoke(claims_of(token)["jti"]) is True
        with pytest.raises(Unauthorized) as caught:
            world.engine.tokens.authenticate_now(token, tenant_id=TENANT)
        assert caught.value.reason == "revoked"
    assert await world.engine.service_tokens.revoke("unknown") is False


async def test_an_all_tenants_token_is_still_of_its_own_tenant(world: World) -> None:
    token = await mint(world, all_tenants=True)
    assert (await world.who(token, tenant_id=None)).tenant_id == TENANT


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ttl_seconds": 0}, "ttl"),
        ({"ttl_seconds": -1}, "ttl"),
        ({"ttl_seconds": 2_592_001}, "ttl"),
        ({"subject": ""}, "subject"),
        ({"subject": "a b"}, "subject"),
        ({"subject": "x" * 129}, "subject"),
        ({"subject": "ä"}, "subject"),
        ({"client_id": "a\n"}, "client_id"),
        ({"permissions": ["a b"]}, "permission"),
        ({"permissions": [""]}, "permission"),
        ({"permissions": ["x" * 65]}, "permission"),
        ({"permissions": ["a"] * 65}, "permission"),
    ],
)
async def test_bad_values_are_named_and_nothing_is_minted(world: World, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await mint(world, **changes)
    assert caught.value.field == field
    assert world.directory.store.service_tokens == {}


async def test_the_longest_time_is_that_of_a_refresh_token(world: World) -> None:
    assert claims_of(await mint(world, ttl_seconds=2_592_000))["exp"] == world.clock.now() + 2_592_000


async def test_an_unknown_tenant_gets_no_token(world: World) -> None:
    with pytest.raises(UnknownTenant):
        await mint(world, tenant_id=OTHER_TENANT)


async def test_a_token_over_4_kib_is_refused(world: World) -> None:
    with pytest.raises(TokenTooLarge):
        await mint(world, permissions=[f"{index:02}{'a' * 62}" for index in range(64)])


async def test_a_token_whose_record_is_not_stored_is_not_handed_out(world: World) -> None:
    world.directory.fails = {"add_service_token"}
    with pytest.raises(StoreUnavailable):
        await mint(world)
