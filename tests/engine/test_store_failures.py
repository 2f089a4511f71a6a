# SPDX-License-Identifier: Apache-2.0
"""A store that fails or hangs is never "inactive" and never a success."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.doubles import Fragile, until
from engine.world import TENANT, MakeWorld, World, claims_of
from tessera_service.errors import StoreUnavailable, Unauthorized
from tessera_service.models import IssuedTokens, IssueRequest

Ask = Callable[[World, IssuedTokens], Awaitable[Any]]


def bearer(world: World, tokens: IssuedTokens) -> Awaitable[Any]:
    return world.engine.tokens.authenticate(tokens.access_token, tenant_id=TENANT)


def introspect(world: World, tokens: IssuedTokens) -> Awaitable[Any]:
    return world.engine.tokens.introspect(tokens.access_token.encode(), tenant_id=TENANT)


def introspect_refresh(world: World, tokens: IssuedTokens) -> Awaitable[Any]:
    return world.engine.tokens.introspect(tokens.refresh_token.encode(), tenant_id=TENANT)


def refresh(world: World, tokens: IssuedTokens) -> Awaitable[Any]:
    return world.engine.tokens.refresh(tokens.refresh_token, tenant_id=TENANT)


ASKED = [bearer, introspect, introspect_refresh, refresh]


@pytest.mark.parametrize("ask", ASKED)
@pytest.mark.parametrize("illness", ["failing", "hanging"])
@pytest.mark.parametrize("memory", ["stale", "empty"])
async def test_what_only_a_sick_store_could_tell_is_unavailable(
    make_world: MakeWorld, ask: Ask, illness: str, memory: str
) -> None:
    world = await make_world()
    tokens = await world.issue()
    if memory == "stale":
        world.engine.mirror.close()
    else:
        world.engine.mirror.table.clear()
    setattr(world.sessions, illness, True)
    with world.impatient(), pytest.raises(StoreUnavailable):
        async with asyncio.timeout(4):
            await ask(world, tokens)
    setattr(world.sessions, illness, False)
    await ask(world, tokens)


@pytest.mark.parametrize("illness", ["failing", "hanging"])
async def test_a_service_token_that_only_a_sick_directory_could_tell_of_is_unavailable(
    make_world: MakeWorld, illness: str
) -> None:
    world = await make_world()
    token = await world.service_token("token.introspect")
    setattr(world.directory, illness, True)
    for ask in (world.introspect, world.who):
        with world.impatient(), pytest.raises(StoreUnavailable):
            await ask(token)


async def test_a_stale_mirror_is_not_asked_but_the_store_is(world: World) -> None:
    other = await world.start()
    dead, alive = await world.issue("alice"), await world.issue("bob")
    for tokens in (dead, alive):
        await other.tokens.authenticate(tokens.access_token, tenant_id=TENANT)
    await world.engine.tokens.revoke_current(await world.who(dead.access_token))
    other.mirror.close()
    with pytest.raises(Unauthorized) as caught:
        await other.tokens.authenticate(dead.access_token, tenant_id=TENANT)
    assert caught.value.reason == "revoked"
    assert await other.tokens.introspect(dead.access_token.encode(), tenant_id=TENANT) == b'{"active":false}'
    assert (await other.tokens.authenticate(alive.access_token, tenant_id=TENANT)).subject == "bob"


@pytest.mark.parametrize("form", ["jti", "subject", "service"])
async def test_with_a_stale_mirror_every_form_of_revocation_is_known_from_the_store(world: World, form: str) -> None:
    other = await world.start()
    tokens, caller = await world.issue("alice"), await world.caller("token.revoke")
    token = tokens.access_token
    if form == "service":
        token = await world.service_token("token.introspect")
    await other.tokens.authenticate(token, tenant_id=TENANT)
    if form == "subject":
        await world.engine.tokens.revoke_subject(caller, "alice")
    else:
        await world.engine.tokens.revoke_jti(caller, claims_of(token)["jti"])
    other.mirror.close()
    with pytest.raises(Unauthorized):
        await other.tokens.authenticate(token, tenant_id=TENANT)


async def test_a_stale_mirror_asks_for_withdrawn_keys_too(world: World) -> None:
    other = await world.start()
    tokens = await world.issue("alice")
    await other.tokens.authenticate(tokens.access_token, tenant_id=TENANT)
    await world.engine.keys.revoke(world.active_kid)
    other.mirror.close()
    world.clock.advance(61)  # the freshness of these tests
    with pytest.raises(Unauthorized):
        await other.tokens.authenticate(tokens.access_token, tenant_id=TENANT)


async def test_a_stale_mirror_and_a_silent_directory_leave_the_keys_unknown(world: World) -> None:
    tokens = await world.issue("alice")
    world.engine.mirror.close()
    world.clock.advance(61)
    world.directory.failing = True
    with pytest.raises(StoreUnavailable):
        await world.who(tokens.access_token)


async def test_what_a_stale_mirror_read_does_not_enter_the_table(world: World) -> None:
    tokens = await world.issue("alice")
    world.engine.mirror.table.clear()
    world.engine.mirror.close()
    assert await world.lives(tokens.access_token)
    assert len(world.engine.mirror.table) == 0


async def test_what_is_forged_or_known_to_be_revoked_needs_no_store(world: World) -> None:
    tokens = await world.issue("alice")
    await world.engine.tokens.revoke_current(await world.who(tokens.access_token))
    world.engine.mirror.close()
    world.sessions.failing = world.directory.failing = True
    for token in (tokens.access_token, tokens.access_token[:-4] + "AAAA", "x"):
        with pytest.raises(Unauthorized):
            await world.who(token)


async def test_lost_state_ends_sessions(world: World) -> None:
    tokens = await world.issue("alice")
    await world.sessions.store.close()
    await world.sessions.store.open()
    await world.engine.mirror.poll()
    assert await world.introspect(tokens.access_token) == {"active": False}
    assert await world.introspect(tokens.refresh_token) == {"active": False}


@pytest.mark.parametrize("sick", ["sessions", "directory"])
async def test_a_hung_store_makes_a_running_process_answer_unavailable_in_time(
    make_world: MakeWorld, sick: str
) -> None:
    world = await make_world(background=True, max_freshness_ms=1000, poll_interval_ms=20)
    tokens, caller = await world.issue("alice"), await world.caller()
    store: Fragile = getattr(world, sick)
    with world.impatient():
        store.hanging = True
        await until(lambda: not world.engine.mirror.is_fresh)
        world.clock.advance(1)  # the keys were confirmed a moment ago
        assert world.engine.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT) is None
        if sick == "sessions":
            with pytest.raises(StoreUnavailable):
                await world.engine.tokens.issue(caller, IssueRequest(TENANT, "alice", "web"))
        with pytest.raises(StoreUnavailable):
            await world.introspect(tokens.access_token)
        with pytest.raises(StoreUnavailable):
            await world.engine.ready()
    store.hanging = False
    await until(lambda: world.engine.mirror.is_fresh)
    assert (await world.introspect(tokens.access_token))["active"] is True
    await world.engine.ready()
