# SPDX-License-Identifier: Apache-2.0
"""How sessions end: each function is one step over a connection that is inside a transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, func, select, update

from tessera_service.models import LogKind, Revocation, RevokedOthers, Session, SubjectRevocation, TokenRecord
from tessera_service.storage import rules
from tessera_service.storage.sql import log
from tessera_service.storage.sql.rows import end_changes
from tessera_service.storage.sql.schema import sessions, subjects
from tessera_service.storage.sql.session_rows import (
    SESSIONS,
    active,
    end,
    lock,
    lock_subject,
    of_subject,
    read_all,
    select_subject,
)


def revoke_session(connection: Connection, session_id: str, revocation: Revocation) -> Session | None:
    session = lock(connection, session_id)
    if session is None or not rules.may_end(session):
        return session
    (ended,) = end(connection, [session], revocation)
    return ended


def revoke_subject(connection: Connection, tenant_id: str, subject: str, revocation: Revocation) -> SubjectRevocation:
    cutoff_ms = lock_subject(connection, tenant_id, subject)
    own = of_subject(tenant_id, subject)
    newest_ms = connection.execute(select(func.max(sessions.c.created_ms)).where(own)).scalar_one() or 0
    raised_ms = rules.raised_cutoff(cutoff_ms, newest_ms, revocation)
    live = update(sessions).where(own, active(revocation.at_ms // 1000, cutoff_ms))
    ended = connection.execute(live.values(end_changes(revocation))).rowcount
    over = update(sessions).where(own, sessions.c.revoked_ms.is_(None), sessions.c.stopped.is_(False))
    connection.execute(over.values(stopped=True))
    row = and_(subjects.c.tenant_id == tenant_id, subjects.c.subject == subject)
    connection.execute(update(subjects).where(row).values(cutoff_ms=raised_ms))
    log.append(connection, LogKind.SUBJECT, subject, revocation, tenant_id=tenant_id, cutoff_ms=raised_ms)
    return SubjectRevocation(raised_ms, ended)


def revoke_others(
    connection: Connection, tenant_id: str, subject: str, keep: str, revocation: Revocation
) -> RevokedOthers:
    lock_subject(connection, tenant_id, subject)
    live = read_all(connection, _locked_active(tenant_id, subject, revocation))
    others = [session for session in live if session.session_id != keep]
    return RevokedOthers(end(connection, others, revocation), active_before=len(live))


def revoke_access_key_sessions(
    connection: Connection, access_key_id: str, revocation: Revocation, limit: int
) -> Sequence[Session]:
    own = SESSIONS.where(sessions.c.access_key_id == access_key_id, active(revocation.at_ms // 1000))
    chosen = own.with_only_columns(sessions.c.session_id, sessions.c.tenant_id, sessions.c.subject)
    rows = connection.execute(chosen.order_by(sessions.c.over_ms).limit(limit)).all()
    if not rows:
        return ()
    log.lock_subjects(connection, {(row.tenant_id, row.subject) for row in rows})
    # Only now is it sure which of them are still active.
    live = own.where(sessions.c.session_id.in_([row.session_id for row in rows])).order_by(sessions.c.session_id)
    return end(connection, read_all(connection, live.with_for_update(of=sessions)), revocation)


def revoke_token(connection: Connection, token: TokenRecord, revocation: Revocation) -> bool:
    select_subject(connection, token.tenant_id, token.subject)
    if log.has_jti(connection, token.jti):
        return False
    log.append(connection, LogKind.JTI, token.jti, revocation, tenant_id=token.tenant_id)
    return True


def _locked_active(tenant_id: str, subject: str, revocation: Revocation) -> Select[Any]:
    live = SESSIONS.where(of_subject(tenant_id, subject), active(revocation.at_ms // 1000))
    return live.order_by(sessions.c.session_id).with_for_update(of=sessions)
