# SPDX-License-Identifier: Apache-2.0
import asyncio
from typing import Any

import pytest

from engine.gateway import LIFETIME, SPAN, THRESHOLD, create, forge_access, validate
from engine.world import MakeWorld, World, claims_of, genuine
from tessera_service.errors import Overloaded, StoreUnavailable, TokenDead
from tessera_service.models import SessionStatus


async def test_outside_the_threshold_nothing_moves(world: World) -> None:
    session, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD - 1)
    found = await validate(world, token)
    assert (found.should_refresh, found.new_token, found.session.expires_at) == (False, None, session.expires_at)
    assert await world.engine.gateway.refresh(token, tenant_id=None) == (token, False)
    assert (await world.session(session.session_id)).newest == session.newest


@pytest.mark.parametrize("left", [THRESHOLD, 1])
async def test_inside_the_threshold_there_is_a_successor_and_the_session_goes_on(world: World, left: int) -> None:
    session, token = await create(world)
    world.clock.advance(SPAN - left)
    found = await validate(world, token)
    now = world.clock.now()

    assert found.should_refresh
    assert found.new_token is not None
    assert genuine(found.new_token, world)
    assert found.session.expires_at == now + SPAN
    said, before = claims_of(found.new_token), claims_of(token)
    assert (said["iat"], said["exp"]) == (now, now + SPAN)
    changing = {"iat", "nbf", "exp", "jti"}
    assert {name for name in before if said[name] != before[name]} == changing
    stored = await world.session(session.session_id)
    assert (stored.expires_at, stored.created_ms) == (now + SPAN, session.created_ms)
    again = await validate(world, found.new_token)
    assert (again.should_refresh, again.session.expires_at) == (False, now + SPAN)


