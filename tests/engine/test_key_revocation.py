# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from engine.keys import kids, states
from engine.world import World, part
from tessera_service.engine import KeyState
from tessera_service.errors import StoreUnavailable, Unauthorized
from tessera_service.models import Revocation


def _revocation(world: World) -> Revocation:
    return Revocation(at_ms=world.clock.now_ms(), reason="key_revoked", revoked_by="operator", log_expires_at=0)


async def test_revoking_the_active_key_kills_its_tokens_and_another_signs_at_once(world: World) -> None:
    tokens = await world.issue("alice")
    first = world.active_kid
    world.clock.advance(1)
    await world.engine.keys.revoke(first)
    assert first not in kids(world.engine.keys)
    with pytest.raises(Unauthorized):
        await world.who(tokens.access_token)
    assert await world.introspect(tokens.refresh_token) == {"active": False}
    fresh = await world.issue("alice")
    assert part(fresh.access_token, 0)["kid"] == world.active_kid != first
    assert await world.lives(fresh.access_token)
    assert world.directory.store.keys[first].private_pem is None


async def test_revoking_a_waiting_or_retired_key_changes_nothing_else(world: World) -> None:
    first = world.active_kid
    announced = await world.engine.keys.rotate()
    await world.engine.keys.revoke(announced)
    assert (await states(world.engine.keys))[announced] is KeyState.REVOKED
    assert world.active_kid == first
    assert len(world.directory.store.keys) == 2


async def test_revoking_the_active_key_does_not_wait_for_the_announced_one(world: World) -> None:
    first = world.active_kid
    announced = await world.engine.keys.rotate()
    await world.engine.keys.revoke(first)
    assert world.active_kid not in (first, announced)


async def test_an_unknown_kid_cannot_be_revoked_and_a_revoked_one_may_be_again(world: World) -> None:
    with pytest.raises(LookupError):
        await world.engine.keys.revoke("no-such-key")
    first = world.active_kid
    await world.engine.keys.revoke(first)
    signing = world.active_kid
    await world.engine.keys.revoke(first)
    assert world.active_kid == signing


async def test_a_revocation_that_is_not_stored_changes_nothing(world: World) -> None:
    tokens = await world.issue()
    world.directory.fails = {"revoke_signing_key"}
    with pytest.raises(StoreUnavailable):
        await world.engine.keys.revoke(world.active_kid)
    assert await world.lives(tokens.access_token)


async def test_a_revocation_whose_successor_is_not_stored_changes_nothing(world: World) -> None:
    tokens = await world.issue()
    world.directory.fails = {"add_signing_key"}
    with pytest.raises(StoreUnavailable):
        await world.engine.keys.revoke(world.active_kid)
    assert await world.lives(tokens.access_token)


async def test_a_directory_whose_every_key_was_revoked_gets_one_by_the_next_turn(world: World) -> None:
    await world.directory.revoke_signing_key(world.active_kid, revocation=_revocation(world))
    await world.engine.keys.reload()
    with pytest.raises(StoreUnavailable):
        await world.engine.keys.signing()
    await world.engine.keys.maintain()
    assert await world.engine.keys.signing()


async def test_who_hears_of_a_revoked_key_finds_its_successor(world: World) -> None:
    """Else it signs with the key before, and refuses what the successor signed until it looks again."""
    other = await world.start()
    await world.engine.keys.rotate(immediately=True)
    world.clock.advance(1)
    second = world.active_kid
    pause = world.directory.pause_after("revoke_signing_key")
    revoking = asyncio.create_task(world.engine.keys.revoke(second))
    await pause.reached.wait()
    await other.mirror.poll()
    await other.keys.maintain()
    pause.go_on.set()
    await revoking
    assert second not in kids(other.keys)
    assert (await other.keys.signing()).kid == (await world.engine.keys.signing()).kid


async def test_a_reading_older_than_the_log_does_not_bring_a_withdrawn_key_back(world: World) -> None:
    other = await world.start()
    first = world.active_kid
    pause = world.directory.pause_after("list_signing_keys")
    reading = asyncio.create_task(other.keys.reload())
    await pause.reached.wait()
    # As the engine does, but without the new key, which takes time while the reading waits.
    await world.directory.revoke_signing_key(first, revocation=_revocation(world))
    await other.mirror.poll()
    pause.go_on.set()
    await reading
    assert first not in kids(other.keys)
    await world.engine.keys.maintain()
    await other.keys.reload()
    assert world.active_kid in kids(other.keys)
