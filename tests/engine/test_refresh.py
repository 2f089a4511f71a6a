# SPDX-License-Identifier: Apache-2.0
import asyncio
from dataclasses import replace
from typing import Any

import pytest

from engine.doubles import FakeClock
from engine.world import OTHER_TENANT, TENANT, MakeWorld, World, claims_of, genuine
from tessera_service.errors import Overloaded, RefreshInvalid, SessionEnded, SessionNotFound, StoreUnavailable
from tessera_service.models import IssuedTokens, SessionStatus, TokenKind


async def refresh(world: World, token: str, *, tenant_id: str = TENANT, session_id: str | None = None) -> IssuedTokens:
    return await world.engine.tokens.refresh(token, tenant_id=tenant_id, session_id=session_id)


async def invalid(world: World, token: str, **named: Any) -> str:
    """Why the refresh token is invalid; nothing may be spent by asking."""
    with pytest.raises(RefreshInvalid) as caught:
        await refresh(world, token, **named)
    return caught.value.reason


async def test_a_refresh_gives_a_new_pair_of_the_same_session(world: World) -> None:
    first = await world.issue("alice", scope="read", permissions=("user.read",), roles=("teacher",), username="Alice")
    world.clock.advance(60)
    second = await refresh(world, first.refresh_token, session_id=first.session_id)
    before, after = claims_of(first.access_token), claims_of(second.access_token)
    fresh = {"iat", "nbf", "exp", "jti"}
    assert {name: after[name] for name in after.keys() - fresh} == {
        name: before[name] for name in before.keys() - fresh
    }
    assert (after["iat"], after["exp"], second.expires_in) == (world.clock.now(), world.clock.now() + 900, 900)
    assert after["jti"] != before["jti"]
    assert second.session_id == first.session_id
    assert genuine(second.access_token, world)
    assert (await world.who(second.access_token)).subject == "alice"
    session = await world.session(first.session_id)
    assert session.expires_at == world.clock.now() + 2_592_000
    assert session.refresh_jti == claims_of(second.refresh_token)["jti"]


async def test_the_old_access_token_lives_to_its_exp(world: World) -> None:
    first = await world.issue()
    await refresh(world, first.refresh_token)
    assert await world.lives(first.access_token)


async def test_inside_the_grace_the_spent_token_gives_the_same_pair_byte_for_byte(world: World) -> None:
    first = await world.issue()
    second = await refresh(world, first.refresh_token)
    world.clock.advance(ms=9_999)
    again = await refresh(world, first.refresh_token)
    assert (again.access_token, again.refresh_token) == (second.access_token, second.refresh_token)
    assert again.expires_in == claims_of(second.access_token)["exp"] - world.clock.now()


async def test_a_successor_whose_access_token_was_revoked_is_not_handed_out_again(world: World) -> None:
    first = await world.issue()
    second = await refresh(world, first.refresh_token)
    caller = await world.caller("token.revoke")
    await world.engine.tokens.revoke_jti(caller, claims_of(second.access_token)["jti"])
    other = await world.start()
    for engine in (world.engine, other):
        with pytest.raises(SessionEnded) as caught:
            await engine.tokens.refresh(first.refresh_token, tenant_id=TENANT)
        assert caught.value.reason == "revoked"
    third = await refresh(world, second.refresh_token)  # that token was revoked, not its session
    assert await world.lives(third.access_token)


async def test_when_the_grace_is_over_a_spent_token_ends_the_session(world: World) -> None:
    first = await world.issue()
    second = await refresh(world, first.refresh_token)
    world.clock.advance(ms=10_000)
    with pytest.raises(SessionEnded) as caught:
        await refresh(world, first.refresh_token)
    assert caught.value.reason == "revoked"
    session = await world.session(first.session_id)
    assert (session.status(world.clock.now()), session.revoked_reason) == (SessionStatus.REVOKED, "refresh_reuse")
    # This process refuses at once, before any poll.
    for token in (first.access_token, second.access_token):
        assert await world.introspect(token) == {"active": False}
    with pytest.raises(SessionEnded):
        await refresh(world, second.refresh_token)


