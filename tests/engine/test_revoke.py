# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, World, claims_of
from tessera_service.errors import (
    RevokeInvalid,
    SessionForbidden,
    SessionNotFound,
    StoreUnavailable,
    Unauthorized,
    UnknownJti,
)
from tessera_service.models import LogKind, SessionStatus, TokenKind

DEAD = {"active": False}


async def is_dead(world: World, token: str) -> bool:
    """As this process sees it at once, from memory where it can and by the store where it cannot."""
    known = world.engine.tokens.introspect_now(token.encode(), tenant_id=TENANT)
    return known in (b'{"active":false}', None) and await world.introspect(token) == DEAD


# One's own


async def test_the_current_session_ends_with_both_its_tokens(world: World) -> None:
    tokens = await world.issue("alice")
    await world.engine.tokens.revoke_current(await world.who(tokens.access_token))
    assert await is_dead(world, tokens.access_token)
    assert await is_dead(world, tokens.refresh_token)
    with pytest.raises(Unauthorized) as caught:
        await world.who(tokens.access_token)
    assert caught.value.reason == "revoked"


async def test_a_service_token_has_no_current_session(world: World) -> None:
    with pytest.raises(RevokeInvalid):
        await world.engine.tokens.revoke_current(await world.caller())


async def test_one_ends_ones_own_other_session_without_a_permission(world: World) -> None:
    here, there = await world.issue("alice"), await world.issue("alice")
    await world.engine.tokens.revoke_session(await world.who(here.access_token), there.session_id)
    assert await is_dead(world, there.access_token)
    assert await world.lives(here.access_token)


async def test_another_subjects_session_needs_token_revoke(world: World) -> None:
    alice, bob = await world.issue("alice"), await world.issue("bob")
    caller = await world.who(alice.access_token)
    with pytest.raises(SessionForbidden):
        await world.engine.tokens.revoke_session(caller, bob.session_id)
    assert await world.lives(bob.access_token)
    await world.engine.tokens.revoke_session(await world.caller("token.revoke"), bob.session_id)
    assert await is_dead(world, bob.access_token)


@pytest.mark.parametrize("session_id", ["", "x", "a\0b", "x" * 60_000, "00000000-0000-7000-8000-000000000000"])
async def test_an_unknown_session_is_not_found(world: World, session_id: str) -> None:
    with pytest.raises(SessionNotFound):
        await world.engine.tokens.revoke_session(await world.caller(), session_id)


async def test_another_tenants_session_is_not_found_whatever_the_caller_may(world: World) -> None:
    other = await world.issue("alice", tenant_id=OTHER_TENANT)
    with pytest.raises(SessionNotFound):
        await world.engine.tokens.revoke_session(await world.caller("token.revoke"), other.session_id)
    assert await world.lives(other.access_token, tenant_id=OTHER_TENANT)


async def test_a_session_is_ended_twice_with_success_and_one_log_entry(world: World) -> None:
    tokens = await world.issue("alice")
    caller = await world.caller("token.revoke")
    for _ in range(2):
        await world.engine.tokens.revoke_session(caller, tokens.session_id)
    log = world.sessions.store._state.log
    assert [entry.kind for entry in log.snapshot()] == [LogKind.SESSION]
    session = await world.session(tokens.session_id)
    assert session.revoked_by == "gateway"


async def test_an_expired_session_is_ended_with_success(world: World) -> None:
    tokens = await world.issue("alice")
    world.clock.advance(2_592_000)
    await world.engine.tokens.revoke_session(await world.caller("token.revoke"), tokens.session_id)
    assert (await world.session(tokens.session_id)).status(world.clock.now()) is SessionStatus.REVOKED


@pytest.mark.parametrize("ahead", [2_592_000, 2_678_400])
async def test_what_is_ended_while_the_clock_is_ahead_stays_so_when_it_is_right(world: World, ahead: int) -> None:
    tokens = await world.issue("alice")
    world.clock.advance(ahead)
    await world.engine.tokens.revoke_session(await world.caller("token.revoke"), tokens.session_id)
    world.clock.advance(-ahead)
    await world.start()
    for engine in world.engines:
        answer = await engine.tokens.introspect(tokens.access_token.encode(), tenant_id=TENANT)
        assert answer == b'{"active":false}'


