# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from engine.doubles import Fragile, as_any
from engine.gateway import create as create_gateway_session
from engine.people import OTHER_ADDRESS, PASSWORD, add, sign_in
from engine.world import OTHER_TENANT, TENANT, MakeWorld, World, claims_of
from tessera_service.engine import Engine, NewUser, UserChange
from tessera_service.errors import (
    Forbidden,
    InvalidInput,
    NameTaken,
    ServiceError,
    SessionEnded,
    StoreUnavailable,
    Unauthorized,
    UnknownTenant,
)
from tessera_service.models import Event, EventType, Grant, LogKind, SessionMetadata, SessionStatus, User, UserStatus

Step = Callable[[Engine, str], Awaitable[User | None]]


async def lock(engine: Engine, user_id: str) -> User | None:
    return await engine.users.lock(TENANT, user_id)


async def disable(engine: Engine, user_id: str) -> User | None:
    return await engine.users.disable(TENANT, user_id)


async def unlock(engine: Engine, user_id: str) -> User | None:
    return await engine.users.unlock(TENANT, user_id)


async def enable(engine: Engine, user_id: str) -> User | None:
    return await engine.users.enable(TENANT, user_id)


STOPS = [
    pytest.param(lock, unlock, "locked", "unlocked", id="lock"),
    pytest.param(disable, enable, "disabled", "enabled", id="disable"),
]


def stored(world: World, user: User) -> User:
    found: User = world.directory.store.users[user.tenant_id, user.user_id]
    return found


def told(world: World) -> list[str | None]:
    return [event.data["change"] for event in user_events(world)]


def user_events(world: World) -> list[Event]:
    rows = world.directory.store.outbox.read(after=0, limit=100)
    return [row.event for row in rows if row.event.type is EventType.USER_SYNC]


# Adding and changing


async def test_a_user_is_added_with_normal_names_a_hash_and_an_event(world: World) -> None:
    user = await add(world, " Alice ", email="Alice@Example.COM", phone="+84 912 345 678", roles=("a", "a", "b"))
    assert (user.username, user.email, user.phone) == ("alice", "alice@example.com", "+84912345678")
    assert (user.status, user.version, user.roles, user.created_at) == (
        *(UserStatus.ACTIVE, 1, ("a", "b")),
        world.clock.now(),
    )
    assert as_any(user.password_hash).startswith("$argon2id$")
    assert PASSWORD not in repr(user)
    (event,) = user_events(world)
    assert (event.type, event.event_id, event.session_id) == (EventType.USER_SYNC, f"{user.user_id}.1", None)
    assert event.data == {"user_id": user.user_id, "tenant_id": TENANT, "change": "added"}


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("username", {"username": "ALICE"}),
        ("email", {"email": "alice@EXAMPLE.com"}),
        ("phone", {"phone": "0084912345678"}),
    ],
)
async def test_a_name_is_one_users_in_its_tenant_only(world: World, field: str, values: dict[str, str]) -> None:
    await add(world, email="alice@example.com", phone="+84912345678")
    with pytest.raises(NameTaken) as caught:
        await add(world, **({"username": "bob"} | values))
    assert caught.value.field == field
    assert (await add(world, **({"username": "bob"} | values), tenant_id=OTHER_TENANT)).user_id


