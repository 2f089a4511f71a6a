# SPDX-License-Identifier: Apache-2.0
"""How sessions end: each function is one step over a connection that is inside a transaction."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from tessera_service.models import (
    LogKind,
    Revocation,
    RevokedOthers,
    Session,
    SessionStatus,
    SubjectRevocation,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.rules import events
from tessera_service.storage.sql import log, outbox
from tessera_service.storage.sql.rows import end_changes
from tessera_service.storage.sql.schema import sessions, subjects
from tessera_service.storage.sql.session_rows import (
    SESSIONS,
    active,
    end,
    lock,
    may_be_alive,
    of_subject,
    read,
    read_all,
    select_subject,
    unended,
)


def revoke_session(connection: Connection, session_id: str, revocation: Revocation) -> Session | None:
    session = lock(connection, session_id)
    if session is None or not rules.may_end(session):
        return session
    (ended,) = end(connection, [session], revocation)
    return ended


def revoke_subject(connection: Connection, tenant_id: str, subject: str, revocation: Revocation) -> SubjectRevocation:
    cutoff_ms = select_subject(connection, tenant_id, subject)
    if cutoff_ms is None:  # nothing is locked: a session that is born from now on comes after this
        return SubjectRevocation(0, 0)
    own = of_subject(tenant_id, subject)
    if connection.execute(select(sessions.c.session_id).where(own, unended(cutoff_ms)).limit(1)).first() is None:
        return SubjectRevocation(cutoff_ms, 0)
    newest_ms = connection.execute(select(func.max(sessions.c.created_ms)).where(own)).scalar_one()
    raised_ms = rules.raised_cutoff(cutoff_ms, newest_ms, revocation)
    ended = _end_unread(connection, own, cutoff_ms, revocation)
    row = and_(subjects.c.tenant_id == tenant_id, subjects.c.subject == subject)
    connection.execute(update(subjects).where(row).values(cutoff_ms=raised_ms))
    log.append(connection, LogKind.SUBJECT, subject, revocation, tenant_id=tenant_id, cutoff_ms=raised_ms)
    return SubjectRevocation(raised_ms, ended)


def revoke_others(
    connection: Connection, tenant_id: str, subject: str, keep: str, revocation: Revocation
) -> RevokedOthers:
    if select_subject(connection, tenant_id, subject) is None:
        return RevokedOthers((), active_before=0)
    live = SESSIONS.where(of_subject(tenant_id, subject), may_be_alive(revocation.at_ms))
    in_order = live.order_by(sessions.c.session_id).with_for_update(of=sessions)
    found = read_all(connection, in_order)
    now = revocation.at_ms // 1000
    before = sum(session.status(now) is SessionStatus.ACTIVE for session in found)
    others = [session for session in found if session.session_id != keep]
    return RevokedOthers(end(connection, others, revocation), active_before=before)


def revoke_access_key_sessions(
    connection: Connection, access_key_id: str, revocation: Revocation, limit: int
) -> Sequence[Session]:
    own = SESSIONS.where(sessions.c.access_key_id == access_key_id, may_be_alive(revocation.at_ms))
    chosen = own.with_only_columns(sessions.c.session_id, sessions.c.tenant_id, sessions.c.subject)
    rows = connection.execute(chosen.order_by(sessions.c.over_ms).limit(limit)).all()
    if not rows:
        return ()
    log.lock_subjects(connection, {(row.tenant_id, row.subject) for row in rows})
    # Only now is it sure which of them are still to be ended.
    live = own.where(sessions.c.session_id.in_([row.session_id for row in rows])).order_by(sessions.c.session_id)
    return end(connection, read_all(connection, live.with_for_update(of=sessions)), revocation)


def revoke_token(connection: Connection, token: TokenRecord, revocation: Revocation) -> bool:
    select_subject(connection, token.tenant_id, token.subject)
    if log.has_jti(connection, token.jti):
        return False
    session = read(connection, SESSIONS.where(sessions.c.session_id == token.session_id))
    outbox.append(connection, events.token_revoked(token, session, revocation))
    log.append(connection, LogKind.JTI, token.jti, revocation, tenant_id=token.tenant_id)
    return True


def _end_unread(connection: Connection, own: ColumnElement[bool], cutoff_ms: int, revocation: Revocation) -> int:
    """Ends the sessions of a subject, however many, and tells of it. How many of them were active."""
    leaving = and_(own, may_be_alive(revocation.at_ms, cutoff_ms))
    outbox.append_revoked(connection, leaving, revocation)
    live = update(sessions).where(own, active(revocation.at_ms // 1000, cutoff_ms))
    ended = connection.execute(live.values(end_changes(revocation))).rowcount
    connection.execute(update(sessions).where(leaving).values(end_changes(revocation)))
    over = update(sessions).where(own, sessions.c.revoked_ms.is_(None), sessions.c.stopped.is_(False))
    connection.execute(over.values(stopped=True))
    return ended
