# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.doubles import Fragile, as_any, until
from engine.people import ADDRESS, OTHER_ADDRESS, PASSWORD, WRONG, add, login_of, refusal, sign_in
from engine.world import OTHER_TENANT, TENANT, MakeWorld, World, claims_of
from tessera_service.engine.passwords import Passwords
from tessera_service.errors import CredentialsRefused, InvalidInput, Overloaded, StoreUnavailable
from tessera_service.models import SessionMetadata, SessionStatus, UserStatus


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What passwords were compared with, None for the decoy."""
    found: list[str | None] = []
    match = Passwords.match

    async def watch(self: Passwords, password: bytes, expected: str | None) -> bool:
        found.append(expected)
        return await match(self, password, expected)

    monkeypatch.setattr(Passwords, "match", watch)
    return found


async def test_the_right_password_opens_a_session_with_what_the_user_may(world: World) -> None:
    user = await add(world, roles=("editor",), permissions=("doc.read", "doc.write"))
    where = SessionMetadata(ip_address=ADDRESS, device_type="web")
    tokens = await sign_in(world, scope="doc.read admin", client_id="web-1", metadata=where)
    claims = claims_of(tokens.access_token)
    assert (claims["sub"], claims["user_id"], claims["username"]) == (user.user_id, user.user_id, "alice")
    assert (claims["permissions"], claims["roles"]) == (["doc.read", "doc.write"], ["editor"])
    assert (claims["scope"], claims["client_id"]) == ("doc.read", "web-1")
    session = await world.session(tokens.session_id)
    assert (session.surface, session.auth_method, session.metadata) == ("auth", "local", where)
    assert (await world.who(tokens.access_token)).permissions == {"doc.read", "doc.write"}


@pytest.mark.parametrize("name", ["alice", "ALICE", "  Alice ", "\uff41\uff4c\uff49\uff43\uff45"])
async def test_a_name_is_the_same_however_it_is_typed(world: World, name: str) -> None:
    await add(world, "Alice")
    assert (await sign_in(world, name)).session_id


async def test_an_address_of_e_mail_will_do_in_place_of_the_name(world: World) -> None:
    await add(world, email="Alice@Example.com")
    assert (await sign_in(world, None, email=" ALICE@example.COM")).session_id
    await refusal(world, "alice@example.com", PASSWORD)


@pytest.mark.parametrize(("username", "email"), [(None, None), ("alice", "alice@example.com")])
async def test_exactly_one_name_is_given(world: World, username: str | None, email: str | None) -> None:
    with pytest.raises(InvalidInput):
        await sign_in(world, username, email=email)


@pytest.mark.parametrize("password", ["", "x" * 1025, "\ud800"])
async def test_what_cannot_be_a_password_is_not_counted(world: World, password: str) -> None:
    await add(world)
    for _ in range(6):
        with pytest.raises(InvalidInput):
            await sign_in(world, password=password)
    assert (await sign_in(world)).session_id


async def test_a_user_of_another_tenant_is_unknown_here(world: World) -> None:
    await add(world, tenant_id=OTHER_TENANT)
    await refusal(world, password=PASSWORD)
    assert (await sign_in(world, tenant_id=OTHER_TENANT)).session_id


async def test_failures_of_one_tenant_lock_nobody_out_of_another(world: World) -> None:
    for tenant_id in (TENANT, OTHER_TENANT):
        await add(world, tenant_id=tenant_id)
    for _ in range(6):
        await refusal(world)
    assert (await sign_in(world, tenant_id=OTHER_TENANT)).session_id


Prepare = Callable[[World], Awaitable[Any]]


async def nobody(_: World) -> None:
    pass


async def locked(world: World) -> None:
    await world.engine.users.lock(TENANT, (await add(world)).user_id)


async def disabled(world: World) -> None:
    await world.engine.users.disable(TENANT, (await add(world)).user_id)


async def without_password(world: World) -> None:
    await add(world, password=None)


CAUSES = [
    pytest.param(nobody, PASSWORD, id="unknown"),
    pytest.param(add, WRONG, id="wrong"),
    pytest.param(locked, PASSWORD, id="locked by an operator"),
    pytest.param(disabled, PASSWORD, id="disabled"),
    pytest.param(without_password, PASSWORD, id="no password"),
]


@pytest.mark.parametrize(("prepare", "password"), CAUSES)
async def test_every_refusal_counts_down_to_the_lock_out_alike(world: World, prepare: Prepare, password: str) -> None:
    await prepare(world)
    said = [await refusal(world, password=password) for _ in range(7)]
    assert said == [(4, None), (3, None), (2, None), (1, None), (0, 900), (0, 900), (0, 900)]


@pytest.mark.parametrize(("prepare", "password"), CAUSES)
async def test_every_refusal_is_the_same_work(
    world: World, prepare: Prepare, password: str, compared: list[str | None]
) -> None:
    await prepare(world)
    for _ in range(6):  # the last one is locked out
        world.directory.calls.clear()
        compared.clear()
        await refusal(world, password=password)
        assert world.directory.calls == ["take", "find_user"]
        assert len(compared) == 1


async def test_the_lock_out_refuses_the_right_password_too_and_ends_after_15_minutes(
    world: World, compared: list[str | None]
) -> None:
    await add(world)
    for _ in range(4):
        await refusal(world)
    world.clock.advance(600)
    assert await refusal(world) == (0, 900)
    world.clock.advance(899)
    assert await refusal(world, password=PASSWORD) == (0, 1)
    assert compared[-1] is None  # it was not even looked at
    world.clock.advance(1)
    assert (await sign_in(world)).session_id


async def test_tries_while_locked_out_do_not_prolong_it(world: World) -> None:
    await add(world)
    for _ in range(5):
        await refusal(world)
    for _ in range(9):
        world.clock.advance(99)
        await refusal(world, password=PASSWORD)
    world.clock.advance(9)
    assert (await sign_in(world)).session_id


async def test_a_failure_is_forgotten_after_15_minutes(world: World) -> None:
    await add(world)
    assert await refusal(world) == (4, None)
    world.clock.advance(899)
    assert await refusal(world) == (3, None)
    world.clock.advance(1)
    assert await refusal(world) == (3, None)


async def test_success_forgets_the_failures_before_it(world: World) -> None:
    await add(world)
    for _ in range(3):
        for _ in range(4):
            await refusal(world)
        assert (await sign_in(world)).session_id


async def test_a_lock_out_of_one_address_is_none_of_another(world: World) -> None:
    await add(world)
    for _ in range(6):
        await refusal(world)
    assert (await sign_in(world, address=OTHER_ADDRESS)).session_id
    assert await refusal(world, password=PASSWORD) == (0, 900)


async def test_addresses_that_one_holder_has_by_the_million_are_one(world: World) -> None:
    await add(world)
    said = [await refusal(world, address=f"2001:db8::{number:x}") for number in range(6)]
    assert said[-1] == (0, 900)
    assert (await sign_in(world, address="2001:db8:1::1")).session_id


async def test_an_account_bears_100_failures_an_hour_over_all_addresses(world: World) -> None:
    await add(world)
    for number in range(100):
        await refusal(world, address=f"198.51.100.{number}")
    said = await refusal(world, password=PASSWORD, address=OTHER_ADDRESS)
    assert said == (0, 3600)
    world.clock.advance(3599)
    assert await refusal(world, password=PASSWORD, address=OTHER_ADDRESS) == (0, 1)
    world.clock.advance(1)
    assert (await sign_in(world, address=OTHER_ADDRESS)).session_id


async def test_an_unknown_name_bears_as_many(world: World) -> None:
    for number in range(100):
        await refusal(world, "nobody", address=f"198.51.100.{number}")
    assert await refusal(world, "nobody", address=OTHER_ADDRESS) == (0, 3600)


async def test_the_spelling_of_a_name_gives_no_more_tries(world: World) -> None:
    await add(world)
    said = [await refusal(world, name) for name in ("alice", "Alice", " alice", "ALICE\t", "\uff41lice", "aliCe")]
    assert said[-2:] == [(0, 900), (0, 900)]


async def test_what_is_no_name_is_counted_as_well(world: World) -> None:
    for name in ("a\0b", "", "\ud800", "x" * 600):
        said = [await refusal(world, name) for _ in range(5)]
        assert said[-1] == (0, 900)


async def test_of_200_wrong_passwords_at_once_5_are_looked_at(world: World, compared: list[str | None]) -> None:
    await add(world)
    outcomes = await asyncio.gather(*(refusal(world) for _ in range(200)), return_exceptions=True)
    assert sum(one is not None for one in compared) == 5
    assert {type(one) for one in outcomes} <= {tuple, Overloaded}
    assert await refusal(world, password=PASSWORD) == (0, 900)


async def test_of_200_wrong_passwords_on_two_processes_5_are_looked_at(
    world: World, compared: list[str | None]
) -> None:
    await add(world)
    other = await world.start()
    tries = [
        engine.login.with_password(login_of(password=WRONG)) for _ in range(100) for engine in (world.engine, other)
    ]
    await asyncio.gather(*tries, return_exceptions=True)
    assert sum(one is not None for one in compared) == 5


async def test_a_burst_of_50_right_passwords_succeeds(world: World) -> None:
    await add(world)
    tokens = await asyncio.gather(*(sign_in(world) for _ in range(50)))
    assert len({one.session_id for one in tokens}) == 50
    assert len(as_any(world.engine.login)._turns) == 0


async def test_no_more_than_64_wait_for_one_name_from_one_address(world: World) -> None:
    await add(world)
    outcomes = await asyncio.gather(*(sign_in(world) for _ in range(70)), return_exceptions=True)
    assert sum(isinstance(one, Overloaded) for one in outcomes) == 70 - 65
    assert (await sign_in(world)).session_id


async def test_a_full_queue_counts_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await add(world)

    async def full(*_: object) -> bool:
        raise Overloaded

    with monkeypatch.context() as patch:
        patch.setattr(Passwords, "match", full)
        for _ in range(7):
            with pytest.raises(Overloaded):
                await sign_in(world)
    assert await refusal(world) == (4, None)


@pytest.mark.parametrize("step", ["take", "find_user", "give_back", "get_user", "create"])
async def test_a_failing_store_is_unavailable_and_never_wrong_nor_right(world: World, step: str) -> None:
    await add(world)
    store: Fragile = world.sessions if step == "create" else world.directory
    store.fails = {step}
    with pytest.raises(StoreUnavailable):
        await sign_in(world)
    store.fails = set()
    assert (await sign_in(world)).session_id


async def test_a_counter_that_cannot_be_stored_lets_no_password_be_looked_at(
    world: World, compared: list[str | None]
) -> None:
    await add(world)
    world.directory.fails = {"take"}
    with pytest.raises(StoreUnavailable):
        await sign_in(world)
    assert compared == []


@pytest.mark.parametrize(("password", "left"), [(PASSWORD, 4), (WRONG, 3)])
async def test_a_caller_that_goes_away_is_counted_as_one_who_stays(world: World, password: str, left: int) -> None:
    await add(world)
    pause = world.directory.pause_after("take")
    trying = asyncio.create_task(sign_in(world, password=password))
    await pause.reached.wait()
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)
    pause.go_on.set()
    await until(lambda: len(as_any(world.engine.login)._turns) == 0)
    assert await refusal(world) == (left, None)


async def test_one_who_goes_away_while_waiting_lets_the_next_have_the_turn(world: World) -> None:
    await add(world)
    pause = world.directory.pause_after("take")
    first, gone, last = (asyncio.create_task(sign_in(world)) for _ in range(3))
    await pause.reached.wait()
    await asyncio.sleep(0)
    gone.cancel()
    pause.go_on.set()
    await asyncio.gather(gone, return_exceptions=True)
    assert (await first).session_id != (await last).session_id


async def test_a_hash_of_old_costs_is_made_anew_by_the_next_success(make_world: MakeWorld) -> None:
    world = await make_world()
    user = await add(world)
    object.__setattr__(world.config, "password_memory_kib", 128)
    engine = await world.start()
    before = world.directory.store.users[TENANT, user.user_id]
    with pytest.raises(CredentialsRefused):
        await engine.login.with_password(login_of(password=WRONG))
    assert world.directory.store.users[TENANT, user.user_id] == before
    await engine.login.with_password(login_of())
    after = world.directory.store.users[TENANT, user.user_id]
    assert "m=128," in as_any(after.password_hash)
    assert replace(after, password_hash=before.password_hash) == before
    await engine.login.with_password(login_of())
    assert world.directory.store.users[TENANT, user.user_id] == after


async def test_a_hash_that_cannot_be_made_anew_does_not_stand_in_the_way(make_world: MakeWorld) -> None:
    world = await make_world()
    await add(world)
    object.__setattr__(world.config, "password_memory_kib", 128)
    engine = await world.start()
    world.directory.fails = {"set_password_hash"}
    assert (await engine.login.with_password(login_of())).session_id


async def test_the_limit_is_the_setting(make_world: MakeWorld) -> None:
    world = await make_world(login_max_attempts=1)
    await add(world)
    assert (await sign_in(world)).session_id
    assert await refusal(world) == (0, 900)
    assert await refusal(world, password=PASSWORD) == (0, 900)


async def test_counters_are_keyed_and_hold_no_name(world: World) -> None:
    await refusal(world, "alice")
    kept = json.dumps([key.hex() for key in world.directory.store.hits])
    assert len(world.directory.store.hits) == 2
    assert b"alice".hex() not in kept
    assert {len(key) for key in world.directory.store.hits} == {32}


async def test_no_repr_and_no_error_holds_the_password(world: World) -> None:
    await add(world)
    assert "canary-password" not in repr(login_of(password="canary-password"))
    with pytest.raises(CredentialsRefused) as caught:
        await sign_in(world, password="canary-password")
    assert "canary-password" not in repr(caught.value) + str(vars(caught.value))


# Races with an operator


async def test_a_user_locked_while_signing_in_has_no_session_afterwards_nor_after_unlocking(world: World) -> None:
    user = await add(world)
    for store, step in ((world.directory, "find_user"), (world.directory, "give_back"), (world.sessions, "create")):
        pause = store.pause_after(step)
        signing_in = asyncio.create_task(sign_in(world))
        await pause.reached.wait()
        assert (await as_any(world.engine.users.lock(TENANT, user.user_id))).status is UserStatus.LOCKED
        pause.go_on.set()
        with pytest.raises((CredentialsRefused, StoreUnavailable)):
            await signing_in
        await world.engine.users.unlock(TENANT, user.user_id)
        assert await live_sessions(world, user.user_id) == []


async def test_a_user_locked_and_unlocked_while_signing_in_has_no_session_afterwards(world: World) -> None:
    user = await add(world)
    for store, step in ((world.directory, "find_user"), (world.directory, "give_back"), (world.sessions, "create")):
        pause = store.pause_after(step)
        signing_in = asyncio.create_task(sign_in(world))
        await pause.reached.wait()
        await world.engine.users.lock(TENANT, user.user_id)
        await world.engine.users.unlock(TENANT, user.user_id)
        pause.go_on.set()
        with pytest.raises((CredentialsRefused, StoreUnavailable)):
            await signing_in
        assert await live_sessions(world, user.user_id) == []
    assert (await sign_in(world)).session_id


async def test_a_password_changed_while_signing_in_with_the_old_one_leaves_no_session(world: World) -> None:
    user = await add(world)
    pause = world.directory.pause_after("give_back")
    signing_in = asyncio.create_task(sign_in(world))
    await pause.reached.wait()
    await world.engine.users.set_password(TENANT, user.user_id, "another password")
    pause.go_on.set()
    with pytest.raises(StoreUnavailable):
        await signing_in
    assert await live_sessions(world, user.user_id) == []


async def live_sessions(world: World, subject: str) -> list[str]:
    found = await world.sessions.store.list_sessions(
        TENANT, subject=subject, now=world.clock.now(), active_only=True, limit=100
    )
    assert all(session.status(world.clock.now()) is SessionStatus.ACTIVE for session in found)
    return [session.session_id for session in found]
