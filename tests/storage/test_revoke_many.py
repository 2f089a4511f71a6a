# SPDX-License-Identifier: Apache-2.0
"""Every store: all but one, and all of an access key."""

from dataclasses import replace

import pytest

from storage.examples import NOW, NOW_MS, gateway_session, make_session, revocation, whole_log
from tessera_service.models import LogEntry, LogKind, RevokedOthers, Session, SessionStatus
from tessera_service.storage.base import SessionStore


def of_key(name: str, access_key_id: str = "key-1", *, expires_at: int = NOW + 1800) -> Session:
    return replace(make_session(name, expires_at=expires_at), access_key_id=access_key_id, refresh_jti=None)


async def test_all_others_end_and_the_kept_one_lives(store: SessionStore) -> None:
    kept = await store.create(gateway_session("s2"))
    for name in ("s3", "s1"):
        await store.create(gateway_session(name))
    others = await store.create(gateway_session("s4", subject="bob"))
    result = await store.revoke_others("tenant-a", "alice", keep="s2", revocation=revocation(NOW_MS + 7))
    assert ([session.session_id for session in result.ended], result.active_before) == (["s1", "s3"], 3)
    assert [await store.get(name) for name in ("s1", "s3")] == list(result.ended)
    assert {(session.revoked_ms, session.revoked_reason) for session in result.ended} == {(NOW_MS + 7, "manual")}
    assert {session.newest for session in result.ended} == {None}
    assert await store.get("s2") == kept
    assert await store.get("s4") == others
    assert await whole_log(store) == (
        LogEntry(1, LogKind.SESSION, "tenant-a", "s1", 0, NOW + 5000),
        LogEntry(2, LogKind.SESSION, "tenant-a", "s3", 0, NOW + 5000),
    )


async def test_the_cut_off_stays_where_it_was(store: SessionStore) -> None:
    await store.create(gateway_session("s1"))
    await store.revoke_others("tenant-a", "alice", keep="none", revocation=revocation(NOW_MS))
    assert (await store.create(gateway_session("s2"))).created_ms == NOW_MS


async def test_all_others_of_one_that_is_not_there_are_all(store: SessionStore) -> None:
    await store.create(gateway_session("s1"))
    await store.create(gateway_session("b1", subject="bob"))
    result = await store.revoke_others("tenant-a", "alice", keep="b1", revocation=revocation())
    assert ([session.session_id for session in result.ended], result.active_before) == (["s1"], 1)


async def test_what_is_over_already_is_left_as_it_is(store: SessionStore) -> None:
    await store.create(gateway_session("s1", expires_at=NOW - 86_400))
    await store.create(gateway_session("s2", locked=True))
    await store.create(gateway_session("s3"))
    await store.revoke_session("s3", revocation=revocation(NOW_MS - 5))
    before = [await store.get(name) for name in ("s1", "s2", "s3")]
    result = await store.revoke_others("tenant-a", "alice", keep="s9", revocation=revocation())
    assert result == RevokedOthers((), 0)
    assert [await store.get(name) for name in ("s1", "s2", "s3")] == before
    assert len(await whole_log(store)) == 1


async def test_an_unknown_subject_has_no_others(store: SessionStore) -> None:
    assert await store.revoke_others("tenant-a", "bob", keep="s1", revocation=revocation()) == RevokedOthers((), 0)
    assert await whole_log(store) == ()


@pytest.mark.parametrize(
    ("now", "ended", "active"), [(NOW + 1799, 1, 1), (NOW + 1800, 1, 0), (NOW + 88_199, 1, 0), (NOW + 88_200, 0, 0)]
)
async def test_others_end_while_any_clock_may_call_them_alive(
    store: SessionStore, now: int, ended: int, active: int
) -> None:
    await store.create(gateway_session("s1"))
    result = await store.revoke_others("tenant-a", "alice", keep="s2", revocation=revocation(now * 1000))
    assert (len(result.ended), result.active_before) == (ended, active)
    assert len(await whole_log(store)) == ended


async def test_the_kept_one_counts_only_while_it_is_active(store: SessionStore) -> None:
    await store.create(gateway_session("s1", expires_at=NOW))
    await store.create(gateway_session("s2"))
    result = await store.revoke_others("tenant-a", "alice", keep="s1", revocation=revocation())
    assert ([session.session_id for session in result.ended], result.active_before) == (["s2"], 1)


async def test_more_than_one_statement_holds_end_in_one_step(store: SessionStore) -> None:
    for number in range(1001):
        await store.create(replace(make_session(f"s{number:04}"), tokens=()))
    result = await store.revoke_others("tenant-a", "alice", keep="s0500", revocation=revocation())
    assert (len(result.ended), result.active_before) == (1000, 1001)
    assert [entry.sequence for entry in await whole_log(store)] == list(range(1, 1001))
    assert [entry.key for entry in await whole_log(store)] == [session.session_id for session in result.ended]


async def test_the_sessions_of_an_access_key_end(store: SessionStore) -> None:
    for session in (of_key("s2"), of_key("s1"), of_key("other", "key-2"), make_session("none")):
        await store.create(session)
    ended = await store.revoke_access_key_sessions("key-1", revocation=revocation(NOW_MS + 7))
    assert [session.session_id for session in ended] == ["s1", "s2"]
    assert [await store.get(name) for name in ("s1", "s2")] == list(ended)
    assert {session.status(NOW) for session in ended} == {SessionStatus.REVOKED}
    assert [(entry.kind, entry.key) for entry in await whole_log(store)] == [
        (LogKind.SESSION, "s1"),
        (LogKind.SESSION, "s2"),
    ]
    for name in ("other", "none"):
        left = await store.get(name)
        assert left is not None
        assert left.status(NOW) is SessionStatus.ACTIVE


async def test_the_sessions_of_an_access_key_end_in_bounded_steps(store: SessionStore) -> None:
    for number in range(5):
        await store.create(of_key(f"s{number}"))
    ended = [await store.revoke_access_key_sessions("key-1", revocation=revocation(), limit=2) for _ in range(4)]
    assert [len(step) for step in ended] == [2, 2, 1, 0]
    assert {session.session_id for step in ended for session in step} == {f"s{number}" for number in range(5)}
    assert len(await whole_log(store)) == 5


@pytest.mark.parametrize(("now", "ended"), [(NOW + 1799, 1), (NOW + 1800, 1), (NOW + 88_199, 1), (NOW + 88_200, 0)])
async def test_a_session_of_an_access_key_that_is_over_by_any_clock_is_left(
    store: SessionStore, now: int, ended: int
) -> None:
    await store.create(of_key("s1"))
    assert len(await store.revoke_access_key_sessions("key-1", revocation=revocation(now * 1000))) == ended
    assert len(await whole_log(store)) == ended


async def test_an_access_key_whose_sessions_were_purged_has_none(store: SessionStore) -> None:
    await store.create(of_key("s1", expires_at=NOW + 10))
    while await store.purge(now=NOW + 10, retention_seconds=0):
        pass
    assert list(await store.revoke_access_key_sessions("key-1", revocation=revocation(NOW_MS - 1))) == []
    await store.create(of_key("s2"))
    assert len(await store.revoke_access_key_sessions("key-1", revocation=revocation())) == 1
