# SPDX-License-Identifier: Apache-2.0
import asyncio
from dataclasses import replace
from typing import Any

import pytest

from engine.doubles import until
from engine.world import OTHER_TENANT, TENANT, MakeWorld, World, claims_of, genuine, part
from tessera_service.engine import Engine
from tessera_service.engine.session_tokens import DEAD, Validity
from tessera_service.errors import InvalidInput, RevokeInvalid, StoreUnavailable, Unauthorized
from tessera_service.models import Grant, SessionStatus, TokenKind

ALLOWED = Validity(is_valid=True, has_permission=True)
VALID = Validity(is_valid=True, has_permission=False)
GRANTS = (Grant("doc*", "view"),)


async def make_key(world: World, *grants: Grant, **named: Any) -> tuple[str, str]:
    values = {"tenant_id": TENANT, "subject": "alice", "grants": grants or GRANTS}
    return await world.engine.access_keys.create(**(values | named))


async def open_token(
    world: World, key_id: str, secret: str, *, seconds: int = 3600, engine: Engine | None = None
) -> str:
    engine = engine or world.engine
    key = await engine.access_keys.check(key_id, secret)
    assert key is not None
    return (await engine.session_tokens.create(key, duration_seconds=seconds)).token


async def make_token(world: World, *grants: Grant, seconds: int = 3600, **named: Any) -> tuple[str, str]:
    """A key's id and a token that it opened."""
    key_id, secret = await make_key(world, *grants, **named)
    return key_id, await open_token(world, key_id, secret, seconds=seconds)


async def validate(
    world: World,
    token: str,
    *,
    resource: str = "doc456",
    permission: str = "view",
    tenant_id: str | None = None,
    engine: Engine | None = None,
) -> Validity:
    tokens = (engine or world.engine).session_tokens
    return await tokens.validate(token, resource=resource, permission=permission, tenant_id=tenant_id)


def validate_now(world: World, token: str, engine: Engine | None = None) -> Validity | None:
    tokens = (engine or world.engine).session_tokens
    return tokens.validate_now(token, resource="doc456", permission="view", tenant_id=None)


async def test_a_token_says_whose_it_is_and_ends_with_its_session(world: World) -> None:
    key_id, token = await make_token(world, seconds=60)
    claims, now = claims_of(token), world.clock.now()
    assert genuine(token, world)
    assert (part(token, 0)["typ"], part(token, 0)["alg"]) == ("st+jwt", "RS256")
    assert claims == {
        "iss": "https://tokens.example",
        "sub": "alice",
        "aud": "dx-vas",
        "iat": now,
        "nbf": now,
        "exp": now + 60,
        "jti": claims["jti"],
        "tenant_id": TENANT,
        "token_type": "session",
        "sid": claims["sid"],
    }
    session = await world.session(claims["sid"])
    assert (session.surface, session.auth_method) == ("session_token", "access_key")
    assert (session.client_id, session.access_key_id) == (key_id, key_id)
    assert (session.expires_at, session.ends_at, session.refresh_jti) == (now + 60, now + 60, None)
    record = await world.sessions.store.find_token(claims["jti"])
    assert (record.session_id, record.expires_at) == (claims["sid"], claims["exp"])


@pytest.mark.parametrize(
    ("resource", "permission", "expected"),
    [
        ("doc456", "view", ALLOWED),
        ("doc/a/b", "view", ALLOWED),
        ("img456", "view", VALID),
        ("doc456", "edit", VALID),
        ("doc456", "", VALID),
        ("", "view", VALID),
        ("", "", VALID),
        ("doc*", "*", VALID),
    ],
)
async def test_only_what_a_grant_allows_is_permitted(
    world: World, resource: str, permission: str, expected: Validity
) -> None:
    _, token = await make_token(world)
    assert await validate(world, token, resource=resource, permission=permission) == expected


async def test_without_a_grant_nothing_is_permitted_and_with_stars_everything_that_has_a_name(world: World) -> None:
    key_id, secret = await world.engine.access_keys.create(tenant_id=TENANT, subject="alice")
    assert await validate(world, await open_token(world, key_id, secret)) == VALID
    _, token = await make_token(world, Grant("*", "*"))
    assert await validate(world, token) == ALLOWED
    assert await validate(world, token, resource="") == VALID