@pytest.mark.parametrize("kind", ["access", "service"])
@pytest.mark.parametrize(("late", "logged"), [(0, 1), (86_399, 1), (86_400, 0)])
async def test_a_token_is_logged_until_a_day_after_its_end(world: World, kind: str, late: int, logged: int) -> None:
    token = (await world.issue("alice")).access_token
    if kind == "service":
        token = await world.service_token("token.introspect", subject="reader")
    store = world.directory.store if kind == "service" else world.sessions.store._state
    over = claims_of(token)["exp"] - world.clock.now() + late
    world.clock.advance(over)
    await world.engine.tokens.revoke_token(await world.caller("token.revoke"), token)
    assert len(store.log.snapshot()) == logged
    world.clock.advance(-over)
    assert await world.lives(token) is not bool(logged)


# All of a subject


async def test_everything_of_a_subject_ends_in_this_tenant_only(world: World) -> None:
    here, there = await world.issue("alice"), await world.issue("alice")
    bob, other = await world.issue("bob"), await world.issue("alice", tenant_id=OTHER_TENANT)
    await world.engine.tokens.revoke_subject(await world.who(here.access_token), None)
    for tokens in (here, there):
        assert await is_dead(world, tokens.access_token)
        assert await is_dead(world, tokens.refresh_token)
    assert await world.lives(bob.access_token)
    assert await world.lives(other.access_token, tenant_id=OTHER_TENANT)


async def test_a_login_right_after_revoke_all_lives_though_the_clock_stands_still(world: World) -> None:
    before = await world.issue("alice")
    await world.engine.tokens.revoke_subject(await world.caller("token.revoke"), "alice")
    after = await world.issue("alice")
    assert await is_dead(world, before.access_token)
    assert (await world.who(after.access_token)).subject == "alice"
    session = await world.session(after.session_id)
    assert session.created_ms == world.clock.now_ms() + 1


async def test_a_cut_off_kills_what_was_created_in_its_millisecond_and_nothing_later(world: World) -> None:
    early = await world.issue("alice")
    world.clock.advance(ms=1)
    late = await world.issue("alice")
    cutoff_ms = (await world.session(early.session_id)).created_ms
    world.engine.mirror.cut_off(TENANT, "alice", cutoff_ms=cutoff_ms, expires_at=world.clock.now() + 1000)
    for _ in ("dropped from the table", "filled again"):
        session = await world.session(late.session_id)
        world.engine.tokens._liveness.remember(session, None, ticket=world.engine.mirror.table.ticket())
        assert (await world.who(late.access_token)).subject == "alice"
    session = await world.session(early.session_id)
    world.engine.tokens._liveness.remember(session, None, ticket=world.engine.mirror.table.ticket())
    with pytest.raises(Unauthorized) as caught:
        world.engine.tokens.authenticate_now(early.access_token, tenant_id=TENANT)
    assert caught.value.reason == "revoked"


async def test_a_session_whose_clock_ran_ahead_is_cut_off_too(world: World) -> None:
    world.clock.advance(60)
    early = await world.issue("alice")
    caller = await world.caller("token.revoke")
    world.clock.advance(-30)
    await world.engine.tokens.revoke_subject(caller, "alice")
    world.clock.advance(30)
    assert await is_dead(world, early.access_token)
    assert (await world.who((await world.issue("alice")).access_token)).subject == "alice"


async def test_another_subject_needs_token_revoke(world: World) -> None:
    alice, bob = await world.issue("alice"), await world.issue("bob")
    with pytest.raises(SessionForbidden):
        await world.engine.tokens.revoke_subject(await world.who(alice.access_token), "bob")
    await world.engine.tokens.revoke_subject(await world.who(alice.access_token), "alice")
    assert await is_dead(world, alice.access_token)
    assert await world.lives(bob.access_token)


