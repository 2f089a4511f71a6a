# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, World, claims_of
from tessera_service.engine.auth_sessions import SessionList
from tessera_service.errors import (
    Forbidden,
    SessionForbidden,
    SessionNotFound,
    StoreUnavailable,
    TenantMismatch,
    TokenAlreadyRevoked,
    Unauthorized,
)
from tessera_service.models import SessionStatus, TokenKind

NOBODY = "0190a000-0000-7000-8000-000000000000"


async def log_out(world: World, bearer: str | None, *, reason: str = "user_logout", tenant_id: str = TENANT) -> None:
    caller = await world.engine.auth_sessions.who_logs_out(bearer, tenant_id=tenant_id)
    await world.engine.auth_sessions.logout(caller, reason=reason)


async def why_refused(world: World, bearer: str | None) -> str:
    with pytest.raises(Unauthorized) as caught:
        await world.engine.auth_sessions.who_logs_out(bearer, tenant_id=TENANT)
    return caught.value.reason


async def status(world: World, session_id: str) -> SessionStatus:
    return (await world.session(session_id)).status(world.clock.now())


async def page(world: World, caller: Any, **query: Any) -> SessionList:
    asked: dict[str, Any] = {"subject": None, "status": None, "limit": 20, "offset": 0}
    return await world.engine.auth_sessions.list(caller, **(asked | query))


# Signing out


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_either_token_ends_its_session_for_the_reason_that_is_given(world: World, which: str) -> None:
    tokens, other = await world.issue("alice"), await world.issue("alice")
    await log_out(world, getattr(tokens, which), reason="device_lost")
    ended = await world.session(tokens.session_id)
    assert (ended.revoked_reason, ended.revoked_by) == ("device_lost", "alice")
    assert not await world.lives(tokens.access_token)
    assert (await world.introspect(tokens.refresh_token)) == {"active": False}
    assert await world.lives(other.access_token)


async def test_who_logs_out_holds_nothing_but_the_session(world: World) -> None:
    tokens = await world.issue("alice", permissions=("report.read",), client_id="school-app")
    for token in (tokens.access_token, tokens.refresh_token):
        caller = await world.engine.auth_sessions.who_logs_out(token, tenant_id=TENANT)
        assert (caller.tenant_id, caller.subject, caller.session_id) == (TENANT, "alice", tokens.session_id)
        assert caller.client_id == "school-app"
    assert caller.permissions == frozenset()


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("ending", ["logout", "session", "subject"])
async def test_a_token_whose_session_was_revoked_says_so(world: World, which: str, ending: str) -> None:
    tokens = await world.issue("alice")
    caller = await world.who(tokens.access_token)
    match ending:
        case "logout":
            await log_out(world, tokens.access_token)
        case "session":
            await world.engine.auth_sessions.revoke(
                await world.caller("session.revoke:any"), tokens.session_id, reason="manual"
            )
        case _:
            await world.engine.tokens.revoke_subject(caller, None)
    before = await world.session(tokens.session_id)
    with pytest.raises(TokenAlreadyRevoked):
        await log_out(world, getattr(tokens, which))
    assert await world.session(tokens.session_id) == before


async def test_an_access_token_that_was_revoked_alone_says_so_and_its_session_goes_on(world: World) -> None:
    tokens = await world.issue("alice")
    caller = await world.who(tokens.access_token)
    await world.engine.tokens.revoke_jti(caller, caller.jti)
    with pytest.raises(TokenAlreadyRevoked):
        await log_out(world, tokens.access_token)
    assert await status(world, tokens.session_id) is SessionStatus.ACTIVE
    await log_out(world, tokens.refresh_token)
    assert await status(world, tokens.session_id) is SessionStatus.REVOKED


async def test_a_revoked_token_of_the_past_or_of_elsewhere_does_not_say_that_it_was_revoked(world: World) -> None:
    tokens = await world.issue("alice")
    await log_out(world, tokens.access_token)
    with pytest.raises(TenantMismatch):
        await log_out(world, tokens.access_token, tenant_id=OTHER_TENANT)
    tampered = tokens.access_token[:-4] + ("AAAA" if tokens.access_token[-4:] != "AAAA" else "BBBA")
    assert await why_refused(world, tampered) == "invalid"
    world.clock.advance(899)
    with pytest.raises(TokenAlreadyRevoked):
        await log_out(world, tokens.access_token)
    world.clock.advance(1)
    assert await why_refused(world, tokens.access_token) == "expired"


