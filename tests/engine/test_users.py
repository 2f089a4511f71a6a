# SPDX-License-Identifier: Apache-2.0
import asyncio
from typing import Any

import pytest

from engine.doubles import Fragile, as_any
from engine.people import (
    OTHER_ADDRESS,
    PASSWORD,
    Step,
    add,
    disable,
    enable,
    lock,
    sign_in,
    stored,
    told,
    unlock,
    user_events,
)
from engine.world import OTHER_TENANT, TENANT, World
from tessera_service.engine import NewUser, UserChange
from tessera_service.errors import (
    InvalidInput,
    NameTaken,
    ServiceError,
    StoreUnavailable,
    UnknownTenant,
)
from tessera_service.models import EventType, LogKind, SessionMetadata, SessionStatus, UserStatus


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