async def test_refresh_gives_the_same_successor_as_validation(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    successor = (await validate(world, token)).new_token
    assert await world.engine.gateway.refresh(token, tenant_id=None) == (successor, True)
    assert await world.engine.gateway.refresh(str(successor), tenant_id=None) == (successor, False)


async def test_the_old_token_lives_to_its_end_and_not_longer(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    successor = (await validate(world, token)).new_token
    world.clock.advance(THRESHOLD - 1)
    assert (await validate(world, token)).new_token == successor
    world.clock.advance(1)
    with pytest.raises(TokenDead) as dead:
        await validate(world, token)
    assert dead.value.reason == "expired"
    await validate(world, str(successor))


async def test_a_session_that_is_remembered_is_extended_by_its_own_duration(world: World) -> None:
    _, token = await create(world, remember_me=True)
    world.clock.advance(604_800 - THRESHOLD)
    assert (await validate(world, token)).session.expires_at == world.clock.now() + 604_800


async def test_after_a_given_first_end_the_session_is_extended_by_its_own_duration(world: World) -> None:
    _, token = await create(world, expires_at=world.clock.now() + 100_000)
    world.clock.advance(100_000 - THRESHOLD - 1)
    assert not (await validate(world, token)).should_refresh
    world.clock.advance(1)
    assert (await validate(world, token)).session.expires_at == world.clock.now() + SPAN


async def test_sliding_never_shortens_a_session(make_world: MakeWorld) -> None:
    world = await make_world(jwt_refresh_threshold=86_400)
    session, token = await create(world, expires_at=world.clock.now() + 80_000)
    found = await validate(world, token)
    assert (found.should_refresh, found.session.expires_at) == (True, session.expires_at)


async def test_without_a_threshold_nothing_slides(make_world: MakeWorld) -> None:
    world = await make_world(jwt_refresh_threshold=0)
    _, token = await create(world)
    world.clock.advance(SPAN - 1)
    assert not (await validate(world, token)).should_refresh


async def test_the_longest_life_is_the_end_of_all_sliding(make_world: MakeWorld) -> None:
    world = await make_world(session_max_lifetime=4000, refresh_token_ttl=4000)
    session, token = await create(world)
    for end in (SPAN - THRESHOLD + SPAN, 4000):
        world.clock.advance(SPAN - THRESHOLD)
        found = await validate(world, token)
        assert found.session.expires_at == session.created_ms // 1000 + end
        token = str(found.new_token)
    assert claims_of(token)["exp"] == session.ends_at
    world.clock.time_ms = session.ends_at * 1000 - 1
    assert not (await validate(world, token)).should_refresh
    assert await world.engine.gateway.refresh(token, tenant_id=None) == (token, False)
    world.clock.advance(ms=1)
    with pytest.raises(TokenDead) as dead:
        await validate(world, token)
    assert dead.value.reason == "expired"
    assert (await world.session(session.session_id)).status(world.clock.now()) is SessionStatus.EXPIRED


async def test_sessions_of_other_surfaces_do_not_slide(world: World) -> None:
    pair = await world.issue("alice")
    world.clock.advance(899)
    assert not (await validate(world, pair.access_token)).should_refresh
    assert await world.engine.gateway.refresh(pair.access_token, tenant_id=None) == (pair.access_token, False)


# One successor


async def test_all_who_come_at_once_get_the_same_successor_for_one_step(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    gateway = world.engine.gateway
    work: list[Any] = [validate(world, token) for _ in range(30)]
    work += [gateway.refresh(token, tenant_id=None) for _ in range(30)]
    found = await asyncio.gather(*work)
    tokens = {one.new_token for one in found[:30]} | {one[0] for one in found[30:]}
    assert len(tokens) == 1
    assert world.sessions.calls.count("slide") == 1


async def test_a_successor_that_was_revoked_is_not_handed_out_again(world: World) -> None:
    _, token = await create(world)
    other = await world.start()
    world.clock.advance(SPAN - THRESHOLD)
    successor = str((await validate(world, token)).new_token)
    caller = await world.caller("token.revoke")
    await world.engine.tokens.revoke_jti(caller, claims_of(successor)["jti"])
    for engine in (world.engine, other):
        gateway = engine.gateway
        assert await gateway.refresh(token, tenant_id=None) == (token, False)
        found = gateway.validate_now(token, tenant_id=None) or await gateway.validate(token, tenant_id=None)
        assert (found.should_refresh, found.new_token) == (False, None)


async def test_the_last_minutes_of_a_token_cost_one_step_of_the_store(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    first = await validate(world, token)
    before = len(world.sessions.calls)
    for _ in range(THRESHOLD - 1):
        world.clock.advance(1)
        now = world.engine.gateway.validate_now(token, tenant_id=None)
        assert now is not None
        assert (now.new_token, now.session.expires_at) == (first.new_token, first.session.expires_at)
    assert len(world.sessions.calls) == before


async def test_every_process_gives_the_same_successor(world: World) -> None:
    await world.start()
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    found = await asyncio.gather(*(validate(world, token, engine=number % 2) for number in range(20)))
    assert len({one.new_token for one in found}) == 1
    assert len({one.session.expires_at for one in found}) == 1


async def test_a_process_that_comes_later_signs_the_same_bytes_again(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    first = await validate(world, token)
    world.clock.advance(THRESHOLD - 1)
    await world.start()
    assert (await validate(world, token, engine=1)).new_token == first.new_token


async def test_a_process_that_knew_the_session_before_shows_its_new_end(world: World) -> None:
    await world.start()
    _, token = await create(world)
    await validate(world, token, engine=1)
    world.clock.advance(SPAN - THRESHOLD)
    successor = str((await validate(world, token)).new_token)
    assert (await validate(world, successor, engine=1)).session.expires_at == world.clock.now() + SPAN


async def test_of_two_successors_the_newest_counts_and_both_live(make_world: MakeWorld) -> None:
    world = await make_world(session_default_expiration=400)
    _, first = await create(world)
    world.clock.advance(100)
    second = str((await validate(world, first)).new_token)
    world.clock.advance(100)
    third = str((await validate(world, second)).new_token)
    assert len({first, second, third}) == 3
    await world.start()
    assert (await validate(world, first, engine=1)).new_token == third
    assert all([await world.lives(token) for token in (first, second, third)])


# What cannot be stored


@pytest.mark.parametrize("failure", ["get", "slide"])
async def test_a_successor_that_cannot_be_stored_is_left_for_later(world: World, failure: str) -> None:
    session, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    world.sessions.fails.add(failure)
    found = await validate(world, token)
    assert (found.should_refresh, found.new_token, found.session.expires_at) == (False, None, session.expires_at)
    with pytest.raises(StoreUnavailable):
        await world.engine.gateway.refresh(token, tenant_id=None)
    world.sessions.fails.clear()
    assert (await validate(world, token)).should_refresh


async def test_a_store_that_hangs_does_not_hold_a_valid_token_up(make_world: MakeWorld) -> None:
    world = await make_world()
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    world.sessions.hanging = True
    with world.impatient():
        found = await asyncio.wait_for(validate(world, token), 20)
    assert not found.should_refresh
    world.sessions.hanging = False  # the end of the world writes what is left


async def test_a_full_queue_leaves_the_session_where_it_was(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world()
    session, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    monkeypatch.setattr(world.engine._pool, "_queue", 0)
    assert not (await validate(world, token)).should_refresh
    with pytest.raises(Overloaded):
        await world.engine.gateway.refresh(token, tenant_id=None)
    assert (await world.session(session.session_id)).newest == session.newest


async def test_a_caller_that_goes_away_leaves_the_successor_to_the_others(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    pause = world.sessions.pause_after("slide")
    gone = asyncio.create_task(validate(world, token))
    await pause.reached.wait()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    waiting = asyncio.create_task(validate(world, token))
    await asyncio.sleep(0)
    pause.go_on.set()
    assert (await waiting).should_refresh
    assert world.sessions.calls.count("slide") == 1


# What ended meanwhile


async def test_a_session_that_was_revoked_elsewhere_is_not_extended(world: World) -> None:
    await world.start()
    session, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    caller = await world.caller()
    await world.engines[1].tokens.revoke_session(caller, session.session_id)  # the first process has not heard of it
    with pytest.raises(TokenDead) as dead:
        await validate(world, token)
    assert dead.value.reason == "inactive"


async def test_a_session_that_ends_as_its_successor_is_made_takes_it_along(world: World) -> None:
    session, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    pause = world.sessions.pause_after("slide")
    asking = asyncio.create_task(validate(world, token))
    await pause.reached.wait()
    await world.engine.tokens.revoke_session(await world.caller(), session.session_id)
    pause.go_on.set()
    successor = (await asking).new_token
    assert not await world.lives(token)
    assert successor is None or not await world.lives(successor)


async def test_a_genuine_token_that_the_store_does_not_know_slides_nothing(world: World) -> None:
    session, _ = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    forged = forge_access(world, session, expires_at=session.expires_at)
    with pytest.raises(TokenDead) as dead:
        await validate(world, forged)
    assert dead.value.reason == "not_found"
    assert (await world.session(session.session_id)).newest == session.newest


async def test_a_successor_that_died_with_its_key_is_replaced(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    fresh = await world.engine.keys.rotate(immediately=True)
    other = await world.start()
    first = await validate(world, token)
    assert claims_of(str(first.new_token))
    await world.engine.keys.revoke(fresh)
    await world.engine.keys.reload()
    await other.keys.reload()
    await world.engine.mirror.poll()
    await other.mirror.poll()
    found = await validate(world, token, engine=1)
    assert found.new_token is not None
    assert found.new_token != first.new_token
    await validate(world, found.new_token, engine=1)


async def test_a_process_forgets_a_successor_that_died_with_its_key(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    fresh = await world.engine.keys.rotate(immediately=True)
    dead = str((await validate(world, token)).new_token)
    await world.engine.keys.revoke(fresh)
    await world.engine.keys.reload()
    await world.engine.mirror.poll()
    found = world.engine.gateway.validate_now(token, tenant_id=None) or await validate(world, token)
    assert found.new_token not in (None, dead)
    await validate(world, str(found.new_token))
    assert await world.engine.gateway.refresh(token, tenant_id=None) == (found.new_token, True)


async def test_the_engine_stops_only_when_a_slide_has_ended(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(SPAN - THRESHOLD)
    pause = world.sessions.pause_after("slide")
    asking = asyncio.create_task(validate(world, token))
    await pause.reached.wait()
    stopping = asyncio.create_task(world.engine.stop())
    await asyncio.sleep(0.01)
    assert not stopping.done()
    pause.go_on.set()
    await stopping
    assert (await asking).should_refresh


async def test_revocations_outlive_the_longest_token_of_a_session(world: World) -> None:
    session, token = await create(world, expires_at=world.clock.now() + LIFETIME)
    await world.engine.gateway.logout(token, tenant_id=None)
    (entry,) = [entry for entry in world.sessions.store._state.log.snapshot() if entry.key == session.session_id]
    assert entry.expires_at >= session.ends_at + 5 + 300


async def test_a_key_outlives_the_longest_token_that_it_signed(world: World) -> None:
    _, token = await create(world, expires_at=world.clock.now() + LIFETIME)
    await world.engine.keys.rotate(immediately=True)
    world.clock.advance(LIFETIME - 1)
    await world.engine.keys.maintain()
    await validate(world, token)