async def test_another_tenants_token_is_that_dead_or_alive_and_ends_nothing(world: World) -> None:
    foreign = await world.issue("alice", tenant_id=OTHER_TENANT)
    both = (foreign.access_token, foreign.refresh_token)
    for token in both:
        with pytest.raises(TenantMismatch):
            await log_out(world, token)
    assert await status(world, foreign.session_id) is SessionStatus.ACTIVE
    await log_out(world, foreign.access_token, tenant_id=OTHER_TENANT)
    for token in both:
        with pytest.raises(TenantMismatch):
            await log_out(world, token)


async def test_an_expired_token_speaks_for_nothing(world: World) -> None:
    tokens = await world.issue("alice")
    world.clock.advance(900)
    assert await why_refused(world, tokens.access_token) == "expired"
    assert await status(world, tokens.session_id) is SessionStatus.ACTIVE
    await log_out(world, tokens.refresh_token)
    late = await world.issue("alice")
    world.clock.advance(2_592_000)
    assert await why_refused(world, late.refresh_token) == "expired"


async def test_a_spent_refresh_token_is_no_bearer_until_its_session_is_over(world: World) -> None:
    tokens = await world.issue("alice")
    fresh = await world.engine.tokens.refresh(tokens.refresh_token, tenant_id=TENANT)
    await why_refused(world, tokens.refresh_token)
    assert await status(world, tokens.session_id) is SessionStatus.ACTIVE
    await log_out(world, fresh.refresh_token)
    with pytest.raises(TokenAlreadyRevoked):
        await log_out(world, tokens.refresh_token)


async def test_other_kinds_and_forgeries_sign_nobody_out(world: World) -> None:
    tokens = await world.issue("alice")
    sid = tokens.session_id
    assert await why_refused(world, None) == "missing"
    refused = [
        *("", "x", "a.b.c"),
        await world.service_token("session.revoke:any"),
        await world.service_token("session.revoke:any", tenant_id=OTHER_TENANT),
        world.forge(TokenKind.SESSION, session_id=sid),
        world.forge(TokenKind.ACCESS),
        world.forge(TokenKind.ACCESS, session_id=sid, typ="rt+jwt"),
        world.forge(TokenKind.REFRESH, session_id=sid, typ="at+jwt"),
        world.forge(TokenKind.REFRESH, session_id=sid),  # not the one that the session has
        world.forge(TokenKind.ACCESS, session_id=sid, subject="mallory"),
        world.forge(TokenKind.REFRESH, session_id=sid, subject="mallory"),
        world.forge(TokenKind.ACCESS, session_id=sid, issuer="https://other.example"),
        world.forge(TokenKind.ACCESS, session_id=sid, audience="other"),
    ]
    for token in refused:
        assert await why_refused(world, token) in ("invalid", "revoked"), token and claims_of(token)
    revoked = await world.service_token("session.revoke:any")
    await world.engine.tokens.revoke_service_token(claims_of(revoked)["jti"], revoked_by="operator")
    assert await why_refused(world, revoked) == "invalid"
    assert await status(world, sid) is SessionStatus.ACTIVE


async def test_a_session_that_is_gone_meanwhile_is_no_success(world: World) -> None:
    tokens = await world.issue("alice")
    caller = await world.engine.auth_sessions.who_logs_out(tokens.access_token, tenant_id=TENANT)
    world.clock.advance(86_400 * 365)
    while await world.sessions.store.purge(now=world.clock.now(), retention_seconds=0):
        pass
    with pytest.raises(Unauthorized):
        await world.engine.auth_sessions.logout(caller, reason="user_logout")


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_without_the_store_nobody_is_signed_out_and_nobody_called_dead(world: World, which: str) -> None:
    tokens = await world.issue("alice")
    world.sessions.failing = True
    with pytest.raises(StoreUnavailable):
        await log_out(world, getattr(tokens, which))
    world.sessions.failing = False
    assert await status(world, tokens.session_id) is SessionStatus.ACTIVE
    assert await world.lives(tokens.access_token)


# Lists


