# SPDX-License-Identifier: Apache-2.0
import asyncio
import contextlib
from dataclasses import replace

import pytest

from engine.doubles import until
from engine.gateway import SPAN, create, last_activity_ms, validate
from engine.world import OTHER_TENANT, TENANT, MakeWorld, World
from tessera_service.engine.activity import Activity
from tessera_service.errors import SessionForbidden, SessionNotFound, StoreUnavailable, TokenDead
from tessera_service.models import TokenKind
from tessera_service.storage.base import TOUCHED_AT_ONCE


async def reason_of(world: World, token: str, *, tenant_id: str | None = None) -> str:
    """Why a token does not count."""
    with pytest.raises(TokenDead) as dead:
        await validate(world, token, tenant_id=tenant_id)
    with contextlib.suppress(TokenDead):  # or it is left to the store
        assert world.engine.gateway.validate_now(token, tenant_id=tenant_id) is None
    return dead.value.reason


# Validation


async def test_a_live_token_shows_its_session(world: World) -> None:
    session, token = await create(world)
    world.clock.advance(ms=1500)
    found = await validate(world, token)
    view = found.session
    assert (view.session_id, view.tenant_id, view.subject) == (session.session_id, TENANT, "alice")
    assert (view.username, view.roles, view.permissions) == ("Alice A.", ("admin",), ("read", "write"))
    assert (view.created_ms, view.expires_at, view.ends_at) == (session.created_ms, session.expires_at, session.ends_at)
    assert (view.span_seconds, found.last_activity_ms) == (SPAN, world.clock.now_ms())
    assert world.engine.gateway.validate_now(token, tenant_id=None) == found


async def test_a_session_of_another_surface_is_shown_as_it_is(world: World) -> None:
    pair = await world.issue("bob", roles=("a", "b"), permissions=("z", "y"), username=None)
    view = (await validate(world, pair.access_token)).session
    stored = await world.session(pair.session_id)
    assert (view.subject, view.username, view.roles, view.permissions) == ("bob", None, ("a", "b"), ("z", "y"))
    assert (view.expires_at, view.span_seconds) == (stored.expires_at, 0)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "x" * 9000, "é.é.é", " "])
async def test_what_is_no_token_is_not_found(world: World, text: str) -> None:
    assert await reason_of(world, text) == "not_found"


async def test_only_access_tokens_with_a_session_count(world: World) -> None:
    pair = await world.issue("alice")
    await validate(world, pair.access_token)
    assert await reason_of(world, pair.refresh_token) == "not_found"
    assert await reason_of(world, await world.service_token("token.generate")) == "not_found"
    for kind in (TokenKind.SESSION, TokenKind.REFRESH, TokenKind.SERVICE):
        assert await reason_of(world, world.forge(kind, session_id=pair.session_id)) == "not_found"


async def test_a_token_is_expired_from_its_end_on_and_not_before(world: World) -> None:
    session, token = await create(world)
    world.clock.time_ms = session.expires_at * 1000 - 1
    await validate(world, token)
    world.clock.advance(ms=1)
    assert await reason_of(world, token) == "expired"


async def test_revoked_evicted_and_locked_are_inactive(world: World) -> None:
    _, token = await create(world)
    await world.engine.gateway.logout(token, tenant_id=None)
    assert await reason_of(world, token) == "inactive"
    session, token = await create(world)
    await world.engine.tokens.revoke_token(await world.caller(), token)
    assert await reason_of(world, token) == "inactive"
    session, token = await create(world)
    await world.engine.tokens.revoke_subject(await world.caller(), "alice")
    assert await reason_of(world, token) == "inactive"
    session, token = await create(world)
    world.sessions.store._state.sessions[session.session_id] = replace(session, locked=True)
    world.engine.mirror.table.clear()
    assert await reason_of(world, token) == "inactive"


async def test_a_token_whose_session_nobody_knows_is_not_found(world: World) -> None:
    assert await reason_of(world, world.forge(TokenKind.ACCESS)) == "not_found"
    session, _ = await create(world)
    other = world.forge(TokenKind.ACCESS, session_id=session.session_id, subject="mallory")
    world.engine.mirror.table.clear()
    assert await reason_of(world, other) == "not_found"


