# SPDX-License-Identifier: Apache-2.0
import asyncio
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, MakeWorld, World, claims_of, genuine, part
from tessera_service.errors import Forbidden, Overloaded, StoreUnavailable, TenantMismatch, TokenTooLarge
from tessera_service.models import IssueRequest, SessionMetadata, SessionStatus


async def test_a_pair_is_issued_with_its_session(world: World) -> None:
    tokens = await world.issue("alice", scope="read", permissions=("user.read",), roles=("teacher",), username="Alice")
    access, refresh = claims_of(tokens.access_token), claims_of(tokens.refresh_token)
    now = world.clock.now()
    assert access == {
        "iss": "https://tokens.example",
        "sub": "alice",
        "aud": "dx-vas",
        "iat": now,
        "nbf": now,
        "exp": now + 900,
        "jti": access["jti"],
        "tenant_id": TENANT,
        "token_type": "access",
        "sid": tokens.session_id,
        "client_id": "dx-vas",
        "scope": "read",
        "permissions": ["user.read"],
        "roles": ["teacher"],
        "user_id": "alice",
        "username": "Alice",
    }
    assert (refresh["token_type"], refresh["exp"], refresh["sid"]) == ("refresh", now + 2_592_000, tokens.session_id)
    assert tokens.expires_in == 900
    assert (part(tokens.access_token, 0)["typ"], part(tokens.refresh_token, 0)["typ"]) == ("at+jwt", "rt+jwt")
    assert genuine(tokens.access_token, world)
    assert genuine(tokens.refresh_token, world)


async def test_the_session_is_stored_as_it_was_asked_for(world: World) -> None:
    metadata = SessionMetadata(ip_address="203.0.113.7", user_agent="curl", device_type="web")
    tokens = await world.issue("alice", metadata=metadata, permissions=("a", "b", "a"), roles=("x", "x"))
    session = await world.session(tokens.session_id)
    assert (session.subject, session.tenant_id, session.surface, session.auth_method) == (
        "alice",
        TENANT,
        "token",
        "jwt_bearer",
    )
    assert (session.permissions, session.roles, session.metadata) == (("a", "b"), ("x",), metadata)
    for token in (tokens.access_token, tokens.refresh_token):
        record = await world.sessions.store.find_token(claims_of(token)["jti"])
        assert (record.session_id, record.expires_at) == (tokens.session_id, claims_of(token)["exp"])
    assert session.refresh_jti == claims_of(tokens.refresh_token)["jti"]
    assert session.created_ms == world.clock.now_ms()
    assert (session.expires_at, session.ends_at) == (world.clock.now() + 2_592_000, world.clock.now() + 7_776_000)


async def test_a_session_ends_when_its_refresh_token_does(world: World) -> None:
    session = await world.session((await world.issue()).session_id)
    assert session.status(session.expires_at - 1) is SessionStatus.ACTIVE
    assert session.status(session.expires_at) is SessionStatus.EXPIRED


async def test_no_token_outlives_the_absolute_end_of_its_session(make_world: MakeWorld) -> None:
    world = await make_world(session_max_lifetime=600)
    tokens = await world.issue()
    end = world.clock.now() + 600
    assert (claims_of(tokens.access_token)["exp"], claims_of(tokens.refresh_token)["exp"]) == (end, end)
    assert tokens.expires_in == 600


async def test_issuing_needs_token_generate(world: World) -> None:
    caller = await world.caller("token.introspect")
    with pytest.raises(Forbidden):
        await world.engine.tokens.issue(caller, IssueRequest(TENANT, "alice", "web"))


async def test_a_caller_issues_in_its_own_tenant_only(world: World) -> None:
    caller = await world.caller()
    with pytest.raises(TenantMismatch):
        await world.engine.tokens.issue(caller, IssueRequest(OTHER_TENANT, "alice", "web"))


@pytest.mark.parametrize("name", ["token.generate", "session.read:any", "auth.login", "token.", "token.*"])
async def test_the_services_own_permissions_are_handed_on_only_by_their_holder(world: World, name: str) -> None:
    without = await world.caller("token.generate" if name != "token.generate" else "token.introspect", subject="a")
    holder = await world.caller("token.generate", name, subject="b")
    request = IssueRequest(TENANT, "alice", "web", permissions=("user.read", name))
    with pytest.raises(Forbidden):
        await world.engine.tokens.issue(without, request)
    tokens = await world.engine.tokens.issue(holder, request)
    assert claims_of(tokens.access_token)["permissions"] == ["user.read", name]


@pytest.mark.parametrize("name", ["tokens.read", "Token.generate", "sessions", "authz.x", "*", "a.token.b"])
async def test_every_other_name_is_free(world: World, name: str) -> None:
    caller = await world.caller("token.generate")
    await world.engine.tokens.issue(caller, IssueRequest(TENANT, "alice", "web", permissions=(name,), scope="token.x"))


async def test_a_token_over_4_kib_is_refused_and_nothing_is_stored(world: World) -> None:
    caller = await world.caller()
    names = tuple(f"{index:02}{'a' * 62}" for index in range(64))
    world.sessions.calls.clear()
    with pytest.raises(TokenTooLarge):
        await world.engine.tokens.issue(caller, IssueRequest(TENANT, "alice", "web", permissions=names))
    assert "create" not in world.sessions.calls


async def test_a_failing_store_gives_neither_a_token_nor_a_session(world: World) -> None:
    caller = await world.caller()
    world.sessions.failing = True
    with pytest.raises(StoreUnavailable):
        await world.engine.tokens.issue(caller, IssueRequest(TENANT, "alice", "web"))


async def test_a_full_signing_queue_is_told_as_such(make_world: MakeWorld) -> None:
    world = await make_world(signing_queue=3, signing_workers=1)
    caller = await world.caller()
    request = IssueRequest(TENANT, "alice", "web")
    outcomes: list[Any] = await asyncio.gather(
        *(world.engine.tokens.issue(caller, request) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(outcome, Overloaded) for outcome in outcomes) == 7
    await world.engine.tokens.issue(caller, request)  # the queue is empty again


async def test_sessions_of_one_subject_are_apart(world: World) -> None:
    first, second = await world.issue(), await world.issue()
    assert first.session_id != second.session_id
