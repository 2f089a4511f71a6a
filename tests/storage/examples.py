# SPDX-License-Identifier: Apache-2.0
"""Values for the tests of the stores. NOW is the second at which most of them happen."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from tessera_service.models import (
    LogEntry,
    Newest,
    Revocation,
    Rotation,
    Session,
    SessionLimit,
    SessionMetadata,
    Slide,
    SubjectRevocation,
    Successor,
    TokenKind,
    TokenRecord,
)
from tessera_service.storage.base import RevocationLog, SessionStore

NOW = 1_800_000_000
NOW_MS = NOW * 1000
GRACE_MS = 10_000


def tokens(session_id: str, number: int, *, subject: str = "alice", at: int = NOW) -> tuple[TokenRecord, ...]:
    """The pair `number` of a session: an access token for 900 seconds and a refresh token for 3600."""
    return (
        TokenRecord(f"{session_id}-a{number}", session_id, "tenant-a", subject, TokenKind.ACCESS, at + 900),
        TokenRecord(refresh_jti(session_id, number), session_id, "tenant-a", subject, TokenKind.REFRESH, at + 3600),
    )


def refresh_jti(session_id: str, number: int) -> str:
    """The jti of the refresh token in pair `number`; pair 0 is born with the session."""
    return f"{session_id}-r{number}"


def make_session(
    session_id: str = "s1",
    *,
    subject: str = "alice",
    created_ms: int = NOW_MS,
    expires_at: int = NOW + 3600,
    ends_at: int = NOW + 100_000,
    locked: bool = False,
) -> Session:
    """A session of tenant-a as the engine hands it to `create`."""
    return Session(
        session_id=session_id,
        tenant_id="tenant-a",
        subject=subject,
        surface="token",
        auth_method="jwt_bearer",
        client_id="dx-vas",
        scope="read write",
        permissions=("doc.read", "doc.write"),
        roles=("teacher",),
        username="Alice Ä",
        metadata=SessionMetadata(ip_address="203.0.113.9", user_agent='Firefox "1"', device_type="web"),
        created_ms=created_ms,
        expires_at=expires_at,
        ends_at=ends_at,
        refresh_jti=refresh_jti(session_id, 0),
        tokens=tokens(session_id, 0, subject=subject),
        locked=locked,
        last_activity_ms=created_ms,
    )


def successor(number: int) -> Successor:
    """The unsigned pair `number`."""
    return Successor(b'{"n":"access %d"}' % number, b'{"n":"refresh \xff %d"}' % number, f"kid-{number}")


def revocation(at_ms: int = NOW_MS, *, reason: str = "manual", log_expires_at: int = NOW + 5000) -> Revocation:
    """A revocation by the admin."""
    return Revocation(at_ms, reason, "admin", log_expires_at)


def rotation(
    presented: str,
    number: int,
    *,
    session_id: str = "s1",
    now_ms: int = NOW_MS,
    grace_ms: int = GRACE_MS,
    expires_at: int = NOW + 4000,
) -> Rotation:
    """Spends `presented` for pair `number`."""
    return Rotation(
        session_id=session_id,
        presented_jti=presented,
        now_ms=now_ms,
        grace_ms=grace_ms,
        successor=successor(number),
        refresh_jti=refresh_jti(session_id, number),
        tokens=tokens(session_id, number, at=now_ms // 1000),
        expires_at=expires_at,
        reuse=revocation(now_ms, reason="refresh_reuse"),
    )


def newest(session_id: str, number: int, *, at: int = NOW) -> Newest:
    """The token `number` of a gateway session, for 1800 seconds; token 0 is born with the session."""
    return Newest(f"{session_id}-g{number}", at + 1800, b'{"n":"\xfe %d"}' % number, f"kid-{number}")


def gateway_token(session_id: str, number: int, *, subject: str = "alice", at: int = NOW) -> TokenRecord:
    """The record of `newest(...)`."""
    jti = newest(session_id, number).jti
    return TokenRecord(jti, session_id, "tenant-a", subject, TokenKind.ACCESS, at + 1800)


def gateway_session(
    session_id: str = "s1",
    *,
    subject: str = "alice",
    created_ms: int = NOW_MS,
    last_activity_ms: int = 0,
    expires_at: int = NOW + 1800,
    ends_at: int = NOW + 100_000,
    locked: bool = False,
) -> Session:
    """A session of tenant-a that slides by 1800 seconds."""
    session = make_session(
        session_id, subject=subject, created_ms=created_ms, expires_at=expires_at, ends_at=ends_at, locked=locked
    )
    return replace(
        session,
        surface="gateway",
        refresh_jti=None,
        tokens=(gateway_token(session_id, 0, subject=subject),),
        span_seconds=1800,
        newest=newest(session_id, 0),
        last_activity_ms=last_activity_ms or created_ms,
    )


def slide(
    presented: int, number: int, *, session_id: str = "s1", now: int = NOW, expires_at: int | None = None
) -> Slide:
    """Presents token `presented` at `now`, for token `number`."""
    return Slide(
        session_id=session_id,
        presented_jti=newest(session_id, presented).jti,
        newest=newest(session_id, number, at=now),
        token=gateway_token(session_id, number, at=now),
        expires_at=now + 1800 if expires_at is None else expires_at,
        now=now,
    )


def limit(
    max_sessions: int,
    *,
    policy: Literal["evict", "reject"] = "evict",
    scope: Literal["gateway", "all"] = "gateway",
    now: int = NOW,
) -> SessionLimit:
    """At most `max_sessions`."""
    return SessionLimit(max_sessions, policy, scope, now)


def eviction(at_ms: int = NOW_MS) -> Revocation:
    """Why a session made room."""
    return revocation(at_ms, reason="concurrent_limit")


async def cut_off(
    store: SessionStore, subject: str = "alice", at_ms: int = NOW_MS, *, tenant_id: str = "tenant-a", until: int = 5000
) -> SubjectRevocation:
    """Gives the subject that cut-off: ends a session of its own, which is over by itself a second before. `until`: how
    many seconds after NOW the log keeps it."""
    name = f"cut-{tenant_id}-{subject}-{at_ms}"
    over = at_ms // 1000 - 1
    session = replace(make_session(name, subject=subject, created_ms=1, expires_at=over), tenant_id=tenant_id)
    own = tuple(replace(token, tenant_id=tenant_id, expires_at=over) for token in session.tokens)
    await store.create(replace(session, tokens=own))
    return await store.revoke_subject(tenant_id, subject, revocation=revocation(at_ms, log_expires_at=NOW + until))


async def whole_log(store: RevocationLog) -> Sequence[LogEntry]:
    """Every retained entry, read by `read_log`."""
    return (await store.read_log(after=0, limit=1_000_000)).entries


async def snapshot(store: RevocationLog) -> Sequence[LogEntry]:
    """Every retained entry, read by `read_log_snapshot`."""
    return [entry async for page in store.read_log_snapshot() for entry in page.entries]
