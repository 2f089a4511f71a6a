# SPDX-License-Identifier: Apache-2.0
"""Every store: what is revoked stays so, and is in the log by the same step."""

from dataclasses import replace
from typing import Any

import pytest

from storage.examples import (
    NOW,
    NOW_MS,
    cut_off,
    gateway_session,
    make_session,
    revocation,
    rotation,
    tokens,
    whole_log,
)
from tessera_service.models import LogEntry, LogKind, SessionStatus, SubjectRevocation
from tessera_service.storage.base import CUT_OFF, SessionStore


async def test_a_revoked_session_says_when_why_and_by_whom(store: SessionStore) -> None:
    created = await store.create(make_session())
    revoked = await store.revoke_session("s1", revocation=revocation(NOW_MS + 7))
    assert revoked == replace(created, revoked_ms=NOW_MS + 7, revoked_reason="manual", revoked_by="admin")
    assert await store.get("s1") == revoked
    assert (await store.read_state(session_id="s1", jti="s1-a0")).session == revoked
    assert await whole_log(store) == (LogEntry(1, LogKind.SESSION, "tenant-a", "s1", 0, NOW + 5000),)


async def test_revoking_forgets_the_successor(store: SessionStore) -> None:
    await store.create(make_session())
    await store.rotate(rotation("s1-r0", 1))
    revoked = await store.revoke_session("s1", revocation=revocation())
    assert revoked is not None
    assert (revoked.successor, revoked.successor_until_ms) == (None, None)
    assert [spent.jti for spent in revoked.spent] == ["s1-r0"]
    assert await store.get("s1") == revoked


async def test_revoking_again_changes_nothing(store: SessionStore) -> None:
    await store.create(make_session())
    first = await store.revoke_session("s1", revocation=revocation())
    assert await store.revoke_session("s1", revocation=revocation(NOW_MS + 1, reason="other")) == first
    assert await store.get("s1") == first
    assert len(await whole_log(store)) == 1


async def test_revoking_an_unknown_session_is_none(store: SessionStore) -> None:
    assert await store.revoke_session("s1", revocation=revocation()) is None
    assert await whole_log(store) == ()


@pytest.mark.parametrize("now", [NOW + 3599, NOW + 3600, NOW + 90_000])
async def test_a_session_is_revoked_whether_or_not_a_clock_calls_it_over(store: SessionStore, now: int) -> None:
    created = await store.create(make_session(expires_at=NOW + 3600))
    revoked = await store.revoke_session("s1", revocation=revocation(now * 1000))
    assert revoked == replace(created, revoked_ms=now * 1000, revoked_reason="manual", revoked_by="admin")
    assert await store.get("s1") == revoked
    assert revoked.status(NOW) is SessionStatus.REVOKED  # also for a process whose clock is right
    assert [entry.key for entry in await whole_log(store)] == ["s1"]
    assert await store.revoke_session("s1", revocation=revocation(now * 1000 + 1)) == revoked
    assert len(await whole_log(store)) == 1


async def test_a_locked_session_is_left_as_it_is(store: SessionStore) -> None:
    before = await store.create(make_session(locked=True))
    assert await store.revoke_session("s1", revocation=revocation()) == before
    assert await whole_log(store) == ()


async def test_revoking_a_subject_ends_its_live_sessions_and_no_others(store: SessionStore) -> None:
    sessions = [await store.create(gateway_session(name)) for name in ("s2", "s1")]
    just_over = await store.create(make_session("s3", expires_at=NOW))
    await store.create(make_session("s6", expires_at=NOW - 86_400))
    await store.create(make_session("s4"))
    gone = await store.revoke_session("s4", revocation=revocation(NOW_MS - 1))
    others = await store.create(make_session("s5", subject="bob"))
    ended = await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    assert ended == SubjectRevocation(NOW_MS, 2)
    marks: dict[str, Any] = {"revoked_ms": NOW_MS, "revoked_reason": "manual", "revoked_by": "admin"}
    marked = [replace(session, newest=None, **marks) for session in sessions]
    assert [await store.get(name) for name in ("s2", "s1")] == marked
    assert await store.get("s4") == gone
    assert await store.get("s5") == others
    assert await store.get("s3") == replace(just_over, **marks)
    long_over = await store.get("s6")
    assert long_over is not None
    assert (long_over.revoked_ms, long_over.revoked_reason, long_over.revoked_by) == (NOW_MS, CUT_OFF, None)
    assert (await whole_log(store))[1:] == (LogEntry(2, LogKind.SUBJECT, "tenant-a", "alice", NOW_MS, NOW + 5000),)


async def test_an_expired_session_does_not_live_again_when_the_clock_goes_back(store: SessionStore) -> None:
    await store.create(make_session(expires_at=NOW))
    await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    session = (await store.read_state(session_id="s1", jti="s1-a0")).session
    assert session is not None
    assert session.status(NOW - 1) is SessionStatus.REVOKED
    left = await store.revoke_session("s1", revocation=revocation(NOW_MS - 1000))
    assert left == session
    assert len(await whole_log(store)) == 1


async def test_revoking_a_subject_without_sessions_changes_nothing(store: SessionStore) -> None:
    for _ in range(2):
        assert await store.revoke_subject("tenant-a", "alice", revocation=revocation()) == SubjectRevocation(0, 0)
    assert await whole_log(store) == ()
    assert (await store.create(make_session())).created_ms == NOW_MS


