# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from engine.doubles import as_any
from engine.world import TENANT, MakeWorld, World, claims_of
from tessera_service.engine import Engine
from tessera_service.errors import StoreUnavailable, Unauthorized
from tessera_service.models import LogKind, Revocation
from tessera_service.storage.memory_log import MemoryLog


def lives_in(engine: Engine, token: str) -> bool | None:
    """What the memory of that process says: None when it has to ask."""
    try:
        return None if engine.tokens.authenticate_now(token, tenant_id=TENANT) is None else True
    except Unauthorized:
        return False


async def warm(engine: Engine, token: str) -> None:
    await engine.tokens.authenticate(token, tenant_id=TENANT)
    assert lives_in(engine, token) is True


def log_of(world: World) -> MemoryLog:
    log: MemoryLog = world.sessions.store._state.log
    return log


def revocation(world: World) -> Revocation:
    return Revocation(world.clock.now_ms(), "test", "operator", world.clock.now() + 1000)


@pytest.mark.parametrize("form", ["jti", "session", "subject"])
async def test_another_process_refuses_after_its_next_poll(world: World, form: str) -> None:
    other = await world.start()
    tokens = await world.issue("alice")
    await warm(other, tokens.access_token)
    caller = await world.caller("token.revoke")
    if form == "jti":
        await world.engine.tokens.revoke_token(caller, tokens.access_token)
    elif form == "session":
        await world.engine.tokens.revoke_session(caller, tokens.session_id)
    else:
        await world.engine.tokens.revoke_subject(caller, "alice")
    refused = None if form == "subject" else False  # of a cut-off: read again, and refused
    assert lives_in(world.engine, tokens.access_token) is refused
    assert lives_in(other, tokens.access_token) is True
    await other.mirror.poll()
    assert lives_in(other, tokens.access_token) is refused
    for engine in (world.engine, other):
        with pytest.raises(Unauthorized):
            await engine.tokens.authenticate(tokens.access_token, tenant_id=TENANT)


async def test_a_service_tokens_end_reaches_other_processes_through_the_directorys_log(world: World) -> None:
    other = await world.start()
    token = await world.service_token("token.introspect")
    await warm(other, token)
    await world.engine.service_tokens.revoke(claims_of(token)["jti"])
    assert lives_in(world.engine, token) is False
    await other.mirror.poll()
    assert lives_in(other, token) is False


async def test_a_withdrawn_key_kills_its_tokens_in_other_processes_and_leaves_the_jwks(world: World) -> None:
    other = await world.start()
    tokens = await world.issue("alice")
    await warm(other, tokens.access_token)
    kid = world.active_kid
    await world.engine.keys.revoke(kid)
    assert lives_in(world.engine, tokens.access_token) is not True
    await other.mirror.poll()
    assert lives_in(other, tokens.access_token) is not True
    assert kid not in other.keys.export_jwks()
    assert other.keys.stale.is_set()
    with pytest.raises(Unauthorized):
        await other.tokens.authenticate(tokens.access_token, tenant_id=TENANT)


@pytest.mark.parametrize("named", ["session", "subject"])
async def test_a_changed_record_is_read_again(world: World, named: str) -> None:
    tokens = await world.issue("alice", permissions=("user.read",))
    await warm(world.engine, tokens.access_token)
    session = world.sessions.store._state.sessions[tokens.session_id]
    world.sessions.store._state.sessions[tokens.session_id] = type(session)(
        **{name: getattr(session, name) for name in session.__slots__} | {"permissions": ("user.write",)}
    )
    key = tokens.session_id if named == "session" else "alice"
    log_of(world).append(LogKind.CHANGED, TENANT, key, revocation(world))
    await world.engine.mirror.poll()
    assert lives_in(world.engine, tokens.access_token) is None
    assert (await world.who(tokens.access_token)).permissions == {"user.write"}


@pytest.mark.parametrize("form", ["session", "subject"])
async def test_what_ended_leaves_the_table_in_every_process(world: World, form: str) -> None:
    other = await world.start()
    tokens = await world.issue("alice")
    await warm(other, tokens.access_token)
    if form == "session":
        await world.engine.tokens.revoke_session(await world.caller("token.revoke"), tokens.session_id)
    else:
        await world.engine.tokens.revoke_subject(await world.caller("token.revoke"), "alice")
    await other.mirror.poll()
    for engine in (world.engine, other):
        assert engine.mirror.table.find(tokens.session_id, now=world.clock.now()) is None


async def test_start_up_knows_what_was_revoked_before(world: World) -> None:
    tokens = await world.issue("alice")
    await world.engine.tokens.revoke_token(await world.caller("token.revoke"), tokens.access_token)
    late = await world.start()
    assert lives_in(late, tokens.access_token) is False


async def test_a_replaced_log_empties_the_table_and_revives_nothing(world: World) -> None:
    dead, alive = await world.issue("alice"), await world.issue("bob")
    await warm(world.engine, alive.access_token)
    await world.engine.tokens.revoke_current(await world.who(dead.access_token))
    await world.engine.mirror.poll()
    world.sessions.store._state.log = MemoryLog()
    await world.engine.mirror.poll()
    assert lives_in(world.engine, alive.access_token) is None
    assert lives_in(world.engine, dead.access_token) is False
    await warm(world.engine, alive.access_token)


