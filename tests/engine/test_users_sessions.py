# SPDX-License-Identifier: Apache-2.0
"""What becomes of the sessions of a user that is changed, stopped or gone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from engine.doubles import as_any
from engine.gateway import create as create_gateway_session
from engine.people import (
    Step,
    add,
    disable,
    enable,
    lock,
    sign_in,
    told,
    unlock,
)
from engine.world import TENANT, MakeWorld, World, claims_of
from tessera_service.engine import Engine, UserChange
from tessera_service.errors import (
    Forbidden,
    ServiceError,
    SessionEnded,
    StoreUnavailable,
    Unauthorized,
)
from tessera_service.models import Grant, SessionStatus, UserStatus

STOPS = [
    pytest.param(lock, unlock, "locked", "unlocked", id="lock"),
    pytest.param(disable, enable, "disabled", "enabled", id="disable"),
]


async def test_a_change_of_permissions_reaches_a_live_session_at_once_here(world: World) -> None:
    user = await add(world, permissions=("doc.read", "doc.write"), roles=("editor",))
    tokens = await sign_in(world, scope="doc.read doc.write")
    assert (await world.who(tokens.access_token)).permissions == {"doc.read", "doc.write"}
    change = UserChange(permissions=("doc.read", "session.read:any"), roles=("reader",))
    await world.engine.users.set(TENANT, user.user_id, change)
    assert (await world.who(tokens.access_token)).permissions == {"doc.read", "session.read:any"}
    said = await world.introspect(tokens.access_token)
    assert (said["permissions"], said["scope"]) == (["doc.read", "session.read:any"], "doc.read")
    assert claims_of((await refresh(world, tokens.refresh_token)).access_token)["permissions"] == list(
        as_any(change.permissions)
    )


async def test_a_change_of_permissions_reaches_another_process_with_its_next_poll(world: World) -> None:
    user = await add(world, permissions=("doc.read",))
    tokens = await sign_in(world)
    other = await world.start()
    assert (await other.tokens.authenticate(tokens.access_token, tenant_id=TENANT)).permissions == {"doc.read"}
    await world.engine.users.set(TENANT, user.user_id, UserChange(permissions=()))
    await other.mirror.poll()
    assert (await other.tokens.authenticate(tokens.access_token, tenant_id=TENANT)).permissions == frozenset()


async def test_a_change_of_permissions_reaches_a_process_that_may_not_answer_from_memory(world: World) -> None:
    user = await add(world, permissions=("doc.read",))
    tokens = await sign_in(world)
    await world.engine.users.set(TENANT, user.user_id, UserChange(permissions=("doc.write",)))
    world.engine.mirror.close()
    assert (await world.who(tokens.access_token)).permissions == {"doc.write"}
    await lock(world.engine, user.user_id)
    assert not await world.lives(tokens.access_token)


async def test_a_change_while_a_snapshot_is_being_filled_is_not_lost(world: World) -> None:
    user = await add(world, permissions=("doc.read",))
    tokens = await sign_in(world)
    world.engine.mirror.table.clear()
    pause = world.directory.pause_after("get_user")
    filling = asyncio.create_task(world.who(tokens.access_token))
    await pause.reached.wait()
    await world.engine.users.set(TENANT, user.user_id, UserChange(permissions=()))
    pause.go_on.set()
    await filling
    assert (await world.who(tokens.access_token)).permissions == frozenset()


async def test_what_a_caller_gave_a_session_stays_with_it(world: World) -> None:
    user = await add(world, permissions=("doc.read",))
    tokens = await world.issue(user.user_id, permissions=("order.read",), roles=("buyer",))
    assert (await world.who(tokens.access_token)).permissions == {"order.read"}
    await world.engine.users.set(TENANT, user.user_id, UserChange(permissions=("doc.write",)))
    assert (await world.who(tokens.access_token)).permissions == {"order.read"}


async def refresh(world: World, token: str) -> Any:
    return await world.engine.tokens.refresh(token, tenant_id=TENANT)


async def open_all(world: World, user_id: str) -> dict[str, str]:
    """A session of that user through every way there is: its id and a token."""
    key_id, secret = await world.engine.access_keys.create(tenant_id=TENANT, subject=user_id, grants=(Grant("*", "*"),))
    key = await world.engine.access_keys.check(key_id, secret)
    made = await world.engine.session_tokens.create(as_any(key), duration_seconds=3600)
    session, token = await create_gateway_session(world, user_id)
    issued, local = await world.issue(user_id), await sign_in(world)
    return {
        session.session_id: token,
        issued.session_id: issued.access_token,
        local.session_id: local.access_token,
        claims_of(made.token)["sid"]: made.token,
    }


async def alive(engine: Engine, token: str) -> bool:
    if claims_of(token)["token_type"] == "session":
        found = await engine.session_tokens.validate(token, resource="r", permission="p", tenant_id=TENANT)
        return found.is_valid
    try:
        await engine.tokens.authenticate(token, tenant_id=TENANT)
    except Unauthorized:
        return False
    return True


@pytest.mark.parametrize(("stop", "resume", "stopped", "resumed"), STOPS)
async def test_stopping_a_user_ends_every_session_for_good_and_nobody_elses(
    world: World, stop: Step, resume: Step, stopped: str, resumed: str
) -> None:
    user = await add(world)
    await add(world, "bob")
    others = [(await sign_in(world, "bob")).access_token, (await world.issue("carol")).access_token]
    opened = await open_all(world, user.user_id)
    assert all([await alive(world.engine, token) for token in opened.values()])

    after = await stop(world.engine, user.user_id)

    assert as_any(after).status == stopped
    assert told(world)[-1] == stopped
    assert not any([await alive(world.engine, token) for token in opened.values()])
    assert {(await world.session(one)).status(world.clock.now()) for one in opened} == {SessionStatus.LOCKED}
    assert {(await world.session(one)).revoked_reason for one in opened} == {f"user_{stopped}"}
    assert all([await alive(world.engine, token) for token in others])

    world.clock.advance(1)
    assert as_any(await resume(world.engine, user.user_id)).status is UserStatus.ACTIVE
    assert told(world)[-1] == resumed
    assert not any([await alive(world.engine, token) for token in opened.values()])
    assert await alive(world.engine, (await sign_in(world)).access_token)


@pytest.mark.parametrize(("stop", "resume", "stopped", "resumed"), STOPS)
async def test_stopping_again_is_a_success_and_tells_nobody(
    world: World, stop: Step, resume: Step, stopped: str, resumed: str
) -> None:
    user = await add(world)
    for _ in range(2):
        assert as_any(await stop(world.engine, user.user_id)).status == stopped
    for _ in range(2):
        assert as_any(await resume(world.engine, user.user_id)).status is UserStatus.ACTIVE
    assert told(world) == ["added", stopped, resumed]


async def test_a_disabled_user_is_neither_locked_nor_unlocked_and_a_locked_one_can_be_disabled(world: World) -> None:
    user = await add(world)
    await lock(world.engine, user.user_id)
    assert as_any(await enable(world.engine, user.user_id)).status is UserStatus.LOCKED
    for step in (disable, lock, unlock):
        assert as_any(await step(world.engine, user.user_id)).status is UserStatus.DISABLED
    assert as_any(await enable(world.engine, user.user_id)).status is UserStatus.ACTIVE


@pytest.mark.parametrize("stop", [lock, disable])
async def test_no_surface_makes_a_session_for_a_user_that_is_not_active(world: World, stop: Step) -> None:
    user = await add(world)
    key_id, secret = await world.engine.access_keys.create(tenant_id=TENANT, subject=user.user_id)
    key = as_any(await world.engine.access_keys.check(key_id, secret))
    await stop(world.engine, user.user_id)
    with pytest.raises(Forbidden):
        await world.issue(user.user_id)
    with pytest.raises(Forbidden):
        await create_gateway_session(world, user.user_id)
    with pytest.raises(Unauthorized):
        await world.engine.session_tokens.create(key, duration_seconds=3600)
    assert await sessions_of(world, user.user_id) == []
    assert (await world.issue("somebody-else")).session_id


async def sessions_of(world: World, subject: str, *, active: bool = False) -> list[str]:
    found = await world.sessions.store.list_sessions(
        TENANT, subject=subject, now=world.clock.now(), active_only=active, limit=100
    )
    return [session.session_id for session in found]


Create = Callable[[World, str], Coroutine[Any, Any, object]]


async def by_caller(world: World, user_id: str) -> Any:
    return await world.issue(user_id)


async def by_gateway(world: World, user_id: str) -> Any:
    return await create_gateway_session(world, user_id)


async def by_access_key(world: World, user_id: str) -> Any:
    key_id, secret = await world.engine.access_keys.create(tenant_id=TENANT, subject=user_id)
    key = as_any(await world.engine.access_keys.check(key_id, secret))
    return await world.engine.session_tokens.create(key, duration_seconds=3600)


async def by_password(world: World, _user_id: str) -> Any:
    return await sign_in(world)


@pytest.mark.parametrize("unlocked", [False, True], ids=["locked", "locked and unlocked"])
@pytest.mark.parametrize("create", [by_caller, by_gateway, by_access_key, by_password])
@pytest.mark.parametrize("where", ["before it is stored", "after it is stored"])
async def test_what_is_being_made_while_its_user_is_locked_is_dead_also_after_unlocking(
    world: World, create: Create, where: str, unlocked: bool
) -> None:
    user = await add(world)
    step = "create_limited" if create is by_gateway else "create"
    pause = (
        world.sessions.pause_after(step)
        if where == "after it is stored"
        else world.directory.pause_after("find_user" if create is by_password else "get_user")
    )
    making = asyncio.create_task(create(world, user.user_id))
    await pause.reached.wait()
    await lock(world.engine, user.user_id)
    if unlocked:
        await unlock(world.engine, user.user_id)
    pause.go_on.set()
    with pytest.raises(ServiceError):
        await making
    assert await sessions_of(world, user.user_id, active=True) == []
    await unlock(world.engine, user.user_id)
    assert await sessions_of(world, user.user_id, active=True) == []


async def test_a_lock_that_stops_half_way_has_killed_the_sessions_and_the_log_ends_them(
    make_world: MakeWorld,
) -> None:
    world = await make_world(background=True)
    user = await add(world)
    tokens = await sign_in(world)
    world.sessions.fails = {"revoke_subject"}
    with pytest.raises(StoreUnavailable):
        await lock(world.engine, user.user_id)
    assert not await world.lives(tokens.access_token)
    with pytest.raises(SessionEnded):
        await refresh(world, tokens.refresh_token)
    world.sessions.fails = set()
    world.engine.users.changed.set()
    kept = world.sessions.store

    async def ended() -> bool:
        return bool(as_any(await kept.get(tokens.session_id)).locked)

    async with asyncio.timeout(30):
        while not await ended():  # noqa: ASYNC110 (the store has no event for it)
            await asyncio.sleep(0.01)


async def test_another_process_learns_of_a_lock_with_its_next_poll(world: World) -> None:
    user = await add(world)
    other = await world.start()
    opened = await open_all(world, user.user_id)
    assert all([await alive(other, token) for token in opened.values()])
    await lock(world.engine, user.user_id)
    await other.mirror.poll()
    assert not any([await alive(other, token) for token in opened.values()])


async def test_what_the_log_told_is_looked_at_once(world: World) -> None:
    user = await add(world)
    other = await world.start()
    await lock(world.engine, user.user_id)
    await other.mirror.poll()
    assert other.users.changed.is_set()
    world.directory.calls.clear()
    await other.users.end_inactive()
    await other.users.end_inactive()
    assert world.directory.calls == ["get_user"]


async def test_changes_of_keys_are_no_changes_of_users(world: World) -> None:
    key_id, _ = await world.engine.access_keys.create(tenant_id=TENANT, subject="alice")
    await world.engine.access_keys.disable(key_id)
    await world.engine.mirror.poll()
    assert not world.engine.users.changed.is_set()


async def test_another_password_signs_everybody_out_and_the_old_one_is_wrong(world: World) -> None:
    user = await add(world)
    tokens = await sign_in(world)
    await world.engine.users.set_password(TENANT, user.user_id, "another password")
    assert not await world.lives(tokens.access_token)
    assert (await world.session(tokens.session_id)).status(world.clock.now()) is SessionStatus.REVOKED
    with pytest.raises(ServiceError):
        await sign_in(world)
    assert (await sign_in(world, password="another password")).session_id
