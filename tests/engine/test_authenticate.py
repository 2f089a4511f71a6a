# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, World, claims_of
from tessera_service.errors import TenantMismatch, Unauthorized
from tessera_service.models import IssueRequest, TokenKind


async def refused(world: World, token: str | None, *, tenant_id: str | None = TENANT) -> str:
    """Why the bearer is refused."""
    with pytest.raises(Unauthorized) as caught:
        await world.engine.tokens.authenticate(token, tenant_id=tenant_id)
    return caught.value.reason


async def test_an_access_token_says_who_its_subject_is(world: World) -> None:
    tokens = await world.issue("alice", client_id="web", permissions=("user.read",))
    caller = await world.who(tokens.access_token)
    assert (caller.tenant_id, caller.subject, caller.client_id) == (TENANT, "alice", "web")
    assert (caller.kind, caller.session_id) == (TokenKind.ACCESS, tokens.session_id)
    assert caller.permissions == {"user.read"}
    assert caller.jti == claims_of(tokens.access_token)["jti"]
    assert caller.expires_at == claims_of(tokens.access_token)["exp"]


async def test_a_service_token_says_which_service_it_is(world: World) -> None:
    caller = await world.caller("token.introspect", subject="gateway")
    assert (caller.subject, caller.client_id, caller.kind, caller.session_id) == (
        "gateway",
        "gateway",
        TokenKind.SERVICE,
        None,
    )
    assert caller.may("token.introspect")
    assert not caller.may("token.generate")


async def test_a_warm_bearer_is_told_from_memory(world: World) -> None:
    tokens = await world.issue()
    await world.who(tokens.access_token)
    world.sessions.calls.clear()
    world.directory.calls.clear()
    known = world.engine.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT)
    assert known == await world.who(tokens.access_token)
    assert (world.sessions.calls, world.directory.calls) == ([], [])


async def test_a_new_session_is_warm_from_its_issue(world: World) -> None:
    tokens = await world.issue()
    assert world.engine.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT) is not None


async def test_a_session_that_memory_does_not_hold_is_read_once(world: World) -> None:
    tokens = await world.issue()
    world.engine.mirror.table.clear()
    assert world.engine.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT) is None
    world.sessions.calls.clear()
    assert (await world.who(tokens.access_token)).subject == "alice"
    assert (await world.who(tokens.access_token)).subject == "alice"
    assert world.sessions.calls == ["read_state"]


async def test_without_a_token_it_is_missing(world: World) -> None:
    assert await refused(world, None) == "missing"
    with pytest.raises(Unauthorized):
        world.engine.tokens.authenticate_now(None, tenant_id=TENANT)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", ".." * 5000, "é.é.é", "\ud800", "\x00.\x00.\x00"])
async def test_what_is_no_token_is_invalid(world: World, token: str) -> None:
    assert await refused(world, token) == "invalid"
    with pytest.raises(Unauthorized):
        world.engine.tokens.authenticate_now(token, tenant_id=TENANT)


async def test_a_token_is_dead_at_the_second_of_its_exp(world: World) -> None:
    tokens = await world.issue()
    world.clock.advance(899)
    assert await world.lives(tokens.access_token)
    world.clock.advance(ms=999)
    assert await world.lives(tokens.access_token)
    world.clock.advance(ms=1)
    assert await refused(world, tokens.access_token) == "expired"


async def test_skew_is_for_nbf_and_iat_and_includes_its_last_second(world: World) -> None:
    caller = await world.caller()
    tokens = await world.engine.tokens.issue(caller, IssueRequest(TENANT, "alice", "web"))
    world.clock.advance(-5)
    assert await world.lives(tokens.access_token)
    world.clock.advance(-1)
    assert await refused(world, tokens.access_token) == "invalid"


async def test_another_tenants_live_token_is_a_mismatch_but_a_dead_one_is_dead(world: World) -> None:
    await world.engine.tenants.add(OTHER_TENANT)
    tokens = await world.issue("alice", tenant_id=OTHER_TENANT)
    with pytest.raises(TenantMismatch):
        await world.who(tokens.access_token, tenant_id=TENANT)
    with pytest.raises(TenantMismatch):
        world.engine.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT)
    world.clock.advance(900)
    assert await refused(world, tokens.access_token) == "expired"


