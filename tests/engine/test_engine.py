# SPDX-License-Identifier: Apache-2.0
"""The engine as a whole: over real databases, through restarts, beside other processes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engine.doubles import until
from engine.world import MASTER_KEY, TENANT, MakeWorld, World, config
from tessera_service.engine import Engine, MasterKeys
from tessera_service.errors import SessionEnded, StartupError, StoreUnavailable, Unauthorized
from tessera_service.models import IssuedTokens, IssueRequest
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore

Start = Callable[..., Awaitable[Engine]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts processes over one SQLite database, by the system's clock."""
    started: list[Engine] = []

    async def run(
        *, memory: bool = False, background: bool = False, master_key: bytes = MASTER_KEY, **changes: Any
    ) -> Engine:
        directory = SqlDirectory(f"sqlite:///{tmp_path / 'tessera.db'}")
        engine = Engine(
            config=config(**changes),
            directory=directory,
            sessions=MemorySessionStore(directory_id="a") if memory else SqlSessionStore(directory),
            master_keys=MasterKeys(current=master_key),
            background=background,
        )
        started.append(engine)
        await engine.start()
        return engine

    yield run
    for engine in started:
        await engine.stop()


async def issue(engine: Engine, subject: str = "alice") -> IssuedTokens:
    token = await engine.service_tokens.mint(
        tenant_id=TENANT, subject="gateway", permissions=["token.generate", "token.revoke"], ttl_seconds=3600
    )
    caller = await engine.tokens.authenticate(token, tenant_id=TENANT)
    return await engine.tokens.issue(caller, IssueRequest(TENANT, subject, "web"))


async def lives(engine: Engine, token: str) -> bool:
    try:
        await engine.tokens.authenticate(token, tenant_id=TENANT)
    except Unauthorized:
        return False
    return True


@pytest.mark.parametrize("memory", [False, True])
async def test_a_session_lives_through_its_whole_life(start: Start, memory: bool) -> None:
    engine = await start(memory=memory)
    first = await issue(engine)
    assert await lives(engine, first.access_token)
    second = await engine.tokens.refresh(first.refresh_token, tenant_id=TENANT)
    again = await engine.tokens.refresh(first.refresh_token, tenant_id=TENANT)
    assert (second.access_token, second.refresh_token) == (again.access_token, again.refresh_token)
    caller = await engine.tokens.authenticate(second.access_token, tenant_id=TENANT)
    await engine.tokens.revoke_current(caller)
    assert not await lives(engine, second.access_token)
    with pytest.raises(SessionEnded):
        await engine.tokens.refresh(second.refresh_token, tenant_id=TENANT)
    await engine.mirror.poll()
    assert not await lives(engine, second.access_token)


async def test_a_restart_keeps_keys_sessions_and_revocations(start: Start) -> None:
    before = await start()
    alive, dead, cut = await issue(before), await issue(before, "bob"), await issue(before, "carol")
    caller = await before.tokens.authenticate(dead.access_token, tenant_id=TENANT)
    await before.tokens.revoke_token(caller, dead.access_token)
    await before.tokens.revoke_subject(await before.tokens.authenticate(cut.access_token, tenant_id=TENANT), None)
    jwks = before.keys.jwks_now()
    await before.stop()
    after = await start()
    assert after.keys.jwks_now().body == jwks.body
    assert await lives(after, alive.access_token)
    assert not await lives(after, dead.access_token)
    assert not await lives(after, cut.access_token)
    assert (await after.tokens.refresh(alive.refresh_token, tenant_id=TENANT)).session_id == alive.session_id


async def test_with_memory_a_restart_ends_every_session_but_no_service_token(start: Start) -> None:
    before = await start(memory=True)
    tokens = await issue(before)
    service = await before.service_tokens.mint(tenant_id=TENANT, subject="a", permissions=[], ttl_seconds=60)
    await before.stop()
    after = await start(memory=True)
    assert not await lives(after, tokens.access_token)
    assert await lives(after, service)


async def test_processes_that_start_at_once_share_one_key(start: Start) -> None:
    engines = await asyncio.gather(*(start() for _ in range(3)))
    assert len({(await engine.keys.signing()).kid for engine in engines}) == 1


