# SPDX-License-Identifier: Apache-2.0
from collections.abc import Awaitable
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, World, claims_of
from tessera_service.errors import SessionForbidden, SessionNotFound, StoreUnavailable, Unauthorized
from tessera_service.models import SessionStatus, TokenKind

NOBODY = "0190a000-0000-7000-8000-000000000000"


async def reason(work: Awaitable[Any]) -> str:
    """Why a token is refused."""
    with pytest.raises(Unauthorized) as caught:
        await work
    return caught.value.reason


async def log_out(world: World, token: str, session_id: str, *, tenant_id: str | None = None) -> None:
    caller = await world.engine.legacy.who_logs_out(token, session_id=session_id, tenant_id=tenant_id)
    await world.engine.legacy.logout(caller, session_id)


async def status(world: World, session_id: str) -> SessionStatus:
    return (await world.session(session_id)).status(world.clock.now())


async def test_a_session_is_told_by_its_record(world: World) -> None:
    tokens = await world.issue("alice", username="Alice", roles=("teacher", "admin"), permissions=("b.read", "a.read"))
    for found in (
        await world.engine.legacy.session(tokens.access_token, tenant_id=None),
        world.engine.legacy.session_now(tokens.access_token, tenant_id=TENANT),
    ):
        assert found is not None
        assert (found.session.subject, found.session.tenant_id) == ("alice", TENANT)
        assert (found.session.username, found.session.roles) == ("Alice", ("teacher", "admin"))
        assert (found.session.session_id, found.session.permissions) == (tokens.session_id, ("b.read", "a.read"))
        assert (found.caller.client_id, found.expires_in) == ("dx-vas", 900)
    world.clock.advance(899)
    assert (await world.engine.legacy.session(tokens.access_token, tenant_id=None)).expires_in == 1


async def test_only_access_tokens_have_a_session(world: World) -> None:
    tokens = await world.issue("alice")
    refused = {
        None: "missing",
        "x": "invalid",
        tokens.refresh_token: "invalid",
        await world.service_token("token.introspect"): "invalid",
        world.forge(TokenKind.SESSION, session_id=tokens.session_id): "invalid",
    }
    for token, why in refused.items():
        assert await reason(world.engine.legacy.session(token, tenant_id=None)) == why
        with pytest.raises(Unauthorized):
            world.engine.legacy.session_now(token, tenant_id=None)
    assert await reason(world.engine.legacy.session(world.forge(TokenKind.ACCESS), tenant_id=None)) == "invalid"
    for tenant_id in (OTHER_TENANT, ""):
        assert await reason(world.engine.legacy.session(tokens.access_token, tenant_id=tenant_id)) == "invalid"


async def test_a_token_ends_its_session_on_the_ground_of_a_logout(world: World) -> None:
    tokens = await world.issue("alice")
    await log_out(world, tokens.access_token, tokens.session_id)
    ended = await world.session(tokens.session_id)
    assert (ended.revoked_reason, ended.revoked_by) == ("user_logout", "alice")
    assert await reason(world.engine.legacy.session(tokens.access_token, tenant_id=None)) == "revoked"
    assert await reason(log_out(world, tokens.access_token, tokens.session_id)) == "revoked"


async def test_a_live_token_ends_another_session_of_its_subject(world: World) -> None:
    one, other = await world.issue("alice"), await world.issue("alice")
    await log_out(world, one.access_token, other.session_id)
    assert await status(world, other.session_id) is SessionStatus.REVOKED
    assert await world.lives(one.access_token)
    await log_out(world, one.access_token, other.session_id)  # over already


