# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, MakeWorld, World
from tessera_service.engine import AuthzAnswer, AuthzPolicy
from tessera_service.errors import StoreUnavailable
from tessera_service.models import TokenKind

DEAD = AuthzAnswer(401)
REFUSED = AuthzAnswer(403)
POLICIES = {
    "reports": AuthzPolicy(permissions=frozenset({"report.read", "report.list"}), scopes=frozenset({"read"})),
    "readers": AuthzPolicy(permissions=frozenset({"report.read"})),
    "writers": AuthzPolicy(scopes=frozenset({"write", "read"})),
    "anybody": AuthzPolicy(),
    "services": AuthzPolicy(permissions=frozenset({"token.introspect"})),
}


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """One with policies."""
    return await make_world(authz_policies=POLICIES)


async def ask(
    world: World, token: str | None, policy: str | None = None, *, tenant_id: str | None = None
) -> AuthzAnswer:
    """The answer, which has to be the same from memory where memory can tell."""
    answer = await world.engine.authz.check(token, policy=policy, tenant_id=tenant_id)
    assert world.engine.authz.check_now(token, policy=policy, tenant_id=tenant_id) == answer
    return answer


async def alice(world: World, **request: Any) -> tuple[str, AuthzAnswer]:
    """A token, and what is said of it when it passes."""
    given: dict[str, Any] = {"scope": "read:profile read", "permissions": ("report.read", "report.list")} | request
    tokens = await world.issue("alice", **given)
    permissions = " ".join(given["permissions"])
    return tokens.access_token, AuthzAnswer(200, "alice", TENANT, tokens.session_id, given["scope"], permissions)


async def test_a_live_token_passes_and_is_described_by_its_record(world: World) -> None:
    token, described = await alice(world)
    assert await ask(world, token) == described
    assert described.permissions == "report.read report.list"


async def test_a_service_token_passes_without_a_session(world: World) -> None:
    token = await world.service_token("token.introspect", subject="gateway")
    assert await ask(world, token) == AuthzAnswer(200, "gateway", TENANT, "", "", "token.introspect")
    assert (await ask(world, token, "services")).status == 200
    assert (await ask(world, token, "writers")).status == 403


async def test_without_a_token_nobody_passes(world: World) -> None:
    assert await ask(world, None) == DEAD
    assert await ask(world, None, "anybody") == DEAD
    assert await ask(world, None, "nowhere") == DEAD


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "." * 9000, "é.é.é", "\ud800"])
async def test_what_is_no_token_does_not_pass(world: World, token: str) -> None:
    assert await ask(world, token) == DEAD


@pytest.mark.parametrize(
    ("policy", "granted"),
    [("reports", True), ("readers", True), ("writers", False), ("anybody", True), ("services", False)],
)
async def test_a_policy_demands_all_its_permissions_and_all_its_scopes(
    world: World, policy: str, granted: bool
) -> None:
    token, described = await alice(world)
    assert await ask(world, token, policy) == described._replace(status=200 if granted else 403)


async def test_one_name_less_is_refused(world: World) -> None:
    token, described = await alice(world, permissions=("report.read",))
    assert await ask(world, token, "reports") == described._replace(status=403)
    token, described = await alice(world, scope="read:profile reading")
    assert await ask(world, token, "reports") == described._replace(status=403)
    token, described = await alice(world, scope="")
    assert await ask(world, token, "reports") == described._replace(status=403)


@pytest.mark.parametrize("name", ["", "Reports", "reports ", "*", "nowhere"])
async def test_a_policy_that_is_not_in_the_settings_lets_nobody_pass(world: World, name: str) -> None:
    token, described = await alice(world)
    assert await ask(world, token, name) == described._replace(status=403)


async def test_a_wildcard_in_a_record_holds_nothing_but_itself(world: World) -> None:
    token, described = await alice(world, permissions=("report.*", "*"), scope="*")
    assert await ask(world, token, "readers") == described._replace(status=403)