async def test_a_warm_process_asks_no_store(world: World) -> None:
    _, token = await make_token(world)
    assert validate_now(world, token) == ALLOWED  # whoever made it knows it
    other = await world.start()
    assert validate_now(world, token, other) is None
    assert await validate(world, token, engine=other) == ALLOWED
    world.directory.failing = world.sessions.failing = True
    assert validate_now(world, token, other) == ALLOWED


async def test_it_is_alive_a_second_before_its_exp_and_dead_at_it(world: World) -> None:
    _, token = await make_token(world, seconds=60)
    world.clock.advance(59)
    assert await validate(world, token) == ALLOWED
    assert validate_now(world, token) == ALLOWED
    world.clock.advance(1)
    assert await validate(world, token) == DEAD
    assert validate_now(world, token) == DEAD


@pytest.mark.parametrize("kind", [TokenKind.ACCESS, TokenKind.REFRESH, TokenKind.SERVICE])
async def test_no_other_kind_of_token_is_a_session_token(world: World, kind: TokenKind) -> None:
    token = world.forge(kind)
    assert validate_now(world, token) == DEAD
    assert await validate(world, token) == DEAD
    with pytest.raises(RevokeInvalid):
        await world.engine.session_tokens.revoke(token, tenant_id=None)


@pytest.mark.parametrize(
    ("typ", "kind"), [("at+jwt", "session"), ("st+jwt", "access"), ("st+jwt", "refresh"), ("st+jwt", "service")]
)
async def test_type_and_kind_have_to_agree(world: World, typ: str, kind: str) -> None:
    _, token = await make_token(world)
    claims = claims_of(token)
    forged = world.forge(
        TokenKind(kind), typ=typ, session_id=claims["sid"], jti=claims["jti"], expires_at=claims["exp"]
    )
    assert await validate(world, forged) == DEAD


async def test_a_session_token_is_no_bearer_no_refresh_token_and_inactive_for_introspection(world: World) -> None:
    _, token = await make_token(world)
    assert not await world.lives(token)
    assert await world.introspect(token) == {"active": False}
    caller = await world.caller()
    with pytest.raises(RevokeInvalid):
        await world.engine.tokens.revoke_token(caller, token)
    assert await validate(world, token) == ALLOWED


async def test_it_is_dead_in_every_other_tenant(world: World) -> None:
    _, token = await make_token(world)
    assert await validate(world, token, tenant_id=TENANT) == ALLOWED
    assert await validate(world, token, tenant_id=OTHER_TENANT) == DEAD
    with pytest.raises(RevokeInvalid):
        await world.engine.session_tokens.revoke(token, tenant_id=OTHER_TENANT)
    assert await validate(world, token) == ALLOWED


async def test_a_session_of_another_client_vouches_for_no_session_token(world: World) -> None:
    await make_key(world)
    issued = await world.issue("alice")
    forged = world.forge(TokenKind.SESSION, session_id=issued.session_id)
    assert await validate(world, forged) == DEAD


async def test_a_key_of_another_subject_or_tenant_vouches_for_no_session_token(world: World) -> None:
    await world.engine.tenants.add(OTHER_TENANT)
    for named in ({"subject": "bob"}, {"tenant_id": OTHER_TENANT}):
        key_id, _ = await make_key(world, **named)
        issued = await world.issue("alice", client_id=key_id)
        assert await validate(world, world.forge(TokenKind.SESSION, session_id=issued.session_id)) == DEAD


async def test_revoking_ends_the_session_at_once_and_twice_is_a_success(world: World) -> None:
    _, token = await make_token(world)
    for _ in range(2):
        await world.engine.session_tokens.revoke(token, tenant_id=TENANT)
        assert validate_now(world, token) == DEAD
        assert await validate(world, token) == DEAD
    session = await world.session(claims_of(token)["sid"])
    assert (session.status(world.clock.now()), session.revoked_by) == (SessionStatus.REVOKED, "alice")


