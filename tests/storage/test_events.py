# SPDX-License-Identifier: Apache-2.0
"""Every store: each change tells of itself, once, in its own step."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from storage.examples import (
    NOW,
    NOW_MS,
    eviction,
    gateway_session,
    limit,
    make_session,
    revocation,
    rotation,
    slide,
    tokens,
    whole_log,
)
from storage.stores import broken_outbox
from tessera_service.errors import StoreUnavailable
from tessera_service.models import Event, EventType, ServiceToken, Session, SessionMetadata
from tessera_service.storage.base import SessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore

Step = Callable[[SessionStore], Awaitable[object]]

WHY: dict[str, str | None] = {
    "revoked_reason": "manual",
    "revoked_at": "2027-01-15T08:00:00Z",
    "revoked_by": "admin",
}
WHERE = {"ip_address": "203.0.113.9", "device_type": "web"}


async def events(store: SessionStore, *, after: int = 0) -> list[Event]:
    return [row.event for row in await store.read_outbox(after=after)]


async def ids(store: SessionStore) -> list[str]:
    return [event.event_id for event in await events(store)]


def revoked(name: str, **changes: str | None) -> Event:
    """The end of a session by `revocation()`."""
    data = {"session_id": name, "user_id": "alice", "tenant_id": "tenant-a"} | WHY | WHERE | changes
    return Event(f"{name}.revoked", EventType.REVOKED, "tenant-a", name, "alice", NOW_MS, data)


def of_key(name: str) -> Session:
    return replace(make_session(name), access_key_id="key-1")


async def test_a_new_session_is_told(store: SessionStore) -> None:
    origin = SessionMetadata("203.0.113.9", "Firefox", "ios", "iPhone", "17", "1.0", "Hue")
    await store.create(replace(make_session(), metadata=origin))
    data = {
        "user_id": "alice",
        "tenant_id": "tenant-a",
        "auth_method": "jwt_bearer",
        "session_id": "s1",
        "ip_address": "203.0.113.9",
        "user_agent": "Firefox",
        "device_type": "ios",
        "location": "Hue",
    }
    assert await events(store) == [
        Event("s1.issued", EventType.ISSUED, "tenant-a", "s1", "alice", NOW_MS, data),
    ]


async def test_what_is_not_known_of_a_session_is_null(store: SessionStore) -> None:
    await store.create(replace(make_session(), metadata=SessionMetadata(), username=None))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    made, ended = await events(store)
    assert {made.data[name] for name in ("ip_address", "user_agent", "device_type", "location")} == {None}
    assert ended == revoked("s1", ip_address=None, device_type=None)


async def test_a_revoked_session_is_told_once(store: SessionStore) -> None:
    await store.create(make_session())
    for _ in range(2):
        await store.revoke_session("s1", revocation=revocation())
    assert (await events(store))[1:] == [revoked("s1")]


async def test_a_revoked_subject_is_told_for_each_session_that_ends(store: SessionStore) -> None:
    origin = SessionMetadata(ip_address='203.0."1', location="Huế \\ 'x'", device_model="iPhone")
    await store.create(replace(make_session("s2", created_ms=NOW_MS + 1), metadata=origin))
    await store.create(make_session("s3"))
    await store.create(make_session("gone"))
    await store.create(make_session("over", expires_at=NOW - 86_400))
    await store.create(make_session("locked", locked=True))
    await store.create(make_session("bobs", subject="bob"))
    await store.revoke_session("gone", revocation=revocation())
    before = len(await events(store))
    for _ in range(2):
        await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    assert (await events(store, after=before)) == [
        revoked("s3"),
        revoked("s2", ip_address='203.0."1', device_type=None),
    ]


async def test_a_session_that_was_cut_off_is_not_told_again(store: SessionStore) -> None:
    await store.create(make_session("s1", expires_at=NOW - 90_000))
    await store.create(make_session("s2"))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    await store.revoke_session("s1", revocation=revocation())
    await store.revoke_others("tenant-a", "alice", keep="none", revocation=revocation())
    assert await ids(store) == ["s1.issued", "s2.issued", "s2.revoked"]


async def test_a_lock_tells_why(store: SessionStore) -> None:
    await store.create(make_session("s1"))
    why = replace(revocation(reason="user_locked"), locked=True)
    await store.revoke_subject("tenant-a", "alice", revocation=why)
    assert (await events(store))[1:] == [revoked("s1", revoked_reason="user_locked")]


async def test_all_others_are_told(store: SessionStore) -> None:
    for name in ("s1", "s2", "s3"):
        await store.create(make_session(name))
    await store.revoke_others("tenant-a", "alice", keep="s2", revocation=revocation())
    assert (await events(store))[3:] == [revoked("s1"), revoked("s3")]


async def test_the_sessions_of_an_access_key_are_told(store: SessionStore) -> None:
    for name in ("s1", "s2"):
        await store.create(of_key(name))
    for _ in range(3):
        await store.revoke_access_key_sessions("key-1", revocation=revocation(), limit=1)
    assert (await events(store))[2:] == [revoked("s1"), revoked("s2")]


async def test_a_creation_within_a_limit_tells_of_whom_it_evicts(store: SessionStore) -> None:
    for number in range(3):
        await store.create_limited(gateway_session(f"s{number}"), limit=limit(2), eviction=eviction())
    assert await ids(store) == ["s0.issued", "s1.issued", "s2.issued", "s0.revoked"]
    assert (await events(store))[3] == revoked("s0", revoked_reason="concurrent_limit")


async def test_a_creation_that_is_refused_tells_nothing(store: SessionStore) -> None:
    await store.create_limited(gateway_session("s1"), limit=limit(1), eviction=eviction())
    await store.create_limited(gateway_session("s2"), limit=limit(1, policy="reject"), eviction=eviction())
    with pytest.raises(ValueError, match="new"):
        await store.create(gateway_session("s1"))
    assert await ids(store) == ["s1.issued"]


async def test_reuse_is_told_and_no_other_rotation(store: SessionStore) -> None:
    await store.create(make_session())
    await store.rotate(rotation("s1-r0", 1))
    await store.rotate(rotation("s1-r0", 2))
    assert await ids(store) == ["s1.issued"]
    for _ in range(2):
        await store.rotate(rotation("nothing", 3))
    assert (await events(store))[1:] == [revoked("s1", revoked_reason="refresh_reuse")]


async def test_a_revoked_token_is_told_once_under_its_own_id(store: SessionStore) -> None:
    await store.create(make_session())
    for _ in range(2):
        await store.revoke_token(tokens("s1", 0)[0], revocation=revocation())
    assert (await events(store))[1:] == [replace(revoked("s1", jti="s1-a0"), event_id="s1-a0.revoked")]


async def test_a_revoked_token_of_a_session_that_is_gone_is_told_without_its_metadata(store: SessionStore) -> None:
    await store.revoke_token(tokens("s1", 0)[0], revocation=revocation())
    expected = revoked("s1", jti="s1-a0", ip_address=None, device_type=None)
    assert await events(store) == [replace(expected, event_id="s1-a0.revoked")]


async def test_what_only_reads_or_moves_on_tells_nothing(store: SessionStore) -> None:
    await store.create(make_session("s1"))
    await store.create(gateway_session("g1"))
    before = await ids(store)
    await store.rotate(rotation("s1-r0", 1))
    await store.slide(slide(0, 1, session_id="g1"))
    await store.touch({"g1": NOW_MS + 5})
    await store.get("s1")
    await store.erase_subject("tenant-a", "alice")
    await store.purge(now=NOW + 90_000, retention_seconds=0)
    assert await ids(store) == before


# A step that cannot tell does nothing

STEPS: dict[str, Step] = {
    "create": lambda store: store.create(make_session("new")),
    "create_limited": lambda store: store.create_limited(gateway_session("new"), limit=limit(1), eviction=eviction()),
    "rotate": lambda store: store.rotate(rotation("nothing", 5)),
    "revoke_session": lambda store: store.revoke_session("s1", revocation=revocation()),
    "revoke_subject": lambda store: store.revoke_subject("tenant-a", "alice", revocation=revocation()),
    "revoke_others": lambda store: store.revoke_others("tenant-a", "alice", keep="s1", revocation=revocation()),
    "revoke_access_key_sessions": lambda store: store.revoke_access_key_sessions("key-1", revocation=revocation()),
    "revoke_token": lambda store: store.revoke_token(tokens("s1", 0)[0], revocation=revocation()),
}


async def everything(store: SessionStore) -> list[Any]:
    names = ("s1", "s2", "g1", "new")
    return [
        await whole_log(store),
        await events(store),
        await store.outbox_size(),
        [await store.get(name) for name in names],
        [await store.find_token(token.jti) for name in names for token in tokens(name, 0)],
        await store.count_sessions("tenant-a", surface="token", now=NOW),
        await store.count_sessions("tenant-a", surface="gateway", now=NOW),
        await store.list_sessions("tenant-a", subject="alice", now=NOW, active_only=False, limit=9),
    ]


@pytest.mark.parametrize("name", sorted(STEPS))
async def test_a_step_that_cannot_write_its_event_changes_nothing(store: SessionStore, name: str) -> None:
    for session in (make_session("s1"), of_key("s2"), gateway_session("g1")):
        await store.create(session)
    before = await everything(store)
    with broken_outbox(store):
        with pytest.raises(StoreUnavailable):
            await STEPS[name](store)
        assert await everything(store) == before
    await STEPS[name](store)
    after = await everything(store)
    assert after[1][: len(before[1])] == before[1]
    assert len(after[1]) > len(before[1])


# The directory, which has its outbox from its database

_SERVICE_TOKEN = ServiceToken("j1", "tenant-a", "reader", "edge", (), False, 1, NOW + 60)


async def test_a_revoked_service_token_is_told_once_and_has_no_session(directory: SqlDirectory) -> None:
    await directory.add_service_token(_SERVICE_TOKEN)
    for _ in range(2):
        await directory.revoke_service_token("j1", revocation=revocation())
    nowhere: dict[str, str | None] = {"session_id": None, "ip_address": None, "device_type": None}
    data = nowhere | {"user_id": "reader", "tenant_id": "tenant-a", "jti": "j1"} | WHY
    assert [row.event for row in await directory.read_outbox(after=0)] == [
        Event("j1.revoked", EventType.REVOKED, "tenant-a", None, "reader", NOW_MS, data)
    ]


async def test_a_service_token_whose_end_cannot_be_told_stays(directory: SqlDirectory) -> None:
    await directory.add_service_token(_SERVICE_TOKEN)
    with broken_outbox(directory), pytest.raises(StoreUnavailable):
        await directory.revoke_service_token("j1", revocation=revocation())
    token = await directory.get_service_token("j1")
    assert token is not None
    assert token.revoked_at is None
    assert (await directory.read_log(after=0)).head == 0
    assert await directory.read_outbox(after=0) == []


async def test_sessions_and_directory_of_one_database_share_one_outbox(directory: SqlDirectory) -> None:
    await directory.add_service_token(_SERVICE_TOKEN)
    sessions = SqlSessionStore(directory)
    await sessions.open()
    assert sessions.outbox_key == directory.outbox_key
    await sessions.create(make_session())
    await directory.revoke_service_token("j1", revocation=revocation())
    for store in (sessions, directory):
        assert [row.event.event_id for row in await store.read_outbox(after=0)] == ["s1.issued", "j1.revoked"]
    await sessions.close()