async def test_revoking_a_subject_again_changes_nothing(store: SessionStore) -> None:
    await store.create(make_session("s1"))
    await store.create(make_session("s2", expires_at=NOW - 90_000))
    first = await store.revoke_subject("tenant-a", "alice", revocation=revocation())
    assert first == SubjectRevocation(NOW_MS, 1)
    before = [await store.get(name) for name in ("s1", "s2")]
    again = await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS + 5000, reason="again"))
    assert again == SubjectRevocation(NOW_MS, 0)
    assert [await store.get(name) for name in ("s1", "s2")] == before
    assert len(await whole_log(store)) == 1


async def test_a_subject_whose_sessions_were_all_ended_alone_has_nothing_to_end(store: SessionStore) -> None:
    await store.create(make_session("s1"))
    await store.create(make_session("s2", locked=True))
    await store.revoke_session("s1", revocation=revocation())
    assert await store.revoke_subject("tenant-a", "alice", revocation=revocation()) == SubjectRevocation(0, 0)
    assert [entry.kind for entry in await whole_log(store)] == [LogKind.SESSION]


async def test_a_subject_whose_only_session_was_over_long_ago_is_cut_off_once(store: SessionStore) -> None:
    await store.create(make_session("s1", created_ms=NOW_MS - 200_000_000, expires_at=NOW - 100_000))
    for _ in range(2):
        assert await store.revoke_subject("tenant-a", "alice", revocation=revocation()) == SubjectRevocation(NOW_MS, 0)
    assert len(await whole_log(store)) == 1


async def test_what_is_ended_with_a_lock_is_locked_for_good(store: SessionStore) -> None:
    for name in ("s1", "s2"):
        await store.create(make_session(name))
    why = replace(revocation(reason="user_locked"), locked=True)
    one = await store.revoke_session("s1", revocation=why)
    assert await store.revoke_subject("tenant-a", "alice", revocation=why) == SubjectRevocation(NOW_MS, 1)
    other = await store.get("s2")
    for session in (one, other):
        assert session is not None
        assert session.status(NOW) is SessionStatus.LOCKED
        assert (session.revoked_ms, session.revoked_reason, session.revoked_by) == (NOW_MS, "user_locked", "admin")
    assert await store.revoke_session("s1", revocation=revocation(NOW_MS + 1)) == one
    assert (await store.count_sessions("tenant-a", surface="token", now=NOW)).active == 0


async def test_a_cut_off_is_never_lowered(store: SessionStore) -> None:
    await cut_off(store)
    assert (await store.create(make_session("s2"))).created_ms == NOW_MS + 1
    again = await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS - 500))
    assert again == SubjectRevocation(NOW_MS + 1, 1)
    assert [entry.cutoff_ms for entry in await whole_log(store)] == [NOW_MS, NOW_MS + 1]
    assert (await store.create(make_session(created_ms=NOW_MS - 100))).created_ms == NOW_MS + 2


async def test_a_cut_off_is_not_below_the_newest_session(store: SessionStore) -> None:
    await store.create(make_session(created_ms=NOW_MS + 50))
    ended = await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    assert ended == SubjectRevocation(NOW_MS + 50, 1)
    session = await store.get("s1")
    assert session is not None
    assert session.revoked_ms == NOW_MS
    assert [entry.cutoff_ms for entry in await whole_log(store)] == [NOW_MS + 50]
    assert (await store.create(make_session("s2"))).created_ms == NOW_MS + 51


async def test_a_login_right_after_a_revocation_lives_and_falls_to_the_next(store: SessionStore) -> None:
    await cut_off(store)
    created = await store.create(make_session())
    assert created.status(NOW) is SessionStatus.ACTIVE
    ended = await store.revoke_subject("tenant-a", "alice", revocation=revocation(NOW_MS))
    assert ended == SubjectRevocation(NOW_MS + 1, 1)
    assert [entry.cutoff_ms for entry in await whole_log(store)] == [NOW_MS, NOW_MS + 1]


async def test_a_revoked_token_is_in_the_log_and_its_session_goes_on(store: SessionStore) -> None:
    created = await store.create(make_session())
    token = tokens("s1", 0)[0]
    assert await store.revoke_token(token, revocation=revocation()) is True
    state = await store.read_state(session_id="s1", jti=token.jti)
    assert (state.session, state.jti_revoked) == (created, True)
    assert (await store.read_state(session_id="s1", jti="s1-r0")).jti_revoked is False
    assert await store.find_token(token.jti) == token
    assert await whole_log(store) == (LogEntry(1, LogKind.JTI, "tenant-a", token.jti, 0, NOW + 5000),)


async def test_a_token_is_revoked_once(store: SessionStore) -> None:
    token = tokens("s1", 0)[0]
    assert await store.revoke_token(token, revocation=revocation()) is True
    assert await store.revoke_token(token, revocation=revocation(NOW_MS + 1)) is False
    assert len(await whole_log(store)) == 1


async def test_only_a_jti_entry_revokes_a_jti(store: SessionStore) -> None:
    await store.create(make_session())
    await store.revoke_session("s1", revocation=revocation())
    await cut_off(store, "s1-a0")
    assert (await store.read_state(session_id="s1", jti="s1")).jti_revoked is False
    assert (await store.read_state(session_id="s1", jti="s1-a0")).jti_revoked is False
