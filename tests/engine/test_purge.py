# SPDX-License-Identifier: Apache-2.0
import pytest

from engine.world import TENANT, MakeWorld, World
from tessera_service.errors import StoreUnavailable
from tessera_service.models import IssuedTokens

RETENTION = 2_592_000


async def purge(world: World) -> None:
    """A turn whose clock went evenly since the last."""
    turns = world.engine._purge
    turns._boottime_ns = lambda: world.clock.now_ms() * 1_000_000
    turns._last = None
    await turns.run()
    await turns.run()


async def held(world: World, session_id: str) -> bool:
    return await world.sessions.store.get(session_id) is not None


async def test_an_ended_session_is_kept_for_its_retention(world: World) -> None:
    tokens = await world.issue("alice")
    await world.engine.tokens.revoke_session(await world.caller("token.revoke"), tokens.session_id)
    world.clock.advance(RETENTION - 1)
    await purge(world)
    assert await held(world, tokens.session_id)
    world.clock.advance(1)
    await purge(world)
    assert not await held(world, tokens.session_id)


async def test_retention_is_never_shorter_than_tokens_can_live(make_world: MakeWorld) -> None:
    world = await make_world(session_retention=1)
    tokens = await world.issue("alice")
    await world.engine.tokens.revoke_session(await world.caller("token.revoke"), tokens.session_id)
    world.clock.advance(RETENTION - 1)
    await purge(world)
    assert await held(world, tokens.session_id)
    assert await world.introspect(tokens.refresh_token) == {"active": False}


async def test_a_live_session_is_never_purged(world: World) -> None:
    tokens = await world.issue("alice")
    world.clock.advance(RETENTION - 1)
    await purge(world)
    assert (await world.introspect(tokens.refresh_token))["active"] is True


async def test_log_entries_go_when_what_they_kill_is_dead_with_a_margin(world: World) -> None:
    tokens = [await world.issue("alice") for _ in range(2)]
    caller = await world.caller("token.revoke")
    for pair in tokens:
        await world.engine.tokens.revoke_token(caller, pair.access_token)
    log = world.sessions.store._state.log
    world.clock.advance(900 + 5 + 300 - 1)
    await purge(world)
    assert len(log.snapshot()) == 2
    assert len(world.engine.mirror.revocations) == 2
    world.clock.advance(1)
    await purge(world)
    assert len(log.snapshot()) == 1  # never the newest: readers hold it
    assert len(world.engine.mirror.revocations) == 0


async def test_dead_service_tokens_are_purged_from_the_directory(world: World) -> None:
    await world.service_token("token.introspect")
    world.clock.advance(86_400)
    await purge(world)
    assert world.directory.store.service_tokens == {}


async def test_more_than_one_step_removes_goes_in_one_turn(world: World) -> None:
    for _ in range(7):
        await world.service_token("token.introspect")
    world.clock.advance(86_400)
    purge_some = world.directory.store.purge_directory
    world.directory.store.purge_directory = lambda *, now: purge_some(now=now, limit=2)
    await purge(world)
    assert world.directory.store.service_tokens == {}


async def test_a_failing_store_is_told_to_whoever_logs_it(world: World) -> None:
    world.sessions.fails = {"purge"}
    with pytest.raises(StoreUnavailable):
        await purge(world)


# A clock that jumps


class Boottime:
    """The time since the machine started, which nobody sets."""

    def __init__(self) -> None:
        self.time_ns = 1_000_000_000

    def __call__(self) -> int:
        return self.time_ns

    def advance(self, seconds: float) -> None:
        self.time_ns += round(seconds * 1_000_000_000)


async def revoked_in(world: World) -> tuple[IssuedTokens, Boottime]:
    """A pair with a revoked access token, long before the next turn of the purge."""
    boottime = Boottime()
    world.engine._purge._boottime_ns = boottime
    await world.engine._purge.run()
    pairs = [await world.issue("alice") for _ in range(2)]
    caller = await world.caller("token.revoke")
    for pair in pairs:
        await world.engine.tokens.revoke_token(caller, pair.access_token)
    return pairs[0], boottime


async def test_what_was_revoked_stays_so_when_the_clock_was_ahead_for_one_turn(world: World) -> None:
    pair, boottime = await revoked_in(world)
    world.clock.advance(3600 + 600)
    boottime.advance(600)
    await world.engine._purge.run()
    world.clock.advance(-3600)
    for engine in (world.engine, await world.start()):
        answer = await engine.tokens.introspect(pair.access_token.encode(), tenant_id=TENANT)
        assert answer == b'{"active":false}'


async def test_the_first_turn_after_a_start_removes_nothing(world: World) -> None:
    pair, _ = await revoked_in(world)
    world.clock.advance(3600)
    restarted = await world.start()
    await restarted._purge.run()
    world.clock.advance(-3600)
    assert await world.introspect(pair.access_token) == {"active": False}
    assert len(world.sessions.store._state.log.snapshot()) == 2


@pytest.mark.parametrize(("ahead", "left"), [(-61, 2), (-60, 1), (60, 1), (61, 2)])
async def test_a_turn_is_left_out_when_the_clock_went_more_than_a_minute_astray(
    world: World, ahead: int, left: int
) -> None:
    _, boottime = await revoked_in(world)
    world.clock.advance(7200 + ahead)
    boottime.advance(7200)
    await world.engine._purge.run()
    assert len(world.sessions.store._state.log.snapshot()) == left
    world.clock.advance(600)
    boottime.advance(600)
    await world.engine._purge.run()
    assert len(world.sessions.store._state.log.snapshot()) == 1  # the next turn goes by this one


async def test_events_go_after_their_retention_delivered_or_not(make_world: MakeWorld) -> None:
    world = await make_world(outbox_retention=3600)
    await world.issue("alice")
    world.clock.advance(3600)
    await purge(world)
    assert (await world.sessions.store.outbox_size()).rows == 1
    world.clock.advance(1)
    await purge(world)
    assert (await world.sessions.store.outbox_size()).rows == 0