async def test_each_log_is_followed_once_though_two_stores_share_it(world: World) -> None:
    shared = as_any(world.engine.mirror)
    assert len(shared._followers) == 2
    world.sessions.store.__class__ = type(
        "Shared", (type(world.sessions.store),), {"log_key": property(lambda self: world.directory.store.log_key)}
    )
    other = await world.start()
    assert len(as_any(other.mirror)._followers) == 1


# Freshness


async def test_the_mirror_is_closed_until_its_first_snapshot(world: World) -> None:
    late = await world.start()
    late.mirror.close()
    assert not late.mirror.is_fresh
    await late.mirror.poll()
    assert late.mirror.is_fresh


@pytest.mark.parametrize("broken", ["sessions", "directory"])
async def test_one_silent_log_is_enough_to_make_the_mirror_stale(world: World, broken: str) -> None:
    store = world.sessions if broken == "sessions" else world.directory
    world.engine.mirror.close()
    store.fails = {"read_log"}
    with pytest.raises(StoreUnavailable):
        await world.engine.mirror.poll()
    assert not world.engine.mirror.is_fresh
    store.fails = set()
    await world.engine.mirror.poll()
    assert world.engine.mirror.is_fresh


async def test_what_one_log_says_is_applied_though_the_other_is_silent(world: World) -> None:
    other = await world.start()
    tokens = await world.issue("alice")
    await warm(other, tokens.access_token)
    await world.engine.tokens.revoke_current(await world.who(tokens.access_token))
    world.directory.fails = {"read_log"}
    with pytest.raises(StoreUnavailable):
        await other.mirror.poll()
    assert lives_in(other, tokens.access_token) is False


async def test_freshness_counts_from_when_a_poll_was_sent(make_world: MakeWorld) -> None:
    world = await make_world(max_freshness_ms=400)
    pause = world.sessions.pause_after("read_log")
    world.engine.mirror.close()
    poll = asyncio.create_task(world.engine.mirror.poll())
    await pause.reached.wait()
    await asyncio.sleep(0.5)
    pause.go_on.set()
    await poll
    assert not world.engine.mirror.is_fresh


async def test_a_poll_that_hangs_is_given_up(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sessions.hanging = True
    with world.impatient(), pytest.raises(StoreUnavailable):
        await world.engine.mirror.poll()


async def test_two_polls_do_not_run_through_each_other(world: World) -> None:
    pause = world.sessions.pause_after("read_log")
    first = asyncio.create_task(world.engine.mirror.poll())
    await pause.reached.wait()
    second = asyncio.create_task(world.engine.mirror.poll())
    await asyncio.sleep(0.01)
    assert world.sessions.calls.count("read_log") == 1
    pause.go_on.set()
    await asyncio.gather(first, second)
    assert world.sessions.calls.count("read_log") == 2


# Fills


@pytest.mark.parametrize("event", ["session", "subject", "resync", "own"])
async def test_a_fill_that_was_overtaken_by_an_invalidation_is_thrown_away(world: World, event: str) -> None:
    tokens = await world.issue("alice")
    world.engine.mirror.table.clear()
    pause = world.sessions.pause_after("read_state")
    asked = asyncio.create_task(world.engine.tokens.authenticate(tokens.access_token, tenant_id=TENANT))
    await pause.reached.wait()
    if event == "resync":
        world.sessions.store._state.log = MemoryLog()
    elif event == "own":
        world.engine.mirror.table.drop(tokens.session_id)
    else:
        key = tokens.session_id if event == "session" else "alice"
        log_of(world).append(LogKind.CHANGED, TENANT, key, revocation(world))
    await world.engine.mirror.poll()
    pause.go_on.set()
    await asked  # it was asked before, and may be answered so
    assert world.engine.mirror.table.find(tokens.session_id, now=world.clock.now()) is None


async def test_a_service_tokens_fill_is_thrown_away_too(world: World) -> None:
    token = await world.service_token("token.introspect")
    pause = world.directory.pause_after("get_service_token")
    asked = asyncio.create_task(world.engine.tokens.authenticate(token, tenant_id=TENANT))
    await pause.reached.wait()
    await world.engine.service_tokens.revoke(claims_of(token)["jti"])
    pause.go_on.set()
    await asyncio.gather(asked, return_exceptions=True)
    assert world.engine.mirror.table.find(claims_of(token)["jti"], now=world.clock.now()) is None
    assert lives_in(world.engine, token) is False


async def test_a_session_that_is_revoked_while_it_is_created_is_not_remembered_alive(world: World) -> None:
    pause = world.sessions.pause_after("create")
    asked = asyncio.create_task(world.issue("alice"))
    await pause.reached.wait()
    await world.engine.tokens.revoke_subject(await world.caller("token.revoke"), "alice")
    pause.go_on.set()
    tokens = await asked
    assert lives_in(world.engine, tokens.access_token) is not True
    assert await world.introspect(tokens.access_token) == {"active": False}