async def test_one_sees_ones_own_sessions_without_a_permission(world: World) -> None:
    caller = await world.who((await world.issue("alice")).access_token)
    second = await world.issue("alice")
    await world.issue("bob")
    await world.issue("alice", tenant_id=OTHER_TENANT)
    for subject in (None, "alice"):
        found = await page(world, caller, subject=subject)
        assert [one.session.session_id for one in found.sessions] == [second.session_id, caller.session_id]
        assert found.total == 2
    with pytest.raises(SessionForbidden):
        await page(world, caller, subject="bob")


async def test_with_the_permission_one_sees_anybodys_in_ones_own_tenant(world: World) -> None:
    bob = await world.issue("bob")
    await world.issue("bob", tenant_id=OTHER_TENANT)
    caller = await world.caller("session.read:any")
    found = await page(world, caller, subject="bob")
    assert ([one.session.session_id for one in found.sessions], found.total) == ([bob.session_id], 1)
    assert await page(world, caller) == SessionList((), 0)  # nobody signed in as the service


async def test_a_list_is_filtered_by_what_a_session_is_now(world: World) -> None:
    expired = await world.issue("alice")
    world.clock.advance(2_592_000)
    caller = await world.caller("session.read:any")
    revoked, active = await world.issue("alice"), await world.issue("alice")
    await log_out(world, revoked.access_token)
    expected = {
        None: [active, revoked, expired],
        SessionStatus.ACTIVE: [active],
        SessionStatus.REVOKED: [revoked],
        SessionStatus.EXPIRED: [expired],
        SessionStatus.LOCKED: [],
    }
    for wanted, sessions in expected.items():
        found = await page(world, caller, subject="alice", status=wanted)
        assert [one.session.session_id for one in found.sessions] == [one.session_id for one in sessions]
        assert found.total == len(sessions)
        assert all(wanted in (None, one.status) for one in found.sessions)


async def test_a_list_is_read_part_by_part_and_the_total_is_that_of_all(world: World) -> None:
    caller = await world.caller("session.read:any")
    made = [(await world.issue("alice")).session_id for _ in range(5)]
    shown: list[str] = []
    for offset in (0, 2, 4, 6):
        found = await page(world, caller, subject="alice", limit=2, offset=offset)
        assert found.total == 5
        shown += [one.session.session_id for one in found.sessions]
    assert shown == made[::-1]


async def test_a_list_without_the_store_is_no_empty_list(world: World) -> None:
    caller = await world.caller("session.read:any")
    world.sessions.failing = True
    with pytest.raises(StoreUnavailable):
        await page(world, caller)


# Revoking


async def test_a_session_is_revoked_by_its_id_once_and_again(world: World) -> None:
    tokens, caller = await world.issue("alice"), await world.caller("session.revoke:any", subject="admin")
    await world.engine.auth_sessions.revoke(caller, tokens.session_id, reason="admin_forced")
    ended = await world.session(tokens.session_id)
    assert (ended.revoked_reason, ended.revoked_by) == ("admin_forced", "admin")
    assert not await world.lives(tokens.access_token)
    world.clock.advance(60)
    again = await world.caller("session.revoke:any", subject="another-admin")
    await world.engine.auth_sessions.revoke(again, tokens.session_id, reason="manual")
    assert await world.session(tokens.session_id) == ended


async def test_without_the_permission_no_session_is_revoked_not_even_ones_own(world: World) -> None:
    tokens = await world.issue("alice")
    caller = await world.who(tokens.access_token)
    for session_id in (tokens.session_id, NOBODY, "x"):
        with pytest.raises(Forbidden):
            await world.engine.auth_sessions.revoke(caller, session_id, reason="manual")
    assert await world.lives(tokens.access_token)


async def test_what_is_not_in_the_tenant_is_not_found(world: World) -> None:
    foreign, caller = await world.issue("alice", tenant_id=OTHER_TENANT), await world.caller("session.revoke:any")
    for session_id in (foreign.session_id, NOBODY, NOBODY.upper(), "", "x", "x" * 10_000, "../" + NOBODY):
        with pytest.raises(SessionNotFound):
            await world.engine.auth_sessions.revoke(caller, session_id, reason="manual")
    assert await world.lives(foreign.access_token, tenant_id=OTHER_TENANT)