async def test_nobody_ends_the_session_of_another_subject_or_tenant_whatever_they_hold(world: World) -> None:
    everything = ("token.generate", "token.introspect", "token.revoke", "session.revoke:any")
    bearer = await world.caller(*everything)
    assert bearer.may("session.revoke:any")
    mallory = world.forge(TokenKind.ACCESS)
    assert await reason(log_out(world, mallory, NOBODY)) == "invalid"
    tokens = await world.issue("mallory", permissions=("token.revoke",))
    alice, stranger = await world.issue("alice"), await world.issue("mallory", tenant_id=OTHER_TENANT)
    with pytest.raises(SessionForbidden):
        await log_out(world, tokens.access_token, alice.session_id)
    for session_id in (stranger.session_id, NOBODY, ""):
        with pytest.raises(SessionNotFound):
            await log_out(world, tokens.access_token, session_id)
    assert await status(world, alice.session_id) is SessionStatus.ACTIVE
    assert await status(world, stranger.session_id) is SessionStatus.ACTIVE


async def test_an_expired_token_ends_its_own_session_and_no_other(world: World) -> None:
    tokens, other = await world.issue("alice"), await world.issue("alice")
    world.clock.advance(900)
    assert await reason(world.engine.legacy.session(tokens.access_token, tenant_id=None)) == "expired"
    assert await reason(log_out(world, tokens.access_token, other.session_id)) == "expired"
    assert await reason(log_out(world, tokens.access_token, NOBODY)) == "expired"
    assert await reason(log_out(world, tokens.access_token, tokens.session_id, tenant_id=OTHER_TENANT)) == "invalid"
    assert await status(world, tokens.session_id) is SessionStatus.ACTIVE
    await log_out(world, tokens.access_token, tokens.session_id)
    assert await status(world, tokens.session_id) is SessionStatus.REVOKED
    assert await status(world, other.session_id) is SessionStatus.ACTIVE


async def test_the_end_of_an_expired_session_is_stored_since_other_clocks_may_differ(world: World) -> None:
    tokens = await world.issue("alice")
    world.clock.advance(2_592_000)
    assert await status(world, tokens.session_id) is SessionStatus.EXPIRED
    await log_out(world, tokens.access_token, tokens.session_id)
    assert await status(world, tokens.session_id) is SessionStatus.REVOKED


@pytest.mark.parametrize("ending", ["session", "subject", "jti"])
async def test_an_expired_token_that_was_revoked_before_speaks_for_nothing(world: World, ending: str) -> None:
    tokens = await world.issue("alice")
    caller = await world.who(tokens.access_token)
    match ending:
        case "session":
            await world.engine.tokens.revoke_current(caller)
        case "subject":
            await world.engine.tokens.revoke_subject(caller, None)
        case _:
            await world.engine.tokens.revoke_jti(caller, caller.jti)
    world.clock.advance(900)
    assert await reason(log_out(world, tokens.access_token, tokens.session_id)) == "revoked"


async def test_other_kinds_and_forgeries_end_nothing_expired_or_not(world: World) -> None:
    tokens = await world.issue("alice")
    kinds = [
        tokens.refresh_token,
        await world.service_token("token.revoke"),
        world.forge(TokenKind.SESSION, session_id=tokens.session_id),
        world.forge(TokenKind.ACCESS, session_id=tokens.session_id, subject="mallory"),
        world.forge(TokenKind.ACCESS, session_id=tokens.session_id, issuer="https://other.example"),
        tokens.access_token[:-4] + "AAAA",
    ]
    for seconds in (0, 900, 86_400):
        world.clock.advance(seconds)
        for token in kinds:
            assert await reason(log_out(world, token, tokens.session_id)) == "invalid", claims_of(token)
    assert await status(world, tokens.session_id) is SessionStatus.ACTIVE


async def test_a_logout_without_the_store_is_neither_success_nor_a_dead_token(world: World) -> None:
    tokens = await world.issue("alice")
    world.sessions.failing = True
    with pytest.raises(StoreUnavailable):
        await log_out(world, tokens.access_token, tokens.session_id)
    world.clock.advance(900)
    with pytest.raises(StoreUnavailable):
        await log_out(world, tokens.access_token, tokens.session_id)
    world.sessions.failing = False
    assert await status(world, tokens.session_id) is SessionStatus.ACTIVE