async def test_a_spent_token_whose_successor_is_spent_is_invalid_and_changes_nothing(world: World) -> None:
    first = await world.issue()
    second = await refresh(world, first.refresh_token)
    third = await refresh(world, second.refresh_token)
    world.clock.advance(ms=9_999)
    assert await invalid(world, first.refresh_token) == "invalid"
    assert (await world.session(first.session_id)).status(world.clock.now()) is SessionStatus.ACTIVE
    again = await refresh(world, second.refresh_token)
    assert (again.access_token, again.refresh_token) == (third.access_token, third.refresh_token)


async def test_an_older_member_of_the_family_after_its_grace_ends_the_session(world: World) -> None:
    first = await world.issue()
    second = await refresh(world, first.refresh_token)
    world.clock.advance(5)
    third = await refresh(world, second.refresh_token)
    world.clock.advance(5)
    with pytest.raises(SessionEnded):
        await refresh(world, first.refresh_token)
    with pytest.raises(SessionEnded):
        await refresh(world, third.refresh_token)


async def test_without_a_grace_the_second_use_ends_the_session(make_world: MakeWorld) -> None:
    world = await make_world(refresh_reuse_grace_ms=0)
    first = await world.issue()
    await refresh(world, first.refresh_token)
    with pytest.raises(SessionEnded):
        await refresh(world, first.refresh_token)


async def test_fifty_at_once_get_one_successor(world: World) -> None:
    first = await world.issue()
    pairs = await asyncio.gather(*(refresh(world, first.refresh_token) for _ in range(50)))
    assert len({(pair.access_token, pair.refresh_token) for pair in pairs}) == 1
    assert len((await world.session(first.session_id)).spent) == 1


async def test_fifty_at_once_in_two_processes_get_one_successor(world: World) -> None:
    other = await world.start()
    first = await world.issue()
    asked = [
        engine.tokens.refresh(first.refresh_token, tenant_id=TENANT, session_id=session_id)
        for engine in (world.engine, other)
        for session_id in (None, first.session_id) * 25
    ]
    pairs = await asyncio.gather(*asked)
    assert len({(pair.access_token, pair.refresh_token) for pair in pairs}) == 1
    assert world.sessions.calls.count("rotate") <= 4  # one flight for each process and form


async def test_one_who_gives_up_does_not_stop_the_others(world: World) -> None:
    first = await world.issue()
    pause = world.sessions.pause_after("rotate")
    impatient = asyncio.create_task(refresh(world, first.refresh_token))
    patient = asyncio.create_task(refresh(world, first.refresh_token))
    await pause.reached.wait()
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    pause.go_on.set()
    assert genuine((await patient).access_token, world)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 9000, "\ud800"])
async def test_what_is_no_token_is_invalid(world: World, token: str) -> None:
    assert await invalid(world, token) == "invalid"


async def test_only_a_refresh_token_refreshes(world: World) -> None:
    tokens = await world.issue()
    for token in (
        tokens.access_token,
        await world.service_token("token.generate"),
        world.forge(TokenKind.SESSION, session_id=tokens.session_id),
        world.forge(TokenKind.REFRESH, session_id=tokens.session_id, typ="at+jwt"),
        world.forge(TokenKind.ACCESS, session_id=tokens.session_id, typ="rt+jwt"),
    ):
        assert await invalid(world, token) == "invalid"
    await refresh(world, tokens.refresh_token)


async def test_an_expired_refresh_token_is_told_as_expired(world: World) -> None:
    tokens = await world.issue()
    world.clock.advance(2_592_000)
    assert await invalid(world, tokens.refresh_token) == "expired"


async def test_in_its_last_second_a_refresh_token_still_works(world: World) -> None:
    tokens = await world.issue()
    world.clock.advance(2_592_000 - 1)
    await refresh(world, tokens.refresh_token)