async def test_another_tenants_token_is_not_found_dead_or_alive(world: World) -> None:
    _, token = await create(world)
    await validate(world, token, tenant_id=TENANT)
    for other in (OTHER_TENANT, "", "no such tenant"):
        assert await reason_of(world, token, tenant_id=other) == "not_found"
    await world.engine.gateway.logout(token, tenant_id=TENANT)
    assert await reason_of(world, token, tenant_id=TENANT) == "inactive"
    assert await reason_of(world, token, tenant_id=OTHER_TENANT) == "not_found"
    world.clock.advance(SPAN)
    assert await reason_of(world, token, tenant_id=TENANT) == "expired"
    assert await reason_of(world, token, tenant_id=OTHER_TENANT) == "not_found"


async def test_an_expired_service_token_is_not_found(world: World) -> None:
    token = await world.service_token("token.generate")
    world.clock.advance(86_400)
    assert await reason_of(world, token) == "not_found"


async def test_a_store_that_fails_is_never_a_dead_token(world: World) -> None:
    _, token = await create(world)
    world.engine.mirror.table.clear()
    world.sessions.failing = True
    assert world.engine.gateway.validate_now(token, tenant_id=None) is None
    with pytest.raises(StoreUnavailable):
        await validate(world, token)


# Ending


async def test_logout_ends_the_session_of_the_token(world: World) -> None:
    session, token = await create(world)
    await world.engine.gateway.logout(token, tenant_id=None)
    ended = await world.session(session.session_id)
    assert (ended.revoked_reason, ended.revoked_by) == ("user_logout", "alice")
    with pytest.raises(TokenDead):
        await world.engine.gateway.logout(token, tenant_id=None)


async def test_a_session_is_ended_by_its_owner_and_again_with_success(world: World) -> None:
    _, token = await create(world)
    two, _ = await create(world)
    caller = await world.engine.gateway.identify(token, tenant_id=None)
    await world.engine.gateway.revoke(caller, two.session_id)
    await world.engine.gateway.revoke(caller, two.session_id)
    assert (await world.session(two.session_id)).revoked_reason == "manual"
    assert await world.lives(token)


async def test_others_sessions_are_ended_with_the_permission_only(world: World) -> None:
    target, _ = await create(world, "bob")
    _, token = await create(world, "alice", permissions=("token.revoke",), held=("token.revoke",))
    caller = await world.engine.gateway.identify(token, tenant_id=None)
    for exclude in (False, True):
        with pytest.raises(SessionForbidden):
            await world.engine.gateway.revoke_user(caller, "bob", exclude_current=exclude)
    with pytest.raises(SessionForbidden):
        await world.engine.gateway.revoke(caller, target.session_id)
    name = "session.revoke:any"
    _, token = await create(world, "alice", permissions=(name,), held=(name,))
    caller = await world.engine.gateway.identify(token, tenant_id=None)
    await world.engine.gateway.revoke(caller, target.session_id)
    assert (await world.session(target.session_id)).revoked_ms is not None
    assert await world.engine.gateway.revoke_user(caller, "bob", exclude_current=False) == (0, 0)


async def test_unknown_sessions_and_those_of_other_tenants_are_not_found(world: World) -> None:
    await world.engine.tenants.add(OTHER_TENANT)
    foreign, _ = await create(world, "alice", tenant_id=OTHER_TENANT)
    name = "session.revoke:any"
    _, token = await create(world, "alice", permissions=(name,), held=(name,))
    caller = await world.engine.gateway.identify(token, tenant_id=None)
    for session_id in ("unknown", "", foreign.session_id):
        with pytest.raises(SessionNotFound):
            await world.engine.gateway.revoke(caller, session_id)
    assert await world.engine.gateway.revoke_user(caller, "nobody", exclude_current=True) == (0, 0)


async def test_all_of_a_user_are_ended_and_counted(world: World) -> None:
    made = [await create(world) for _ in range(3)]
    pair = await world.issue("alice")
    caller = await world.engine.gateway.identify(made[0][1], tenant_id=None)
    assert await world.engine.gateway.revoke_user(caller, "alice", exclude_current=False) == (4, 4)
    assert not any([await world.lives(token) for token in (pair.access_token, *(token for _, token in made))])


