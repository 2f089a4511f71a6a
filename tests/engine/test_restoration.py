# SPDX-License-Identifier: Apache-2.0
"""`tessera log reset`: after a restore nothing lives that was opened before it."""

import pytest

from engine.world import OTHER_TENANT, World
from tessera_service.errors import StoreUnavailable
from tessera_service.models import SessionStatus


async def test_every_session_of_every_tenant_ends(world: World) -> None:
    issued = [await world.issue(f"user-{number}") for number in range(3)]
    issued += [await world.issue("user-1"), await world.issue("user-1", tenant_id=OTHER_TENANT)]
    assert await world.engine.restoration.reset() == len(issued)
    for tokens in issued:
        assert not await world.lives(tokens.access_token, tenant_id=None)
        session = await world.session(tokens.session_id)
        assert session.status(world.clock.now()) is SessionStatus.REVOKED
        assert session.revoked_reason == "log_reset"


async def test_what_is_opened_afterwards_lives(world: World) -> None:
    await world.issue("alice")
    await world.engine.restoration.reset()
    again = await world.issue("alice")
    assert await world.lives(again.access_token)
    world.clock.advance(ms=10)
    assert await world.engine.restoration.reset() == 1


async def test_more_sessions_than_a_page_end_too(world: World) -> None:
    caller_free = [await world.issue(f"user-{number}") for number in range(130)]
    assert await world.engine.restoration.reset() == len(caller_free)
    assert await world.engine.restoration.reset() == 0


async def test_sessions_that_are_opened_meanwhile_are_left(world: World) -> None:
    old = await world.issue("alice")
    world.clock.advance(ms=5)
    young = [await world.issue(f"young-{number}") for number in range(3)]
    world.clock.advance(ms=-1)
    assert await world.engine.restoration.reset() == 1
    assert not await world.lives(old.access_token)
    for tokens in young:
        assert await world.lives(tokens.access_token)


async def test_each_log_begins_another_life_and_other_processes_forget_who_lives(world: World) -> None:
    other = await world.start()
    tokens = await world.issue("alice")
    token = await world.service_token("token.introspect")
    for bearer in (tokens.access_token, token):
        await other.tokens.authenticate(bearer, tenant_id=None)
    before = [tail.log_id for tail in other.mirror.tails]
    assert len(other.mirror.table) > 0
    await world.engine.restoration.reset()
    await other.mirror.poll()
    after = [tail.log_id for tail in other.mirror.tails]
    assert set(before).isdisjoint(after)
    assert len(other.mirror.table) == 0
    assert await world.lives(token)  # of a service: no session


async def test_what_breaks_off_is_done_by_the_next_one(world: World) -> None:
    tokens = await world.issue("alice")
    world.sessions.fails = {"revoke_subject"}
    with pytest.raises(StoreUnavailable):
        await world.engine.restoration.reset()
    world.sessions.fails = set()
    assert await world.engine.restoration.reset() == 1
    assert not await world.lives(tokens.access_token)
