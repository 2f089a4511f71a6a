# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from engine.world import OTHER_TENANT, TENANT, World, claims_of
from tessera_service.models import SessionMetadata, TokenKind

DEAD = {"active": False}


async def test_an_access_token_is_described_by_its_record(world: World) -> None:
    metadata = SessionMetadata(ip_address="203.0.113.7", user_agent='Mozilla "5"\n', device_type="web", location="here")
    tokens = await world.issue(
        "alice", scope="read write", permissions=("user.read",), client_id="web", metadata=metadata
    )
    now = world.clock.now()
    assert await world.introspect(tokens.access_token) == {
        "active": True,
        "sub": "alice",
        "aud": "dx-vas",
        "iss": "https://tokens.example",
        "exp": now + 900,
        "iat": now,
        "jti": claims_of(tokens.access_token)["jti"],
        "scope": "read write",
        "token_type": "access",
        "session_id": tokens.session_id,
        "client_id": "web",
        "tenant_id": TENANT,
        "permissions": ["user.read"],
        "meta": {"device_type": "web", "ip_address": "203.0.113.7", "user_agent": 'Mozilla "5"\n'},
    }


async def test_a_refresh_token_is_described_with_its_own_times(world: World) -> None:
    tokens = await world.issue("alice", scope="read")
    answer = await world.introspect(tokens.refresh_token)
    assert (answer["active"], answer["token_type"], answer["scope"]) == (True, "refresh", "read")
    assert answer["exp"] == world.clock.now() + 2_592_000
    assert answer["jti"] == claims_of(tokens.refresh_token)["jti"]
    assert answer["session_id"] == tokens.session_id


async def test_a_service_token_is_an_access_token_without_session_and_meta(world: World) -> None:
    token = await world.service_token("token.introspect")
    answer = await world.introspect(token)
    assert (answer["active"], answer["token_type"], answer["permissions"]) == (True, "access", ["token.introspect"])
    assert (answer["sub"], answer["client_id"], answer["tenant_id"]) == ("gateway", "gateway", TENANT)
    assert "session_id" not in answer
    assert "meta" not in answer


async def test_memory_and_store_give_the_same_answer(world: World) -> None:
    for token in ((await world.issue("bob", scope="é")).access_token, await world.service_token("token.revoke")):
        world.engine.mirror.table.clear()
        assert world.engine.tokens.introspect_now(token.encode(), tenant_id=TENANT) is None
        cold = await world.engine.tokens.introspect(token.encode(), tenant_id=TENANT)
        assert world.engine.tokens.introspect_now(token.encode(), tenant_id=TENANT) == cold
        assert json.loads(cold)["active"] is True


async def test_a_warm_token_is_answered_without_a_store(world: World) -> None:
    tokens = await world.issue()
    world.sessions.failing = world.directory.failing = True
    answer = world.engine.tokens.introspect_now(tokens.access_token.encode(), tenant_id=TENANT)
    assert answer is not None
    assert json.loads(answer)["active"] is True


async def test_a_refresh_token_is_always_asked_of_the_store(world: World) -> None:
    tokens = await world.issue()
    assert world.engine.tokens.introspect_now(tokens.refresh_token.encode(), tenant_id=TENANT) is None


async def test_every_dead_token_gets_the_same_bytes(world: World) -> None:
    tokens = await world.issue()
    other = await world.issue("bob", tenant_id=OTHER_TENANT)
    dead = [
        b"",
        b"x",
        b"\xff\xfe.\x00.a",
        b"." * 9000,
        tokens.access_token[:-1].encode(),
        world.forge(TokenKind.SESSION).encode(),
        world.forge(TokenKind.ACCESS).encode(),
        other.access_token.encode(),
        other.refresh_token.encode(),
    ]
    for token in dead:
        assert await world.engine.tokens.introspect(token, tenant_id=TENANT) == b'{"active":false}'
    world.clock.advance(900)
    assert await world.engine.tokens.introspect(tokens.access_token.encode(), tenant_id=TENANT) == b'{"active":false}'


async def test_a_refresh_token_is_inactive_from_its_first_use_on(world: World) -> None:
    tokens = await world.issue()
    successor = await world.engine.tokens.refresh(tokens.refresh_token, tenant_id=TENANT)
    assert await world.introspect(tokens.refresh_token) == DEAD
    assert (await world.introspect(successor.refresh_token))["active"] is True
    assert (await world.introspect(tokens.access_token))["active"] is True  # the old access token lives to its exp


async def test_a_refresh_token_dies_at_the_second_of_its_exp(world: World) -> None:
    tokens = await world.issue()
    world.clock.advance(2_592_000 - 1)
    assert (await world.introspect(tokens.refresh_token))["active"] is True
    world.clock.advance(1)
    assert await world.introspect(tokens.refresh_token) == DEAD


@pytest.mark.parametrize("ending", ["session", "subject"])
async def test_a_refresh_token_of_an_ended_session_is_inactive(world: World, ending: str) -> None:
    tokens = await world.issue()
    caller = await world.who(tokens.access_token)
    if ending == "session":
        await world.engine.tokens.revoke_current(caller)
    else:
        await world.engine.tokens.revoke_subject(caller, None)
    assert await world.introspect(tokens.refresh_token) == DEAD
    assert await world.introspect(tokens.access_token) == DEAD
