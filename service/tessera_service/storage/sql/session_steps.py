# SPDX-License-Identifier: Apache-2.0
"""What happens to sessions: each function is one step over a connection that is inside a transaction.

A step is synchronous on purpose: nothing else can be awaited inside. Locks: subject, sessions, head of the log. Row
locks (FOR UPDATE) say nothing to SQLite, where the transaction as a whole is alone.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tessera_service.models import (
    LogKind,
    Revocation,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    StoredState,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.sql import log
from tessera_service.storage.sql.database import DuplicateError
from tessera_service.storage.sql.engine import insert_or_ignore
from tessera_service.storage.sql.rows import session_changes, session_of, session_values, token_of, token_values
from tessera_service.storage.sql.schema import session_tokens, sessions, subjects

_OF_ITS_SUBJECT = and_(sessions.c.tenant_id == subjects.c.tenant_id, sessions.c.subject == subjects.c.subject)
_SESSIONS = select(sessions, subjects.c.cutoff_ms).join(subjects, _OF_ITS_SUBJECT)
_STORE = update(sessions).where(sessions.c.session_id == bindparam("stored_id"))


def create(connection: Connection, session: Session) -> Session:
    cutoff_ms = _lock_subject(connection, session.tenant_id, session.subject)
    stored = rules.born(session, cutoff_ms)
    try:
        connection.execute(insert(sessions), session_values(stored))
    except IntegrityError as error:
        raise DuplicateError("session_id has to be new") from error
    _add_tokens(connection, stored.tokens)
    return stored


def get(connection: Connection, session_id: str) -> Session | None:
    return _read(connection, _SESSIONS.where(sessions.c.session_id == session_id))


def read_state(connection: Connection, session_id: str, jti: str) -> StoredState:
    return StoredState(get(connection, session_id), log.has_jti(connection, jti))


def find_token(connection: Connection, jti: str) -> TokenRecord | None:
    row = connection.execute(select(session_tokens).where(session_tokens.c.jti == jti)).mappings().first()
    return None if row is None else token_of(row)


def rotate(connection: Connection, rotation: Rotation) -> RotationResult:
    session = _lock(connection, rotation.session_id)
    if session is None:
        return RotationResult(RotationStatus.NOT_FOUND)
    result = rules.rotate(session, rotation)
    if result.status is RotationStatus.ROTATED and result.session is not None:
        _store(connection, [result.session])
        gone = set(session.tokens) - set(result.session.tokens)
        if gone:
            jtis = [token.jti for token in gone]
            connection.execute(delete(session_tokens).where(session_tokens.c.jti.in_(jtis)))
        _add_tokens(connection, rotation.tokens)
    elif result.status is RotationStatus.REUSE_REVOKED and result.session is not None:
        _end(connection, result.session, rotation.reuse)
    return result


def revoke_session(connection: Connection, session_id: str, revocation: Revocation) -> Session | None:
    session = _lock(connection, session_id)
    if session is None or not rules.may_end(session, revocation):
        return session
    ended = rules.ended(session, revocation)
    _end(connection, ended, revocation)
    return ended


def revoke_subject(connection: Connection, tenant_id: str, subject: str, revocation: Revocation) -> Sequence[Session]:
    cutoff_ms = _lock_subject(connection, tenant_id, subject)
    of_subject = and_(sessions.c.tenant_id == tenant_id, sessions.c.subject == subject)
    newest_ms = connection.execute(select(func.max(sessions.c.created_ms)).where(of_subject)).scalar_one() or 0
    raised_ms = rules.raised_cutoff(cutoff_ms, newest_ms, revocation)
    unmarked = _read_unmarked(connection, tenant_id, subject)
    ended = [rules.ended(session, revocation) for session in unmarked if rules.may_end(session, revocation)]
    _store(connection, ended)
    row = and_(subjects.c.tenant_id == tenant_id, subjects.c.subject == subject)
    connection.execute(update(subjects).where(row).values(cutoff_ms=raised_ms))
    log.append(connection, LogKind.SUBJECT, subject, revocation, tenant_id=tenant_id, cutoff_ms=raised_ms)
    return ended


def revoke_token(connection: Connection, token: TokenRecord, revocation: Revocation) -> bool:
    _select_subject(connection, token.tenant_id, token.subject)
    if log.has_jti(connection, token.jti):
        return False
    log.append(connection, LogKind.JTI, token.jti, revocation, tenant_id=token.tenant_id)
    return True


def purge_sessions(connection: Connection, until_ms: int, limit: int) -> int:
    over = select(sessions.c.session_id, sessions.c.tenant_id, sessions.c.subject).where(sessions.c.over_ms <= until_ms)
    rows = connection.execute(over.order_by(sessions.c.over_ms).limit(limit)).all()
    if not rows:
        return 0
    keys = {(row.tenant_id, row.subject) for row in rows}
    log.lock_subjects(connection, keys)
    chosen = sessions.c.session_id.in_([row.session_id for row in rows])
    gone = connection.execute(delete(sessions).where(chosen, sessions.c.over_ms <= until_ms)).rowcount
    log.forget_subjects(connection, keys)
    return gone


def purge_tokens(connection: Connection, now: int, limit: int) -> int:
    expired = select(session_tokens.c.jti).where(session_tokens.c.expires_at <= now)
    chosen = expired.order_by(session_tokens.c.expires_at).limit(limit)
    return connection.execute(delete(session_tokens).where(session_tokens.c.jti.in_(chosen))).rowcount


def purge_successors(connection: Connection, until_ms: int, limit: int) -> int:
    over = sessions.c.successor_until_ms <= until_ms
    chosen = select(sessions.c.session_id).where(over).order_by(sessions.c.successor_until_ms).limit(limit)
    nothing = dict.fromkeys(["successor_access", "successor_refresh", "successor_kid", "successor_until_ms"])
    forget = update(sessions).where(sessions.c.session_id.in_(chosen), over).values(nothing)
    return connection.execute(forget).rowcount


def _select_subject(connection: Connection, tenant_id: str, subject: str) -> int | None:
    row = and_(subjects.c.tenant_id == tenant_id, subjects.c.subject == subject)
    return connection.execute(select(subjects.c.cutoff_ms).where(row).with_for_update()).scalar_one_or_none()


def _lock_subject(connection: Connection, tenant_id: str, subject: str) -> int:
    """Locks the subject, known or new, and returns its cut-off."""
    cutoff_ms = _select_subject(connection, tenant_id, subject)
    while cutoff_ms is None:
        new = insert_or_ignore(connection, subjects)
        connection.execute(new, {"tenant_id": tenant_id, "subject": subject, "cutoff_ms": 0})
        cutoff_ms = _select_subject(connection, tenant_id, subject)
    return cutoff_ms


def _lock(connection: Connection, session_id: str) -> Session | None:
    """Locks the subject of a session, then the session, and reads it."""
    of_session = select(subjects.c.cutoff_ms).join(sessions, _OF_ITS_SUBJECT).where(sessions.c.session_id == session_id)
    if connection.execute(of_session.with_for_update(of=subjects)).first() is None:
        return None
    return _read(connection, _SESSIONS.where(sessions.c.session_id == session_id).with_for_update(of=sessions))


def _read(connection: Connection, wanted: Select[Any]) -> Session | None:
    row = connection.execute(wanted).mappings().first()
    if row is None:
        return None
    of_session = select(session_tokens).where(session_tokens.c.session_id == row["session_id"])
    return session_of(row, map(token_of, connection.execute(of_session).mappings()))


def _read_unmarked(connection: Connection, tenant_id: str, subject: str) -> list[Session]:
    """Locks and reads the sessions of a subject that carry no revocation, by session_id, in two statements."""
    wanted = and_(sessions.c.tenant_id == tenant_id, sessions.c.subject == subject, sessions.c.revoked_ms.is_(None))
    rows = connection.execute(_SESSIONS.where(wanted).with_for_update(of=sessions)).mappings().all()
    joined = session_tokens.join(sessions, sessions.c.session_id == session_tokens.c.session_id)
    tokens: defaultdict[str, list[TokenRecord]] = defaultdict(list)
    for row in connection.execute(select(session_tokens).select_from(joined).where(wanted)).mappings():
        tokens[row["session_id"]].append(token_of(row))
    found = [session_of(row, tokens[row["session_id"]]) for row in rows]
    return sorted(found, key=lambda session: session.session_id)


def _store(connection: Connection, changed: Sequence[Session]) -> None:
    if changed:
        connection.execute(
            _STORE, [session_changes(session) | {"stored_id": session.session_id} for session in changed]
        )


def _end(connection: Connection, ended: Session, revocation: Revocation) -> None:
    _store(connection, [ended])
    log.append(connection, LogKind.SESSION, ended.session_id, revocation, tenant_id=ended.tenant_id)


def _add_tokens(connection: Connection, tokens: Sequence[TokenRecord]) -> None:
    if not tokens:
        return
    try:
        connection.execute(insert(session_tokens), token_values(tokens))
    except IntegrityError as error:
        raise DuplicateError("every jti has to be new") from error