async def test_revoking_a_subject_spares_its_service_tokens_in_memory_and_in_the_store(world: World) -> None:
    token = await world.service_token("token.revoke", subject="gateway")
    await world.engine.tokens.revoke_subject(await world.who(token), None)
    assert (await world.who(token)).subject == "gateway"
    assert world.engine.tokens.authenticate_now(token, tenant_id=TENANT) is not None


async def test_a_subject_without_sessions_is_a_success_and_leaves_no_trace(world: World) -> None:
    token = await world.service_token(subject="nobody")
    for caller in (await world.caller("token.revoke"), await world.who(token)):
        await world.engine.tokens.revoke_subject(caller, "nobody")
    assert world.sessions.store._state.log.head == 0
    assert (await world.who((await world.issue("nobody")).access_token)).subject == "nobody"


async def test_a_subject_is_revoked_once_however_often_it_is_asked(world: World) -> None:
    before = await world.issue("alice")
    caller = await world.caller("token.revoke")
    for _ in range(3):
        await world.engine.tokens.revoke_subject(caller, "alice")
    assert world.sessions.store._state.log.head == 1
    assert await is_dead(world, before.access_token)
    after = await world.issue("alice")
    assert (await world.who(after.access_token)).subject == "alice"


# One token


async def test_a_revoked_access_token_dies_alone(world: World) -> None:
    tokens = await world.issue("alice")
    await world.engine.tokens.revoke_token(await world.who(tokens.access_token), tokens.access_token)
    assert await is_dead(world, tokens.access_token)
    assert (await world.introspect(tokens.refresh_token))["active"] is True


@pytest.mark.parametrize("by", ["token", "jti"])
async def test_a_revoked_refresh_token_ends_its_session(world: World, by: str) -> None:
    tokens = await world.issue("alice")
    caller = await world.who(tokens.access_token)
    if by == "token":
        await world.engine.tokens.revoke_token(caller, tokens.refresh_token)
    else:
        await world.engine.tokens.revoke_jti(caller, claims_of(tokens.refresh_token)["jti"])
    assert await is_dead(world, tokens.access_token)
    assert await is_dead(world, tokens.refresh_token)


async def test_a_spent_refresh_token_ends_its_session_too(world: World) -> None:
    first = await world.issue("alice")
    second = await world.engine.tokens.refresh(first.refresh_token, tenant_id=TENANT)
    await world.engine.tokens.revoke_token(await world.who(second.access_token), first.refresh_token)
    assert await is_dead(world, second.access_token)


@pytest.mark.parametrize("by", ["token", "jti"])
async def test_a_service_token_is_revoked_by_one_who_may(world: World, by: str) -> None:
    token = await world.service_token("token.introspect", subject="reader")
    await world.who(token)
    plain, mighty = await world.caller("token.introspect"), await world.caller("token.revoke")

    async def revoke(caller: Any) -> None:
        if by == "token":
            await world.engine.tokens.revoke_token(caller, token)
        else:
            await world.engine.tokens.revoke_jti(caller, claims_of(token)["jti"])

    with pytest.raises(SessionForbidden):
        await revoke(plain)
    assert await world.lives(token)
    for _ in range(2):
        await revoke(mighty)
        assert await is_dead(world, token)


async def test_a_token_of_another_subject_needs_token_revoke(world: World) -> None:
    alice, bob = await world.issue("alice"), await world.issue("bob")
    caller = await world.who(alice.access_token)
    for token in (bob.access_token, bob.refresh_token):
        with pytest.raises(SessionForbidden):
            await world.engine.tokens.revoke_token(caller, token)
        with pytest.raises(SessionForbidden):
            await world.engine.tokens.revoke_jti(caller, claims_of(token)["jti"])
    assert await world.lives(bob.access_token)


async def test_what_is_no_genuine_token_of_this_tenant_cannot_be_revoked(world: World) -> None:
    tokens, other = await world.issue("alice"), await world.issue("alice", tenant_id=OTHER_TENANT)
    caller = await world.caller("token.revoke")
    for token in (
        "",
        "x",
        "\ud800",
        tokens.access_token[:-4] + "AAAA",
        world.forge(TokenKind.SESSION),
        world.forge(TokenKind.ACCESS, change=lambda members: members.update(iss="https://evil.example")),
        other.access_token,
        other.refresh_token,
    ):
        with pytest.raises(RevokeInvalid):
            await world.engine.tokens.revoke_token(caller, token)
    assert await world.lives(other.access_token, tenant_id=OTHER_TENANT)


