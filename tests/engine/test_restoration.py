# SPDX-License-Identifier: Apache-2.0
"""`tessera log reset`: after a restore nothing lives that was opened before it."""

from collections import Counter
from dataclasses import replace

import pytest

from engine.world import OTHER_TENANT, World
from tessera_service.errors import StoreUnavailable
from tessera_service.models import Revocation, Session, SessionStatus
from tessera_service.storage.memory_state import MemoryState


async def test_every_session_of_every_tenant_ends(world: World) -> None:
    issued = [await world.issue(f"user-{number}") for number in range(3)]
    issued += [await world.issue("user-1"), await world.issue("user-1", tenant_id=OTHER_TENANT)]
    assert (await world.engine.restoration.reset()).ended == len(issued)
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
    assert (await world.engine.restoration.reset()).ended == 1


async def test_more_sessions_than_a_page_end_too(world: World) -> None:
    caller_free = [await world.issue(f"user-{number}") for number in range(130)]
    assert (await world.engine.restoration.reset()).ended == len(caller_free)
    assert (await world.engine.restoration.reset()).ended == 0


async def test_sessions_that_are_opened_meanwhile_are_left(world: World) -> None:
    old = await world.issue("alice")
    world.clock.advance(ms=5)
    young = [await world.issue(f"young-{number}") for number in range(3)]
    world.clock.advance(ms=-1)
    assert await world.engine.restoration.reset() == (1, 3)
    assert not await world.lives(old.access_token)
    for tokens in young:
        assert await world.lives(tokens.access_token)


async def test_a_younger_session_of_a_subject_that_has_an_older_one_ends_with_it(world: World) -> None:
    await world.issue("alice")
    world.clock.advance(ms=5)
    young = await world.issue("alice")
    world.clock.advance(ms=-1)
    assert await world.engine.restoration.reset() == (2, 0)
    assert not await world.lives(young.access_token)


@pytest.mark.parametrize(("hours", "lives"), [(23, False), (25, True)])
async def test_what_is_over_by_a_clock_that_is_ahead_ends_too(world: World, hours: int, lives: bool) -> None:
    tokens = await world.issue("alice")
    session = await world.session(tokens.session_id)
    ahead = (session.expires_at - world.clock.now() + hours * 3600) * 1000
    world.clock.advance(ms=ahead)
    await world.engine.restoration.reset()
    world.clock.advance(ms=-ahead)  # back to that of the instances
    assert await world.lives(tokens.access_token) is lives


async def test_each_retained_session_is_looked_at_a_few_times_however_many_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = await world.issue("alice")
    like, store, many = await world.session(tokens.session_id), world.sessions.store, 3000
    for number in range(many):
        user = f"user-{number % 50}" if number % 3 == 0 else f"gone-{number % 50}"
        await store.create(replace(like, session_id=f"s{number}", subject=user, refresh_jti=None))
    for number in range(many):
        if number % 3:
            await store.revoke_session(f"s{number}", revocation=Revocation(like.created_ms, "gone", "alice", 2**33))
    seen, looks = MemoryState.seen, Counter[str]()

    def note(state: MemoryState, session_id: str) -> Session | None:
        looks[session_id] += 1
        return seen(state, session_id)

    monkeypatch.setattr(MemoryState, "seen", note)
    assert await world.engine.restoration.reset() == (many // 3 + 1, 0)
    assert len(looks) == many + 1
    assert max(looks.values()) < 8
    assert max(looks[f"s{number}"] for number in range(many) if number % 3) == 1


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
    assert (await world.engine.restoration.reset()).ended == 1
    assert not await world.lives(tokens.access_token)