async def test_all_but_the_current_one_are_ended_and_counted(world: World) -> None:
    made = [await create(world) for _ in range(3)]
    caller = await world.engine.gateway.identify(made[1][1], tenant_id=None)
    assert await world.engine.gateway.revoke_user(caller, "alice", exclude_current=True) == (2, 3)
    assert [await world.lives(token) for _, token in made] == [False, True, False]
    assert await world.engine.gateway.revoke_user(caller, "alice", exclude_current=True) == (0, 1)


async def test_what_was_just_over_is_ended_with_the_others_but_not_counted(world: World) -> None:
    over, _ = await create(world)
    world.clock.advance(1800)
    made = [await create(world) for _ in range(2)]
    caller = await world.engine.gateway.identify(made[0][1], tenant_id=None)
    assert await world.engine.gateway.revoke_user(caller, "alice", exclude_current=True) == (1, 2)
    session = await world.session(over.session_id)
    assert (session.revoked_reason, session.revoked_by) == ("manual", "alice")


# Lists and figures


async def test_a_list_shows_the_active_sessions_newest_first(world: World) -> None:
    made = []
    for _ in range(4):
        made.append(await create(world))
        world.clock.advance(1)
    await world.engine.gateway.logout(made[1][1], tenant_id=None)
    caller = await world.engine.gateway.identify(made[0][1], tenant_id=None)
    listed = await world.engine.gateway.list(caller, "alice")
    assert [session.session_id for session in listed] == [made[number][0].session_id for number in (3, 2, 0)]
    await create(world, "bob")
    with pytest.raises(SessionForbidden):
        await world.engine.gateway.list(caller, "bob")
    _, token = await create(world, "carol", permissions=("session.read:any",), held=("session.read:any",))
    caller = await world.engine.gateway.identify(token, tenant_id=None)
    assert len(await world.engine.gateway.list(caller, "bob")) == 1
    assert len(await world.engine.gateway.list(caller, "nobody")) == 0


async def test_figures_are_those_of_the_gateway_and_of_the_tenant(world: World) -> None:
    await world.engine.tenants.add(OTHER_TENANT)
    await world.issue("alice")
    await create(world, tenant_id=OTHER_TENANT)
    _, token = await create(world, "alice")
    await create(world, "bob", expires_at=world.clock.now() + 10)
    await create(world, "carol")
    await world.engine.gateway.logout(token, tenant_id=None)
    world.clock.advance(10)
    counts = await world.engine.gateway.stats(TENANT)
    assert (counts.total, counts.active, counts.expired) == (3, 1, 1)
    assert (await world.engine.gateway.stats("tenant-x")).total == 0


# Activity


async def test_a_use_is_seen_at_once_and_written_later(world: World) -> None:
    session, token = await create(world)
    world.clock.advance(ms=1234)
    await validate(world, token)
    assert "touch" not in world.sessions.calls
    assert await last_activity_ms(world, session) == session.created_ms
    caller = await world.engine.gateway.identify(token, tenant_id=None)
    (listed,) = await world.engine.gateway.list(caller, "alice")
    assert listed.last_activity_ms == session.created_ms + 1234
    await world.engine._activity.flush()
    assert await last_activity_ms(world, session) == session.created_ms + 1234


async def test_many_uses_are_one_writing(world: World) -> None:
    session, token = await create(world)
    for _ in range(50):
        world.clock.advance(1)
        await validate(world, token)
    await world.engine._activity.flush()
    await world.engine._activity.flush()
    assert world.sessions.calls.count("touch") == 1
    assert await last_activity_ms(world, session) == world.clock.now_ms()


async def test_what_was_noted_is_written_when_the_engine_stops(world: World) -> None:
    _, token = await create(world)
    world.clock.advance(5)
    await validate(world, token)
    await world.engine.stop()
    assert world.sessions.calls.count("touch") == 1


async def test_an_engine_whose_store_is_gone_stops_all_the_same(world: World) -> None:
    _, token = await create(world)
    await validate(world, token)
    world.sessions.fails.add("touch")
    await world.engine.stop()
    assert world.sessions.calls.count("touch") == 1


class Touched:
    """A store that remembers what it was told."""

    def __init__(self) -> None:
        self.batches: list[dict[str, int]] = []
        self.failing_from = 10**9
        self.pause: asyncio.Event | None = None
        self.waiting = False

    async def touch(self, activities: dict[str, int]) -> None:
        if self.pause is not None:
            self.waiting = True
            await self.pause.wait()
        if len(self.batches) >= self.failing_from:
            raise StoreUnavailable
        self.batches.append(dict(activities))