async def test_without_a_header_the_tokens_own_tenant_counts(world: World) -> None:
    tokens = await world.issue("alice", tenant_id=OTHER_TENANT)
    assert (await world.who(tokens.access_token, tenant_id=None)).tenant_id == OTHER_TENANT


async def test_a_refresh_token_is_no_bearer(world: World) -> None:
    assert await refused(world, (await world.issue()).refresh_token) == "invalid"


async def test_a_genuine_token_without_a_record_is_dead(world: World) -> None:
    assert await refused(world, world.forge(TokenKind.ACCESS)) == "invalid"
    assert await refused(world, world.forge(TokenKind.SERVICE)) == "invalid"


async def test_a_record_of_another_subject_or_tenant_does_not_revive_a_token(world: World) -> None:
    tokens = await world.issue("alice")
    others: tuple[dict[str, Any], ...] = ({"subject": "bob"}, {"tenant_id": OTHER_TENANT})
    for changes in others:
        for warm in (True, False):
            if not warm:
                world.engine.mirror.table.clear()
            token = world.forge(TokenKind.ACCESS, session_id=tokens.session_id, **changes)
            assert await refused(world, token, tenant_id=None) == "invalid"


def without(name: str) -> Any:
    return lambda members: members.pop(name)


def with_value(name: str, value: object) -> Any:
    return lambda members: members.update({name: value})


KIND_MATRIX = [
    (TokenKind.REFRESH, {}),
    (TokenKind.SESSION, {}),
    (TokenKind.REFRESH, {"typ": "at+jwt"}),
    (TokenKind.SESSION, {"typ": "at+jwt"}),
    (TokenKind.ACCESS, {"typ": "rt+jwt"}),
    (TokenKind.ACCESS, {"typ": "JWT"}),
    (TokenKind.ACCESS, {"change": without("sid")}),
    (TokenKind.ACCESS, {"change": with_value("token_type", "service")}),
    (TokenKind.SERVICE, {"change": with_value("token_type", "access")}),
    (TokenKind.ACCESS, {"change": with_value("iss", "https://tokens.example.evil")}),
    (TokenKind.ACCESS, {"change": with_value("aud", "dx")}),
    (TokenKind.ACCESS, {"change": with_value("aud", 1)}),
    (TokenKind.ACCESS, {"change": with_value("exp", 4e9)}),
    (TokenKind.ACCESS, {"change": with_value("exp", True)}),
    (TokenKind.ACCESS, {"change": with_value("token_type", ["access"])}),
    (TokenKind.ACCESS, {"change": with_value("sid", "x" * 257)}),
    *((TokenKind.ACCESS, {"change": without(name)}) for name in ("sub", "iat", "nbf", "exp", "jti", "tenant_id")),
    *((TokenKind.ACCESS, {"change": without(name)}) for name in ("iss", "aud", "token_type")),
    *((TokenKind.ACCESS, {"change": with_value(name, "")}) for name in ("sub", "jti", "tenant_id", "sid")),
    *((TokenKind.ACCESS, {"change": with_value(name, 7)}) for name in ("sub", "jti", "tenant_id", "sid")),
]


@pytest.mark.parametrize(("kind", "forged"), KIND_MATRIX)
async def test_a_token_of_the_wrong_kind_or_shape_is_invalid_though_we_signed_it(
    world: World, kind: TokenKind, forged: dict[str, Any]
) -> None:
    tokens = await world.issue("alice")
    session_id = None if kind is TokenKind.SERVICE else tokens.session_id
    sound = world.forge(TokenKind.ACCESS, session_id=tokens.session_id)
    assert (await world.who(sound)).subject == "alice"
    bad = world.forge(kind, session_id=session_id, **forged)
    assert await refused(world, bad) == "invalid"
    assert await world.introspect(bad) == {"active": False}