async def test_a_revocation_reaches_a_running_process_within_its_poll(start: Start) -> None:
    here, there = await start(), await start(background=True)
    tokens = await issue(here)
    assert await lives(there, tokens.access_token)
    caller = await here.tokens.authenticate(tokens.access_token, tenant_id=TENANT)
    await here.tokens.revoke_current(caller)

    def refused() -> bool:
        try:
            there.tokens.authenticate_now(tokens.access_token, tenant_id=TENANT)
        except Unauthorized:
            return True
        return False

    await until(refused)


async def test_fifty_refreshes_in_two_processes_over_one_database_have_one_successor(start: Start) -> None:
    here, there = await start(), await start()
    tokens = await issue(here)
    asked = [
        engine.tokens.refresh(tokens.refresh_token, tenant_id=TENANT, session_id=session_id)
        for engine in (here, there)
        for session_id in (None, tokens.session_id) * 13
    ]
    pairs = await asyncio.gather(*asked)
    assert len({(pair.access_token, pair.refresh_token) for pair in pairs}) == 1


async def test_one_database_is_one_log(start: Start) -> None:
    engine = await start()
    assert len(engine.mirror._followers) == 1


async def test_a_database_of_another_master_key_stops_the_start(start: Start) -> None:
    await (await start()).stop()
    with pytest.raises(StartupError, match="TESSERA_MASTER_KEY"):
        await start(master_key=bytes(32))


@pytest.mark.parametrize("step", ["add_tenant", "list_signing_keys", "read_log_snapshot"])
async def test_a_start_waits_for_its_turn_among_others(make_world: MakeWorld, step: str) -> None:
    world = await make_world(store_timeout_ms=2500)
    await world.engine.stop()
    world.directory.calls.clear()
    world.directory.fails_times = {step: 3}  # each after the time of a call, were it a database
    other = await world.start()
    await other.service_tokens.mint(tenant_id=TENANT, subject="gateway", permissions=(), ttl_seconds=60)
    assert world.directory.calls.count(step) >= 4


async def test_a_start_does_not_wait_for_ever(make_world: MakeWorld) -> None:
    world = await make_world(store_timeout_ms=2500)
    await world.engine.stop()
    world.directory.calls.clear()
    world.directory.fails = {"add_tenant"}
    with pytest.raises(StoreUnavailable):
        await world.start()
    assert world.directory.calls.count("add_tenant") == 4


async def test_a_failed_start_leaves_nothing_open(make_world: MakeWorld) -> None:
    world = await make_world()
    world.sessions.fails = {"open"}
    with pytest.raises(StoreUnavailable):
        await world.start()
    assert world.directory.store.opened == 0


async def test_a_store_that_cannot_be_closed_does_not_keep_the_other_open(world: World) -> None:
    world.sessions.fails = {"close"}
    with pytest.raises(StoreUnavailable):
        await world.engine.stop()
    assert world.directory.store.opened == 0
    world.sessions.fails = set()


async def test_stop_leaves_no_task_and_may_be_repeated(make_world: MakeWorld) -> None:
    world = await make_world(background=True)
    await world.issue()
    for _ in range(2):
        await world.engine.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not world.engine.mirror.is_fresh


async def test_stop_is_not_held_up_by_a_hung_store(make_world: MakeWorld) -> None:
    world = await make_world(background=True)
    tokens = await world.issue()
    with world.impatient():
        world.sessions.hanging = world.directory.hanging = True
        asked = asyncio.create_task(world.engine.tokens.refresh(tokens.refresh_token, tenant_id=TENANT))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(20):
            await world.engine.stop()
        with pytest.raises(StoreUnavailable):
            await asked
    world.sessions.hanging = world.directory.hanging = False


@pytest.mark.parametrize("sick", ["sessions", "directory"])
async def test_ready_says_whether_everything_answers(world: World, sick: str) -> None:
    await world.engine.ready()
    store = getattr(world, sick)
    store.failing = True
    with pytest.raises(StoreUnavailable):
        await world.engine.ready()
    store.failing = False
    world.engine.mirror.close()
    with pytest.raises(StoreUnavailable):
        await world.engine.ready()
    await world.engine.mirror.poll()
    await world.engine.ready()


async def test_the_tasks_rotate_keys_by_themselves(make_world: MakeWorld) -> None:
    world = await make_world(background=True)
    world.clock.advance(2_592_000)
    world.engine.keys.stale.set()
    await until(lambda: len(world.directory.store.keys) == 2)