@pytest.mark.parametrize(
    ("field", "values"),
    [
        *(("username", {"username": name}) for name in ("", "  ", "a\nb", "x" * 129, "\ud800", "a\0")),
        *(("email", {"email": address}) for address in ("", "a", "a@", "@b", "a b@c", "a@b@c", "a@" + "b" * 200)),
        *(("phone", {"phone": number}) for number in ("", "12345", "0912345678", "+1", "x")),
        *(("password", {"password": password}) for password in ("", "x" * 7, "x" * 1025)),
        *(("role", {"roles": roles}) for roles in (("a b",), ("",), tuple(f"r{n}" for n in range(65)))),
        *(("permission", {"permissions": names}) for names in (("a b",), ("x" * 65,))),
    ],
)
async def test_what_is_not_accepted_is_named_and_nothing_is_added(
    world: World, field: str, values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await add(world, **({"username": "alice"} | values))
    assert caught.value.field == field
    assert world.directory.store.users == {}


async def test_a_user_has_a_name_of_some_kind_and_an_existing_tenant(world: World) -> None:
    with pytest.raises(InvalidInput):
        await world.engine.users.add(NewUser(TENANT))
    with pytest.raises(UnknownTenant):
        await world.engine.users.add(NewUser("tenant-x", username="alice"))
    assert (await world.engine.users.add(NewUser(TENANT, phone="+84912345678"))).password_hash is None


async def test_a_user_is_found_by_id_and_by_name_in_its_own_tenant(world: World) -> None:
    user = await add(world)
    await world.engine.tenants.add(OTHER_TENANT)
    for name in (user.user_id, "alice", "ALICE"):
        assert await world.engine.users.find(TENANT, name) == user
        assert await world.engine.users.find(OTHER_TENANT, name) is None
    assert await world.engine.users.find(TENANT, "bob") is None
    assert await world.engine.users.list(TENANT) == [user]
    assert await world.engine.users.list(OTHER_TENANT) == []


async def test_a_change_is_one_version_one_event_and_one_entry(world: World) -> None:
    user = await add(world)
    change = UserChange(email="a@example.com", phone="+84912345678", roles=("r",), permissions=("p",))
    after = await world.engine.users.set(TENANT, user.user_id, change)
    assert after == stored(world, user)
    assert (as_any(after).version, as_any(after).email, as_any(after).permissions) == (2, "a@example.com", ("p",))
    assert await world.engine.users.set(TENANT, user.user_id, change) == after  # the same again changes nothing
    assert told(world) == ["added", "changed"]
    (entry,) = world.directory.store.log.snapshot()
    assert (entry.kind, entry.tenant_id, entry.key) == (LogKind.CHANGED, TENANT, user.user_id)
    cleared = await world.engine.users.set(TENANT, user.user_id, UserChange(email="", phone="", roles=()))
    assert (as_any(cleared).email, as_any(cleared).phone, as_any(cleared).roles) == (None, None, ())


async def test_a_change_to_what_another_user_has_is_refused(world: World) -> None:
    await add(world, "bob", email="bob@example.com")
    user = await add(world)
    with pytest.raises(NameTaken) as caught:
        await world.engine.users.set(TENANT, user.user_id, UserChange(email="bob@example.com"))
    assert (caught.value.field, stored(world, user)) == ("email", user)


async def test_two_changes_at_once_both_happen(world: World) -> None:
    user = await add(world)
    pause = world.directory.pause_after("get_user")
    first = asyncio.create_task(world.engine.users.set(TENANT, user.user_id, UserChange(roles=("r",))))
    await pause.reached.wait()
    await world.engine.users.set(TENANT, user.user_id, UserChange(permissions=("p",)))
    pause.go_on.set()
    await first
    assert (stored(world, user).roles, stored(world, user).permissions, stored(world, user).version) == (
        *(("r",), ("p",), 3),
    )


@pytest.mark.parametrize("step", [lock, disable, unlock, enable])
async def test_an_unknown_user_is_none_and_nothing_happens(world: World, step: Step) -> None:
    other = await add(world, tenant_id=OTHER_TENANT)
    assert await step(world.engine, other.user_id) is None
    assert await world.engine.users.set(TENANT, other.user_id, UserChange(roles=())) is None
    assert await world.engine.users.set_password(TENANT, other.user_id, PASSWORD) is None
    assert await world.engine.users.delete(TENANT, other.user_id) is False
    assert stored(world, other) == other


# Sessions of users


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


# Deleting


async def test_deleting_a_user_leaves_ids_and_nothing_of_the_person(world: World) -> None:
    where = SessionMetadata(ip_address="203.0.113.7", user_agent="Firefox", location="Hanoi", device_type="web")
    user, other = await add(world, email="alice@example.com"), await add(world, "bob")
    mine = [(await sign_in(world, metadata=where)).session_id for _ in range(3)]
    kept = (await sign_in(world, "bob", metadata=where)).session_id
    before = await world.session(kept)

    assert await world.engine.users.delete(TENANT, user.user_id) is True

    assert world.directory.store.users == {(TENANT, other.user_id): other}
    for session_id in mine:
        session = await world.session(session_id)
        assert (session.username, session.metadata) == (None, SessionMetadata())
        assert session.status(world.clock.now()) is SessionStatus.LOCKED
    assert await world.session(kept) == before
    assert told(world)[-2:] == ["disabled", "deleted"]
    events = [row.event for row in await world.sessions.store.read_outbox(after=0, limit=100)]
    for event in events:
        seen = [event.data.get(name) for name in ("ip_address", "user_agent", "location")]
        assert any(seen) is (event.user_id == other.user_id)
    assert {event.session_id for event in events} >= {*mine, kept}


async def test_the_names_of_a_deleted_user_are_free_and_the_id_is_not_used_again(world: World) -> None:
    user = await add(world, email="alice@example.com")
    await world.engine.users.delete(TENANT, user.user_id)
    again = await add(world, email="alice@example.com")
    assert again.user_id != user.user_id
    assert await world.engine.users.delete(TENANT, user.user_id) is False


@pytest.mark.parametrize(
    ("store", "step"),
    [
        *(("sessions", step) for step in ("revoke_subject", "erase_subject", "erase_events")),
        *(("directory", step) for step in ("erase_events", "delete_user")),
    ],
)
async def test_a_deletion_that_stops_half_way_can_be_done_again(world: World, store: str, step: str) -> None:
    user = await add(world)
    tokens = await sign_in(world, address=OTHER_ADDRESS)
    fragile: Fragile = getattr(world, store)
    fragile.fails = {step}
    with pytest.raises(StoreUnavailable):
        await world.engine.users.delete(TENANT, user.user_id)
    assert not await world.lives(tokens.access_token)
    with pytest.raises(ServiceError):
        await sign_in(world, address=OTHER_ADDRESS)
    fragile.fails = set()
    assert await world.engine.users.delete(TENANT, user.user_id) is True
    assert world.directory.store.users == {}


async def test_a_session_that_was_signed_in_to_does_not_outlive_the_record_of_its_user(world: World) -> None:
    user = await add(world)
    tokens = await sign_in(world)
    del world.directory.store.users[TENANT, user.user_id]
    world.engine.mirror.table.clear()
    assert not await world.lives(tokens.access_token)
