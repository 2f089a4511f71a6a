# SPDX-License-Identifier: Apache-2.0
"""What an operator's step leaves to those who follow the log: it may not have reached their sessions, or not have come
to its end."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.people import PASSWORD, add, disable, enable, lock, sign_in, unlock, user_events
from engine.test_users_sessions import open_all
from engine.world import MASTER_KEY, TENANT, World
from tessera_service.engine import Engine, MasterKeys, UserChange
from tessera_service.errors import ServiceError, StoreUnavailable, Unauthorized
from tessera_service.models import SessionMetadata, SessionStatus
from tessera_service.storage.memory import MemorySessionStore

WHERE = SessionMetadata(ip_address="203.0.113.7", user_agent="Firefox", location="Hanoi", device_type="web")
OTHER_PASSWORD = "another password"

Change = Callable[[Engine, str], Awaitable[object]]


async def operator_of(world: World) -> Engine:
    """A command beside a service that keeps its sessions in memory: the directory alone is common to both."""
    engine = Engine(
        config=world.config,
        directory=world.directory,
        sessions=MemorySessionStore(directory_id="directory-a"),
        master_keys=MasterKeys(current=MASTER_KEY),
        clock=world.clock,
        background=False,
    )
    await engine.start()
    world.engines.append(engine)
    return engine


async def follow(world: World) -> None:
    await world.engine.mirror.poll()
    await world.engine.users.end_inactive()


async def statuses(world: World, session_ids: dict[str, str]) -> set[SessionStatus]:
    return {(await world.session(session_id)).status(world.clock.now()) for session_id in session_ids}


async def set_password(engine: Engine, user_id: str) -> None:
    await engine.users.set_password(TENANT, user_id, OTHER_PASSWORD)


async def lock_and_unlock(engine: Engine, user_id: str) -> None:
    await lock(engine, user_id)
    await unlock(engine, user_id)


async def disable_and_enable(engine: Engine, user_id: str) -> None:
    await disable(engine, user_id)
    await enable(engine, user_id)


@pytest.mark.parametrize("change", [set_password, lock_and_unlock, disable_and_enable])
async def test_a_service_with_its_sessions_in_memory_ends_them_and_not_those_made_since(
    world: World, change: Change
) -> None:
    user = await add(world)
    before = await open_all(world, user.user_id)
    await change(await operator_of(world), user.user_id)
    world.clock.advance(1)
    password = OTHER_PASSWORD if change is set_password else PASSWORD
    since = (await sign_in(world, password=password)).access_token
    await follow(world)
    assert await statuses(world, before) == {SessionStatus.REVOKED}
    assert await world.lives(since)
    await follow(world)
    assert await world.lives(since)


async def test_a_service_with_its_sessions_in_memory_ends_and_erases_those_of_a_user_that_is_gone(world: World) -> None:
    user = await add(world)
    await sign_in(world, metadata=WHERE)
    before = await open_all(world, user.user_id)
    assert await (await operator_of(world)).users.delete(TENANT, user.user_id)
    await follow(world)
    assert await statuses(world, before) == {SessionStatus.LOCKED}
    await assert_erased(world, user.user_id)


async def assert_erased(world: World, user_id: str) -> None:
    page = await world.sessions.store.page_sessions(
        TENANT, subject=user_id, status=None, now=world.clock.now(), limit=100, offset=0
    )
    assert page.total
    assert {(session.username, session.metadata) for session in page.sessions} == {(None, SessionMetadata())}
    told = [row.event for row in await world.sessions.store.read_outbox(after=0, limit=100)]
    assert not any(event.data.get(name) for event in told for name in ("ip_address", "user_agent", "location"))


async def test_a_password_whose_change_stopped_half_way_leaves_no_session_of_the_old_one(world: World) -> None:
    user = await add(world)
    tokens = await sign_in(world)
    world.sessions.fails = {"revoke_subject"}
    with pytest.raises(StoreUnavailable):
        await set_password(world.engine, user.user_id)
    world.sessions.fails = set()
    await follow(world)
    assert not await world.lives(tokens.access_token)


async def test_what_the_log_tells_of_a_user_who_is_just_being_looked_at_is_looked_at_too(world: World) -> None:
    user = await add(world)
    operator = await operator_of(world)
    await operator.users.set(TENANT, user.user_id, UserChange(roles=("reader",)))
    tokens = await sign_in(world)
    await world.engine.mirror.poll()
    pause = world.directory.pause_after("get_user")
    looking = asyncio.create_task(world.engine.users.end_inactive())
    await pause.reached.wait()  # it has read the user as active
    await lock(operator, user.user_id)
    await world.engine.mirror.poll()
    pause.go_on.set()
    await looking
    await world.engine.users.end_inactive()
    assert (await world.session(tokens.session_id)).status(world.clock.now()) is SessionStatus.LOCKED


# Deleting beside others


async def test_the_access_keys_of_a_user_who_is_gone_open_nothing(world: World) -> None:
    user, other = await add(world), await add(world, "bob")
    keys = world.engine.access_keys
    key_id, secret = await keys.create(tenant_id=TENANT, subject=user.user_id)
    kept_id, kept_secret = await keys.create(tenant_id=TENANT, subject=other.user_id)
    key = await keys.check(key_id, secret)
    assert key is not None
    await world.engine.users.delete(TENANT, user.user_id)
    assert await keys.check(key_id, secret) is None
    with pytest.raises(Unauthorized):
        await world.engine.session_tokens.create(key, duration_seconds=3600)
    assert await keys.check(kept_id, kept_secret) is not None


async def test_a_user_who_is_enabled_while_being_deleted_is_gone_with_every_session(world: World) -> None:
    user = await add(world)
    pause = world.sessions.pause_after("erase_subject")
    deleting = asyncio.create_task(world.engine.users.delete(TENANT, user.user_id))
    await pause.reached.wait()
    await enable(world.engine, user.user_id)
    opened = await open_all(world, user.user_id)
    pause.go_on.set()
    assert await deleting is True
    assert await statuses(world, opened) == {SessionStatus.LOCKED}
    ids = [event.event_id for event in user_events(world)]
    assert len(ids) == len(set(ids))


async def test_a_session_that_is_stored_while_its_user_is_being_deleted_tells_nothing(world: World) -> None:
    user = await add(world)
    proved = world.directory.pause_after("give_back")
    signing_in = asyncio.create_task(sign_in(world, metadata=WHERE))
    await proved.reached.wait()
    erased = world.directory.pause_after("erase_events")  # the last of it, before the record goes
    deleting = asyncio.create_task(world.engine.users.delete(TENANT, user.user_id))
    await erased.reached.wait()
    proved.go_on.set()
    with pytest.raises(ServiceError):
        await signing_in
    erased.go_on.set()
    assert await deleting
    await assert_erased(world, user.user_id)


@pytest.mark.parametrize("step", ["find_user", "give_back"])
async def test_a_session_that_is_stored_after_its_user_was_deleted_tells_nothing(world: World, step: str) -> None:
    user = await add(world)
    found = world.directory.pause_after(step)
    signing_in = asyncio.create_task(sign_in(world, metadata=WHERE))
    await found.reached.wait()
    assert await world.engine.users.delete(TENANT, user.user_id)
    found.go_on.set()
    with pytest.raises(ServiceError):
        await signing_in
    await assert_erased(world, user.user_id)
