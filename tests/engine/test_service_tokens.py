# SPDX-License-Identifier: Apache-2.0
import asyncio
from dataclasses import replace
from typing import Any

import pytest

from engine.people import Step, add, disable, enable, lock, unlock
from engine.world import OTHER_TENANT, TENANT, World, claims_of, part
from tessera_service.engine import UserChange
from tessera_service.errors import (
    Forbidden,
    InvalidInput,
    StoreUnavailable,
    TokenTooLarge,
    Unauthorized,
    UnknownTenant,
)
from tessera_service.models import EventType, UserStatus


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


# Tokens whose subject is a user

STOPS = [lock, disable]


@pytest.mark.parametrize("stop", STOPS)
async def test_it_ends_with_the_user_that_it_was_minted_for(world: World, stop: Step) -> None:
    user = await add(world)
    token = await mint(world, subject=user.user_id)
    assert await world.lives(token)
    await stop(world.engine, user.user_id)
    with pytest.raises(Unauthorized) as caught:
        await world.who(token)
    assert caught.value.reason == "revoked"
    assert await world.introspect(token) == {"active": False}


async def test_it_ends_with_a_user_that_is_deleted(world: World) -> None:
    user = await add(world)
    token = await mint(world, subject=user.user_id)
    assert await world.engine.users.delete(TENANT, user.user_id)
    assert not await world.lives(token)
    (record,) = await world.engine.service_tokens.list(TENANT)
    assert record.revoked_at == world.clock.now()


@pytest.mark.parametrize(("stop", "resume"), [(lock, unlock), (disable, enable)])
async def test_it_stays_ended_when_its_user_may_sign_in_again(world: World, stop: Step, resume: Step) -> None:
    user = await add(world)
    token = await mint(world, subject=user.user_id)
    await stop(world.engine, user.user_id)
    await resume(world.engine, user.user_id)
    assert not await world.lives(token)
    assert await world.lives(await mint(world, subject=user.user_id))


async def test_the_end_of_its_user_reaches_another_process_with_its_next_poll(world: World) -> None:
    user = await add(world)
    token = await mint(world, subject=user.user_id)
    other = await world.start()
    assert (await other.tokens.authenticate(token, tenant_id=TENANT)).subject == user.user_id
    await lock(world.engine, user.user_id)
    await other.mirror.poll()
    with pytest.raises(Unauthorized):
        other.tokens.authenticate_now(token, tenant_id=TENANT)


async def test_a_lock_while_its_record_is_being_read_is_not_lost(world: World) -> None:
    user = await add(world)
    token = await mint(world, subject=user.user_id)
    pause = world.directory.pause_after("get_user")
    asking = asyncio.create_task(world.who(token))
    await pause.reached.wait()
    await lock(world.engine, user.user_id)
    pause.go_on.set()
    await asking  # it was asked before
    assert not await world.lives(token)


async def test_one_that_a_release_before_left_alive_is_dead_and_stays_so(world: World) -> None:
    user = await add(world)
    token = await mint(world, subject=user.user_id)
    world.directory.store.users[TENANT, user.user_id] = replace(user, status=UserStatus.LOCKED)
    assert not await world.lives(token)
    await unlock(world.engine, user.user_id)
    assert not await world.lives(token)


async def test_the_end_of_a_user_is_told_of_each_of_its_tokens(world: World) -> None:
    user = await add(world)
    jtis = {claims_of(await mint(world, subject=user.user_id))["jti"] for _ in range(2)}
    await lock(world.engine, user.user_id)
    rows = world.directory.store.outbox.read(after=0, limit=100)
    told = [row.event for row in rows if row.event.type is EventType.REVOKED]
    assert {event.data["jti"] for event in told} == jtis
    assert {event.data["revoked_reason"] for event in told} == {"user_locked"}


async def test_what_ends_sessions_alone_leaves_service_tokens(world: World) -> None:
    user = await add(world)
    token = await mint(world, subject=user.user_id, permissions=["token.revoke"])
    await world.issue(user.user_id)
    await world.engine.users.set_password(TENANT, user.user_id, "another horse battery")
    await world.engine.users.set(TENANT, user.user_id, UserChange(permissions=("doc.read",)))
    await world.engine.tokens.revoke_subject(await world.who(token), user.user_id)
    assert await world.lives(token)


async def test_a_subject_that_is_no_user_of_the_tenant_is_nobodys_to_end(world: World) -> None:
    user = await add(world)
    elsewhere = await world.service_token(tenant_id=OTHER_TENANT, subject=user.user_id)
    named_alike = await mint(world, subject="alice")
    await lock(world.engine, user.user_id)
    assert await world.lives(named_alike)
    assert await world.lives(elsewhere, tenant_id=OTHER_TENANT)


@pytest.mark.parametrize("stop", STOPS)
async def test_a_user_that_is_not_active_gets_none(world: World, stop: Step) -> None:
    user = await add(world)
    await stop(world.engine, user.user_id)
    with pytest.raises(Forbidden):
        await mint(world, subject=user.user_id)
    assert world.directory.store.service_tokens == {}
