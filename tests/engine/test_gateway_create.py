# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from engine.gateway import LIFETIME, SPAN, create, validate
from engine.world import OTHER_TENANT, TENANT, MakeWorld, World, claims_of
from tessera_service.errors import (
    Forbidden,
    InvalidInput,
    Overloaded,
    SessionLimitReached,
    StoreUnavailable,
    TokenDead,
    TokenTooLarge,
)
from tessera_service.models import SessionStatus


async def test_a_session_is_what_the_gateway_says_and_its_token_says_the_same(world: World) -> None:
    session, token = await create(world, "alice", username="Alice A.", role_name="admin", permissions=("read", "write"))
    now = world.clock.now()

    assert (session.tenant_id, session.subject, session.username) == (TENANT, "alice", "Alice A.")
    assert (session.roles, session.permissions) == (("admin",), ("read", "write"))
    assert (session.surface, session.auth_method, session.client_id) == ("gateway", "gateway", "dx-vas")
    assert (session.expires_at, session.ends_at, session.span_seconds) == (now + SPAN, now + LIFETIME, SPAN)
    assert (session.created_ms, session.last_activity_ms) == (world.clock.now_ms(), world.clock.now_ms())
    said = claims_of(token)
    assert (said["sub"], said["sid"], said["tenant_id"]) == ("alice", session.session_id, TENANT)
    assert (said["token_type"], said["iat"], said["exp"]) == ("access", now, now + SPAN)
    assert (said["roles"], said["permissions"], said["username"]) == (["admin"], ["read", "write"], "Alice A.")
    assert session.newest is not None
    assert (session.newest.jti, session.refresh_jti) == (said["jti"], None)


async def test_a_session_that_is_remembered_lasts_longer(world: World) -> None:
    session, token = await create(world, remember_me=True)

    assert (session.span_seconds, session.expires_at) == (604_800, world.clock.now() + 604_800)
    assert claims_of(token)["exp"] == session.expires_at


@pytest.mark.parametrize("remember", [False, True])
async def test_a_given_end_counts_for_the_first_span_only(world: World, remember: bool) -> None:
    end = world.clock.now() + 700
    session, token = await create(world, expires_at=end, remember_me=remember)

    assert (session.expires_at, claims_of(token)["exp"]) == (end, end)
    assert session.span_seconds == (604_800 if remember else SPAN)