async def test_another_tenants_token_is_invalid_and_stays_unspent(world: World) -> None:
    tokens = await world.issue()
    assert await invalid(world, tokens.refresh_token, tenant_id=OTHER_TENANT) == "invalid"
    assert (await world.session(tokens.session_id)).spent == ()
    await refresh(world, tokens.refresh_token)


@pytest.mark.parametrize("session_id", ["", "x", "00000000-0000-7000-8000-000000000000"])
async def test_another_session_id_is_invalid_and_spends_nothing(world: World, session_id: str) -> None:
    tokens = await world.issue()
    assert await invalid(world, tokens.refresh_token, session_id=session_id) == "invalid"
    assert (await world.session(tokens.session_id)).spent == ()


async def test_a_token_of_a_session_that_is_not_there_finds_none(world: World) -> None:
    with pytest.raises(SessionNotFound):
        await refresh(world, world.forge(TokenKind.REFRESH))


async def test_a_token_whose_subject_is_not_its_sessions_is_invalid(world: World) -> None:
    tokens = await world.issue("alice")
    forged = world.forge(TokenKind.REFRESH, session_id=tokens.session_id, subject="bob")
    assert await invalid(world, forged) == "invalid"
    assert (await world.session(tokens.session_id)).status(world.clock.now()) is SessionStatus.ACTIVE


@pytest.mark.parametrize(("locked", "reason"), [(False, "revoked"), (True, "inactive")])
async def test_an_ended_session_is_not_refreshed(world: World, locked: bool, reason: str) -> None:
    tokens = await world.issue()
    if locked:
        sessions = world.sessions.store._state.sessions
        sessions[tokens.session_id] = replace(sessions[tokens.session_id], locked=True)
    else:
        await world.engine.tokens.revoke_current(await world.who(tokens.access_token))
    with pytest.raises(SessionEnded) as caught:
        await refresh(world, tokens.refresh_token)
    assert caught.value.reason == reason


async def test_no_refresh_outlives_the_absolute_end(make_world: MakeWorld) -> None:
    world = await make_world(session_max_lifetime=100_000, refresh_token_ttl=90_000)
    first = await world.issue()
    end = world.clock.now() + 100_000
    world.clock.advance(89_999)
    first = await refresh(world, first.refresh_token)
    world.clock.advance(9_801)
    second = await refresh(world, first.refresh_token)
    assert (claims_of(second.refresh_token)["exp"], claims_of(second.access_token)["exp"]) == (end, end)
    assert second.expires_in == 200
    world.clock.advance(200)
    assert await invalid(world, second.refresh_token) == "expired"


async def test_nothing_widens_at_refresh(world: World) -> None:
    first = await world.issue("alice", scope="read", permissions=("user.read",))
    forged = world.forge(
        TokenKind.REFRESH,
        session_id=first.session_id,
        jti=claims_of(first.refresh_token)["jti"],
        change=lambda members: members.update(scope="read write", permissions=["token.revoke"], roles=["admin"]),
    )
    claims = claims_of((await refresh(world, forged)).access_token)
    assert (claims["scope"], claims["permissions"], claims["roles"]) == ("read", ["user.read"], [])


async def test_a_session_revoked_while_a_refresh_is_in_flight_bears_nothing_that_lives(world: World) -> None:
    first = await world.issue()
    caller = await world.who(first.access_token)
    pause = world.sessions.pause_after("get")
    flight = asyncio.create_task(refresh(world, first.refresh_token))
    await pause.reached.wait()
    await world.engine.tokens.revoke_current(caller)
    pause.go_on.set()
    with pytest.raises(SessionEnded):
        await flight