async def test_permissions_are_the_records_and_not_the_tokens(world: World) -> None:
    tokens = await world.issue("alice", permissions=())
    forged = world.forge(
        TokenKind.ACCESS, session_id=tokens.session_id, permissions=("report.read",), scope="read write"
    )
    assert await ask(world, forged, "readers") == AuthzAnswer(403, "alice", TENANT, tokens.session_id)
    assert (await ask(world, forged, "writers")).status == 403


async def test_a_token_passes_in_no_other_tenant_and_nothing_is_told_of_it_there(world: World) -> None:
    token, described = await alice(world)
    assert await ask(world, token, tenant_id=TENANT) == described
    for tenant_id in (OTHER_TENANT, "", "tenant-x", TENANT.upper()):
        assert await ask(world, token, tenant_id=tenant_id) == REFUSED
        assert await ask(world, "x", tenant_id=tenant_id) == DEAD


@pytest.mark.parametrize("kind", [TokenKind.REFRESH, TokenKind.SESSION])
async def test_other_kinds_of_token_do_not_pass(world: World, kind: TokenKind) -> None:
    tokens = await world.issue("alice")
    assert await ask(world, tokens.refresh_token) == DEAD
    for typ in (None, "at+jwt"):
        assert await ask(world, world.forge(kind, session_id=tokens.session_id, typ=typ)) == DEAD


async def test_a_token_stops_passing_at_the_second_of_its_exp(world: World) -> None:
    token, described = await alice(world)
    world.clock.advance(899)
    assert await ask(world, token) == described
    world.clock.advance(1)
    assert await ask(world, token) == DEAD


@pytest.mark.parametrize("ending", ["session", "subject", "jti"])
async def test_a_token_stops_passing_as_soon_as_it_is_revoked(world: World, ending: str) -> None:
    token, _ = await alice(world)
    caller = await world.who(token)
    match ending:
        case "session":
            await world.engine.tokens.revoke_current(caller)
        case "subject":  # a cut-off: only the store can tell
            await world.engine.tokens.revoke_subject(caller, None)
            assert await world.engine.authz.check(token, policy=None, tenant_id=None) == DEAD
            return
        case _:
            await world.engine.tokens.revoke_jti(caller, caller.jti)
    assert await ask(world, token) == DEAD


async def test_a_revoked_service_token_does_not_pass(world: World) -> None:
    token = await world.service_token("token.introspect")
    await world.engine.service_tokens.revoke((await world.who(token)).jti)
    assert await ask(world, token) == DEAD


@pytest.mark.parametrize(
    "record",
    [
        {"permissions": ("read\r\nX-Auth-Subject: bob",)},
        {"subject": "ålice"},
        {"scope": "read\x00"},
        {"scope": "\x7f"},
        {"permissions": ("lesen", "l\u00f6schen")},
    ],
)
async def test_a_record_that_headers_cannot_tell_does_not_pass_and_is_not_told(
    world: World, record: dict[str, Any]
) -> None:
    tokens = await world.issue(**({"subject": "alice"} | record))
    assert await ask(world, tokens.access_token) == REFUSED


async def test_a_warm_token_is_answered_without_a_store(world: World) -> None:
    token, described = await alice(world)
    world.sessions.calls.clear()
    world.sessions.failing = world.directory.failing = True
    assert world.engine.authz.check_now(token, policy="reports", tenant_id=TENANT) == described
    assert world.sessions.calls == []


async def test_a_token_that_memory_does_not_know_is_asked_of_the_store_and_never_called_dead_without_it(
    world: World,
) -> None:
    token, described = await alice(world)
    world.engine.mirror.table.clear()
    assert world.engine.authz.check_now(token, policy=None, tenant_id=None) is None
    world.sessions.failing = True
    with pytest.raises(StoreUnavailable):
        await world.engine.authz.check(token, policy=None, tenant_id=None)
    world.sessions.failing = False
    assert await ask(world, token) == described