@pytest.mark.parametrize("ago", [0, 1, 10**9])
async def test_an_end_that_is_over_is_refused(world: World, ago: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        await create(world, expires_at=world.clock.now() - ago)
    assert (refused.value.field, refused.value.missing) == ("expires_at", False)
    assert await create(world, expires_at=world.clock.now() + 1)


@pytest.mark.parametrize("beyond", [0, 1, 10**9])
async def test_an_end_beyond_the_longest_life_is_clamped(world: World, beyond: int) -> None:
    last = world.clock.now() + LIFETIME
    session, token = await create(world, expires_at=last + beyond)
    assert (session.expires_at, claims_of(token)["exp"]) == (last, last)
    session, _ = await create(world, expires_at=last - 1)
    assert session.expires_at == last - 1


async def test_spans_longer_than_the_longest_life_are_clamped(make_world: MakeWorld) -> None:
    world = await make_world(session_max_lifetime=3_000_000, session_remember_me_expiration=4_000_000)
    session, _ = await create(world, remember_me=True)
    assert session.expires_at == session.ends_at == world.clock.now() + 3_000_000


@pytest.mark.parametrize("name", ["token.revoke", "session.read:any", "auth.login"])
async def test_permissions_of_the_service_are_handed_on_by_holders_only(world: World, name: str) -> None:
    with pytest.raises(Forbidden):
        await create(world, permissions=("read", name))
    session, token = await create(world, permissions=("read", name), held=(name,))
    assert session.permissions == ("read", name)
    assert (await world.who(token)).permissions == {"read", name}


async def test_a_token_over_4_kib_is_refused_and_nothing_is_stored(world: World) -> None:
    with pytest.raises(TokenTooLarge):
        await create(world, permissions=tuple(f"{number:064}" for number in range(64)))
    assert (await world.engine.gateway.stats(TENANT)).total == 0


@pytest.mark.parametrize("failure", ["failing", "hanging"])
async def test_a_store_that_fails_makes_no_session(make_world: MakeWorld, failure: str) -> None:
    world = await make_world()
    setattr(world.sessions, failure, True)
    with world.impatient(), pytest.raises(StoreUnavailable):
        await create(world)


async def test_a_full_queue_makes_no_session(make_world: MakeWorld) -> None:
    world = await make_world(signing_queue=0)
    with pytest.raises(Overloaded):
        await create(world)
    assert "create_limited" not in world.sessions.calls


async def test_a_new_session_needs_no_reading(world: World) -> None:
    _, token = await create(world)
    before = list(world.sessions.calls)
    assert world.engine.gateway.validate_now(token, tenant_id=None) is not None
    assert world.sessions.calls == before


# The limit


async def test_the_fifth_session_evicts_none_and_the_sixth_the_least_recently_used(world: World) -> None:
    made = []
    for _ in range(5):
        made.append(await create(world))
        world.clock.advance(1)
    for _, token in (made[0], made[2], made[1], made[4]):  # the fourth is the one that was not used
        await validate(world, token)
        world.clock.advance(1)
    _, sixth = await create(world)

    with pytest.raises(TokenDead) as dead:
        await validate(world, made[3][1])
    assert dead.value.reason == "inactive"
    for _, token in (*made[:3], made[4]):
        await validate(world, token)
    await validate(world, sixth)
    evicted = await world.session(made[3][0].session_id)
    assert (evicted.revoked_reason, evicted.revoked_by) == ("concurrent_limit", "edge")
    assert evicted.status(world.clock.now()) is SessionStatus.REVOKED


async def test_of_sessions_that_were_used_at_the_same_time_the_lowest_id_is_evicted(world: World) -> None:
    made = [(await create(world))[0].session_id for _ in range(6)]
    evicted = [key for key in made if (await world.session(key)).revoked_reason]
    assert evicted == [min(made)]


async def test_the_use_of_this_process_counts_before_it_was_written(world: World) -> None:
    first, *_ = [await create(world) for _ in range(5)]
    world.clock.advance(ms=1)
    await validate(world, first[1])
    await create(world)
    assert (await world.session(first[0].session_id)).revoked_ms is None


async def test_sessions_of_others_are_not_counted(world: World) -> None:
    await world.engine.tenants.add(OTHER_TENANT)
    made = [await create(world) for _ in range(5)]
    await create(world, "bob")
    await create(world, "alice", tenant_id=OTHER_TENANT)
    await world.issue("alice")
    for _, token in made:
        await validate(world, token)


async def test_sessions_that_are_over_are_not_counted(world: World) -> None:
    ended = [await create(world, expires_at=world.clock.now() + 10), *[await create(world) for _ in range(4)]]
    world.clock.advance(10)
    await create(world)
    for _, token in ended[1:]:
        await validate(world, token)


async def test_every_surface_is_counted_where_that_is_wanted(make_world: MakeWorld) -> None:
    world = await make_world(session_limit_scope="all")
    pair = await world.issue("alice")
    world.clock.advance(1)
    for _ in range(5):
        await create(world)
    assert not await world.lives(pair.access_token)


async def test_the_limit_may_refuse_instead(make_world: MakeWorld) -> None:
    world = await make_world(session_limit_policy="reject", session_max_concurrent=2)
    made = [await create(world), await create(world)]
    with pytest.raises(SessionLimitReached):
        await create(world)
    for _, token in made:
        await validate(world, token)
    await world.engine.gateway.logout(made[0][1], tenant_id=None)
    assert await create(world)


async def test_a_limit_of_one_leaves_the_newest(make_world: MakeWorld) -> None:
    world = await make_world(session_max_concurrent=1)
    tokens = [(await create(world))[1] for _ in range(3)]
    assert [await world.lives(token) for token in tokens] == [False, False, True]


async def test_creations_at_the_same_time_never_leave_more_than_the_limit(world: World) -> None:
    other = await world.start()
    for round_number in range(20):
        subject = f"user-{round_number}"
        work = [create(world, subject) for _ in range(25)]
        await asyncio.gather(*work)
        caller = await world.caller("session.read:any")
        assert len(await other.gateway.list(caller, subject)) == 5


async def test_a_session_that_is_made_right_after_a_revocation_lives(world: World) -> None:
    _, old = await create(world)
    await world.engine.tokens.revoke_subject(await world.caller(), "alice")
    session, token = await create(world)  # in the same millisecond
    assert session.created_ms > world.clock.now_ms() - 1
    assert [await world.lives(old), await world.lives(token)] == [False, True]