async def test_another_process_refuses_a_revoked_token_after_its_next_poll(world: World) -> None:
    other = await world.start()
    _, token = await make_token(world)
    assert await validate(world, token, engine=other) == ALLOWED
    await world.engine.session_tokens.revoke(token, tenant_id=None)
    await other.mirror.poll()
    assert validate_now(world, token, other) == DEAD


async def test_an_expired_token_may_be_revoked_and_one_whose_record_is_gone_too(world: World) -> None:
    _, token = await make_token(world, seconds=60)
    world.clock.advance(60)
    await world.engine.session_tokens.revoke(token, tenant_id=None)
    await world.engine.session_tokens.revoke(world.forge(TokenKind.SESSION), tenant_id=None)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ключ"])
async def test_what_is_no_token_is_dead_and_cannot_be_revoked(world: World, token: str) -> None:
    assert await validate(world, token) == DEAD
    with pytest.raises(RevokeInvalid):
        await world.engine.session_tokens.revoke(token, tenant_id=None)


async def test_ending_all_sessions_of_the_subject_ends_its_session_tokens_and_spares_later_ones(world: World) -> None:
    key_id, secret = await make_key(world)
    token = await open_token(world, key_id, secret)
    await world.engine.tokens.revoke_subject(await world.caller("token.revoke"), "alice")
    assert await validate(world, token) == DEAD
    assert await validate(world, await open_token(world, key_id, secret)) == ALLOWED


async def test_a_session_is_ended_by_its_id_like_any_other(world: World) -> None:
    _, token = await make_token(world)
    await world.engine.tokens.revoke_session(await world.caller("token.revoke"), claims_of(token)["sid"])
    assert validate_now(world, token) == DEAD


async def test_rotating_a_key_leaves_its_tokens_alone(world: World) -> None:
    key_id, token = await make_token(world)
    await world.engine.access_keys.rotate(key_id)
    await world.engine.mirror.poll()
    assert await validate(world, token) == ALLOWED


async def test_disabling_a_key_ends_its_tokens_at_once_and_its_sessions_too(world: World) -> None:
    key_id, secret = await make_key(world)
    tokens = [await open_token(world, key_id, secret) for _ in range(3)]
    _, others = await make_token(world)
    await world.engine.access_keys.disable(key_id)
    for token in tokens:
        assert validate_now(world, token) == DEAD
        assert await validate(world, token) == DEAD
        session = await world.session(claims_of(token)["sid"])
        assert session.revoked_reason == "access_key_disabled"
    assert await validate(world, others) == ALLOWED


async def test_the_directory_alone_makes_the_tokens_of_a_disabled_key_dead(world: World) -> None:
    other = await world.start()
    key_id, token = await make_token(world)
    assert await validate(world, token, engine=other) == ALLOWED
    world.sessions.fails = {"revoke_access_key_sessions"}
    with pytest.raises(StoreUnavailable):
        await world.engine.access_keys.disable(key_id)
    assert validate_now(world, token) is None
    assert await validate(world, token) == DEAD
    await other.mirror.poll()
    assert validate_now(world, token, other) is None
    assert await validate(world, token, engine=other) == DEAD
    assert (await world.session(claims_of(token)["sid"])).revoked_ms is None