async def test_an_expired_token_is_revoked_with_success(world: World) -> None:
    tokens = await world.issue("alice")
    world.clock.advance(900 + 86_400)
    caller = await world.caller("token.revoke")
    await world.engine.tokens.revoke_token(caller, tokens.access_token)
    await world.engine.tokens.revoke_jti(caller, claims_of(tokens.access_token)["jti"])
    assert world.sessions.store._state.log.head == 0  # long dead by itself: nothing to remember
    assert (await world.introspect(tokens.refresh_token))["active"] is True
    world.clock.advance(2_592_000)
    await world.engine.tokens.revoke_token(await world.caller("token.revoke"), tokens.refresh_token)


async def test_a_genuine_token_without_a_record_is_revoked_with_success(world: World) -> None:
    caller = await world.caller("token.revoke")
    for kind in (TokenKind.ACCESS, TokenKind.REFRESH, TokenKind.SERVICE):
        await world.engine.tokens.revoke_token(caller, world.forge(kind))


async def test_a_token_is_revoked_by_its_jti(world: World) -> None:
    tokens = await world.issue("alice")
    caller = await world.who(tokens.access_token)
    for _ in range(2):
        await world.engine.tokens.revoke_jti(caller, claims_of(tokens.access_token)["jti"])
        assert await is_dead(world, tokens.access_token)


async def test_a_jti_that_nobody_knows_or_another_tenant_has_is_unknown(world: World) -> None:
    other = await world.issue("alice", tenant_id=OTHER_TENANT)
    other_service = await world.service_token("token.revoke", tenant_id=OTHER_TENANT)
    caller = await world.caller("token.revoke")
    for jti in ("", "x", claims_of(other.access_token)["jti"], claims_of(other_service)["jti"]):
        with pytest.raises(UnknownJti):
            await world.engine.tokens.revoke_jti(caller, jti)
    assert await world.lives(other_service, tenant_id=OTHER_TENANT)


# What the log is told


async def test_every_entry_outlives_what_it_kills(world: World) -> None:
    tokens = await world.issue("alice")
    caller = await world.caller("token.revoke")
    await world.engine.tokens.revoke_token(caller, tokens.access_token)
    await world.engine.tokens.revoke_session(caller, tokens.session_id)
    await world.issue("alice")
    await world.engine.tokens.revoke_subject(caller, "alice")
    jti, session, subject = world.sessions.store._state.log.snapshot()
    kept = world.config.clock_skew + world.config.revocation_margin
    assert jti.expires_at == claims_of(tokens.access_token)["exp"] + kept
    assert session.expires_at >= claims_of(tokens.refresh_token)["exp"] + kept
    assert subject.expires_at >= world.clock.now() + world.config.session_max_lifetime + kept


async def test_a_revocation_that_was_not_stored_is_not_acknowledged(world: World) -> None:
    tokens = await world.issue("alice")
    service = await world.service_token("token.introspect", subject="reader")
    caller = await world.caller("token.revoke")
    mine = await world.who(tokens.access_token)
    world.sessions.fails = {"revoke_session", "revoke_subject", "revoke_token"}
    world.directory.fails = {"revoke_service_token"}
    for attempt in (
        world.engine.tokens.revoke_current(mine),
        world.engine.tokens.revoke_session(caller, tokens.session_id),
        world.engine.tokens.revoke_subject(caller, "alice"),
        world.engine.tokens.revoke_token(caller, tokens.access_token),
        world.engine.tokens.revoke_token(caller, tokens.refresh_token),
        world.engine.tokens.revoke_token(caller, service),
        world.engine.tokens.revoke_jti(caller, claims_of(tokens.access_token)["jti"]),
        world.engine.service_tokens.revoke(claims_of(service)["jti"]),
    ):
        with pytest.raises(StoreUnavailable):
            await attempt
    assert await world.lives(tokens.access_token)
    assert await world.lives(service)