async def test_a_session_revoked_between_rotation_and_answer_is_dead(world: World) -> None:
    first = await world.issue()
    caller = await world.who(first.access_token)
    pause = world.sessions.pause_after("rotate")
    flight = asyncio.create_task(refresh(world, first.refresh_token))
    await pause.reached.wait()
    await world.engine.tokens.revoke_current(caller)
    pause.go_on.set()
    second = await flight
    assert await world.introspect(second.access_token) == {"active": False}
    assert await world.introspect(second.refresh_token) == {"active": False}


async def test_a_full_queue_spends_nothing(make_world: MakeWorld) -> None:
    world = await make_world(signing_queue=1)
    first = await world.issue()
    world.engine._pool._jobs = 1
    with pytest.raises(Overloaded):
        await refresh(world, first.refresh_token)
    world.engine._pool._jobs = 0
    assert (await world.session(first.session_id)).spent == ()


async def test_a_failing_store_is_never_an_invalid_token(world: World) -> None:
    first = await world.issue()
    for step in ("get", "rotate"):
        world.sessions.fails = {step}
        with pytest.raises(StoreUnavailable):
            await refresh(world, first.refresh_token)
    world.sessions.fails = set()
    await refresh(world, first.refresh_token)


async def test_an_answer_that_was_lost_is_had_again(make_world: MakeWorld) -> None:
    world = await make_world()
    first = await world.issue()
    world.sessions.pause_after("rotate")  # done, but the answer never comes
    with world.impatient(2000), pytest.raises(StoreUnavailable):
        await refresh(world, first.refresh_token)
    assert len((await world.session(first.session_id)).spent) == 1
    second = await refresh(world, first.refresh_token)
    await refresh(world, second.refresh_token)


async def test_a_successor_is_signed_with_its_own_key_after_a_rotation(world: World) -> None:
    first = await world.issue()
    second = await refresh(world, first.refresh_token)
    world.clock.advance(1)
    await world.engine.keys.rotate(immediately=True)
    again = await refresh(world, first.refresh_token)
    assert (again.access_token, again.refresh_token) == (second.access_token, second.refresh_token)


async def test_a_successor_by_a_key_that_this_process_has_not_seen_is_signed_all_the_same(world: World) -> None:
    other = await world.start()
    first = await world.issue()
    world.clock.advance(1)
    await other.keys.rotate(immediately=True)
    second = await other.tokens.refresh(first.refresh_token, tenant_id=TENANT)
    again = await refresh(world, first.refresh_token)
    assert (again.access_token, again.refresh_token) == (second.access_token, second.refresh_token)


async def test_a_successor_whose_key_was_revoked_is_gone(world: World) -> None:
    first_kid = world.active_kid
    first = await world.issue()
    world.clock.advance(1)
    await world.engine.keys.rotate(immediately=True)
    await refresh(world, first.refresh_token)
    kid = world.active_kid
    assert kid != first_kid
    await world.engine.keys.revoke(kid)
    assert await invalid(world, first.refresh_token) == "invalid"


async def test_whose_refresh_token_it_is_is_told_without_a_store(world: World) -> None:
    tokens = await world.issue("alice")
    world.sessions.failing = world.directory.failing = True
    identify = world.engine.tokens.identify_refresh
    assert await identify(tokens.refresh_token, tenant_id=TENANT) == (TENANT, "alice")
    assert await identify(tokens.refresh_token, tenant_id=None) == (TENANT, "alice")
    assert await identify(tokens.refresh_token, tenant_id=OTHER_TENANT) is None
    assert await identify(tokens.access_token, tenant_id=TENANT) is None
    assert await identify("x", tenant_id=TENANT) is None
    world.clock.advance(2_592_000)
    assert await identify(tokens.refresh_token, tenant_id=TENANT) is None


async def test_two_processes_with_clocks_apart_agree_on_the_store(world: World) -> None:
    slow = await world.start(clock=FakeClock(world.clock.now_ms() - 2000))
    first = await world.issue()
    second = await refresh(world, first.refresh_token)
    again = await slow.tokens.refresh(first.refresh_token, tenant_id=TENANT)
    assert again.refresh_token == second.refresh_token