def activity(world: World) -> tuple[Activity, Touched]:
    store = Touched()
    return Activity(sessions=store, config=world.config), store  # type: ignore[arg-type]


async def test_batches_are_bounded(world: World) -> None:
    noted, store = activity(world)
    for number in range(2 * TOUCHED_AT_ONCE + 1):
        noted.note(TENANT, f"user-{number % 7}", f"session-{number}", number)
    await noted.flush()
    assert [len(batch) for batch in store.batches] == [TOUCHED_AT_ONCE, TOUCHED_AT_ONCE, 1]
    assert {at for batch in store.batches for at in batch.values()} == set(range(2 * TOUCHED_AT_ONCE + 1))


async def test_what_could_not_be_written_stays_noted_and_the_later_use_counts(world: World) -> None:
    noted, store = activity(world)
    for number in range(TOUCHED_AT_ONCE + 2):
        noted.note(TENANT, "alice", f"session-{number}", 5)
    store.failing_from = 1
    with pytest.raises(StoreUnavailable):
        await noted.flush()
    noted.note(TENANT, "alice", f"session-{TOUCHED_AT_ONCE}", 9)
    noted.note(TENANT, "alice", f"session-{TOUCHED_AT_ONCE + 1}", 4)
    store.failing_from = 10**9
    await noted.flush()
    assert store.batches[1] == {f"session-{TOUCHED_AT_ONCE}": 9, f"session-{TOUCHED_AT_ONCE + 1}": 5}


async def test_one_subject_is_written_alone(world: World) -> None:
    noted, store = activity(world)
    noted.note(TENANT, "alice", "one", 1)
    noted.note(OTHER_TENANT, "alice", "two", 2)
    await noted.flush_subject(TENANT, "alice")
    await noted.flush_subject(TENANT, "nobody")
    assert store.batches == [{"one": 1}]
    assert (noted.last_ms(TENANT, "alice", "one"), noted.last_ms(OTHER_TENANT, "alice", "two")) == (0, 2)


async def test_what_is_being_written_is_known_and_written_before_a_limit_chooses(world: World) -> None:
    noted, store = activity(world)
    store.pause = asyncio.Event()
    noted.note(TENANT, "alice", "one", 1)
    noted.note(TENANT, "alice", "two", 2)
    writing = asyncio.create_task(noted.flush())
    await until(lambda: store.waiting)
    noted.note(TENANT, "alice", "two", 3)
    assert [noted.last_ms(TENANT, "alice", name) for name in ("one", "two")] == [1, 3]
    store.waiting, pause, store.pause = False, store.pause, None
    await noted.flush_subject(TENANT, "alice")
    assert store.batches == [{"one": 1, "two": 3}]
    pause.set()
    await writing
    assert noted.last_ms(TENANT, "alice", "two") == 0


async def test_a_store_that_fails_is_not_asked_again_without_a_pause(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tessera_service.engine.activity.MAX_PENDING", 8)
    noted, store = activity(world)
    for number in range(6):
        noted.note(TENANT, "alice", f"session-{number}", 1)
    noted.full.clear()
    store.failing_from = 0
    with pytest.raises(StoreUnavailable):
        await noted.flush()
    noted.note(TENANT, "alice", "session-0", 2)
    noted.note(TENANT, "alice", "session-6", 2)
    assert not noted.full.is_set()


async def test_the_notes_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tessera_service.engine.activity.MAX_PENDING", 4)
    noted, store = activity(world)
    for number in range(6):
        noted.note(TENANT, "alice", f"session-{number}", 1)
    assert noted.full.is_set()
    noted.note(TENANT, "alice", "session-0", 2)
    await noted.flush()
    assert store.batches == [{"session-0": 2, "session-1": 1, "session-2": 1, "session-3": 1}]
    noted.note(TENANT, "alice", "session-5", 3)
    assert noted.last_ms(TENANT, "alice", "session-5") == 3


async def test_the_background_writes_what_was_noted(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tessera_service.engine.engine.FLUSH_SECONDS", 0.01)
    world = await make_world(background=True)
    session, token = await create(world)
    world.clock.advance(1)
    await validate(world, token)
    await until(lambda: "touch" in world.sessions.calls)
    assert await last_activity_ms(world, session) == session.created_ms + 1000