async def test_whoever_hears_of_a_disabled_key_ends_what_is_left_and_does_it_again_after_a_failure(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    key_id, token = await make_token(world)
    world.sessions.fails = {"revoke_access_key_sessions"}
    with pytest.raises(StoreUnavailable):
        await world.engine.access_keys.disable(key_id)
    other = await world.start()  # the log tells it as it starts
    assert other.access_keys.changed.is_set()
    with pytest.raises(StoreUnavailable):
        await other.access_keys.end_disabled()
    world.sessions.fails = set()
    await other.access_keys.end_disabled()
    assert (await world.session(claims_of(token)["sid"])).revoked_reason == "access_key_disabled"
    world.directory.calls.clear()
    await other.access_keys.end_disabled()
    assert world.directory.calls == []


async def test_a_running_process_ends_them_by_itself(make_world: MakeWorld) -> None:
    world = await make_world(background=True)
    key_id, token = await make_token(world)
    world.sessions.fails = {"revoke_access_key_sessions"}
    with pytest.raises(StoreUnavailable):
        await world.engine.access_keys.disable(key_id)
    world.sessions.fails = set()
    await until(lambda: world.sessions.calls.count("revoke_access_key_sessions") == 3)  # failed, done, none left
    assert (await world.session(claims_of(token)["sid"])).revoked_reason == "access_key_disabled"


async def test_a_key_that_is_disabled_while_it_is_looked_at_is_looked_at_again(world: World) -> None:
    other = await world.start()
    key_id, token = await make_token(world)
    await world.engine.access_keys.rotate(key_id)
    await other.mirror.poll()
    pause = world.directory.pause_after("get_access_key")
    looking = asyncio.create_task(other.access_keys.end_disabled())
    await pause.reached.wait()
    world.sessions.fails = {"revoke_access_key_sessions"}
    with pytest.raises(StoreUnavailable):
        await world.engine.access_keys.disable(key_id)
    world.sessions.fails = set()
    await other.mirror.poll()
    pause.go_on.set()
    await looking
    await other.access_keys.end_disabled()
    assert (await world.session(claims_of(token)["sid"])).revoked_reason == "access_key_disabled"


async def test_a_rotated_key_is_not_taken_for_a_disabled_one(world: World) -> None:
    key_id, token = await make_token(world)
    await world.engine.access_keys.rotate(key_id)
    await world.engine.mirror.poll()
    await world.engine.access_keys.end_disabled()
    assert await validate(world, token) == ALLOWED


async def test_a_session_that_is_born_while_its_key_is_disabled_does_not_live(world: World) -> None:
    key_id, secret = await make_key(world)
    key = await world.engine.access_keys.check(key_id, secret)
    assert key is not None
    await world.engine.access_keys.disable(key_id)
    with pytest.raises(Unauthorized):
        await world.engine.session_tokens.create(key, duration_seconds=60)
    (session,) = await world.sessions.store.list_sessions(
        TENANT, subject="alice", now=world.clock.now(), active_only=False, limit=10
    )
    assert session.revoked_reason == "access_key_disabled"


async def test_a_grant_is_read_at_each_check(world: World) -> None:
    key_id, token = await make_token(world)
    assert await validate(world, token) == ALLOWED
    stored = world.directory.store.access_keys
    stored[key_id] = replace(stored[key_id], grants=())
    world.engine.mirror.changed(TENANT, key_id)
    assert await validate(world, token) == VALID


async def test_a_key_that_is_read_while_it_is_disabled_is_not_remembered(world: World) -> None:
    key_id, token = await make_token(world)
    world.engine.mirror.changed(TENANT, key_id)
    pause = world.directory.pause_after("get_access_key")
    reading = asyncio.create_task(world.engine.access_keys.read(key_id))
    await pause.reached.wait()
    await world.engine.access_keys.disable(key_id)
    pause.go_on.set()
    await reading
    assert world.engine.access_keys.read_now(key_id) is None
    assert await validate(world, token) == DEAD


async def test_a_stale_mirror_asks_the_stores_and_a_silent_store_is_never_dead(make_world: MakeWorld) -> None:
    world = await make_world()
    _, token = await make_token(world)
    world.engine.mirror.close()
    assert validate_now(world, token) is None
    assert await validate(world, token) == ALLOWED
    for store in (world.directory, world.sessions):
        store.failing = True
        with pytest.raises(StoreUnavailable):
            await validate(world, token)
        store.failing = False


async def test_a_duration_beyond_the_longest_life_of_a_session_is_refused(make_world: MakeWorld) -> None:
    world = await make_world(session_max_lifetime=3600, refresh_token_ttl=3600)
    key_id, secret = await make_key(world)
    await open_token(world, key_id, secret, seconds=3600)
    with pytest.raises(InvalidInput) as caught:
        await open_token(world, key_id, secret, seconds=3601)
    assert caught.value.field == "duration_seconds"


async def test_a_token_whose_session_is_not_stored_is_not_handed_out(world: World) -> None:
    key_id, secret = await make_key(world)
    world.sessions.fails = {"create"}
    with pytest.raises(StoreUnavailable):
        await open_token(world, key_id, secret)
