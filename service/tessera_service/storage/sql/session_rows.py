# SPDX-License-Identifier: Apache-2.0
"""What every step over sessions is made of: locking, reading and storing them, inside a transaction.

Locks: subject, sessions, head of the outbox, head of the log. Row locks (FOR UPDATE) say nothing to SQLite, where the
transaction as a whole is alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from tessera_service.models import Revocation, Session, SessionStatus, TokenRecord
from tessera_service.storage import rules
from tessera_service.storage.rules import events
from tessera_service.storage.sql import log, outbox
from tessera_service.storage.sql.database import DuplicateError
from tessera_service.storage.sql.engine import insert_or_ignore
from tessera_service.storage.sql.rows import end_changes, session_changes, session_of, token_values
from tessera_service.storage.sql.schema import session_tokens, sessions, subjects

_OF_ITS_SUBJECT = and_(sessions.c.tenant_id == subjects.c.tenant_id, sessions.c.subject == subjects.c.subject)
SESSIONS: Final = select(sessions, subjects.c.cutoff_ms).join(subjects, _OF_ITS_SUBJECT)
_STORE = update(sessions).where(sessions.c.session_id == bindparam("stored_id"))
_AT_ONCE: Final = 500  # ids in one statement


def of_subject(tenant_id: str, subject: str) -> ColumnElement[bool]:
    """The sessions of a subject."""
    return and_(sessions.c.tenant_id == tenant_id, sessions.c.subject == subject)


def active(now: int, cutoff_ms: ColumnElement[int] | int = subjects.c.cutoff_ms) -> ColumnElement[bool]:
    """Of SESSIONS, those whose status is ACTIVE at `now`; with a `cutoff_ms`, also of sessions alone."""
    return and_(unended(cutoff_ms), sessions.c.over_ms > now * 1000)


def unended(cutoff_ms: ColumnElement[int] | int = subjects.c.cutoff_ms) -> ColumnElement[bool]:
    """Of SESSIONS, those that are neither revoked, locked nor cut off; with a `cutoff_ms`, also of sessions alone."""
    return and_(sessions.c.revoked_ms.is_(None), sessions.c.locked.is_(False), sessions.c.created_ms > cutoff_ms)


def may_be_alive(at_ms: int, cutoff_ms: ColumnElement[int] | int = subjects.c.cutoff_ms) -> ColumnElement[bool]:
    """As `unended`, `rules.may_be_alive`."""
    return and_(unended(cutoff_ms), sessions.c.over_ms > rules.may_be_alive_since_ms(at_ms))


def has_status(status: SessionStatus, now: int) -> ColumnElement[bool]:
    """Of SESSIONS, those whose status is that one at `now`."""
    match status:
        case SessionStatus.ACTIVE:
            return active(now)
        case SessionStatus.EXPIRED:
            return and_(unended(), sessions.c.over_ms <= now * 1000)
        case SessionStatus.LOCKED:
            return sessions.c.locked.is_(True)
        case SessionStatus.REVOKED:
            is_cut = sessions.c.created_ms <= subjects.c.cutoff_ms
            return and_(sessions.c.locked.is_(False), or_(sessions.c.revoked_ms.is_not(None), is_cut))


def select_subject(connection: Connection, tenant_id: str, subject: str) -> int | None:
    """Locks the subject if it is known, and returns its cut-off."""
    row = and_(subjects.c.tenant_id == tenant_id, subjects.c.subject == subject)
    return connection.execute(select(subjects.c.cutoff_ms).where(row).with_for_update()).scalar_one_or_none()


def lock_subject(connection: Connection, tenant_id: str, subject: str) -> int:
    """Locks the subject, known or new, and returns its cut-off."""
    cutoff_ms = select_subject(connection, tenant_id, subject)
    while cutoff_ms is None:
        new = insert_or_ignore(connection, subjects)
        connection.execute(new, {"tenant_id": tenant_id, "subject": subject, "cutoff_ms": 0})
        cutoff_ms = select_subject(connection, tenant_id, subject)
    return cutoff_ms


def lock(connection: Connection, session_id: str) -> Session | None:
    """Locks the subject of a session, then the session, and reads it."""
    its_subject = (
        select(subjects.c.cutoff_ms).join(sessions, _OF_ITS_SUBJECT).where(sessions.c.session_id == session_id)
    )
    if connection.execute(its_subject.with_for_update(of=subjects)).first() is None:
        return None
    return read(connection, SESSIONS.where(sessions.c.session_id == session_id).with_for_update(of=sessions))


def read(connection: Connection, wanted: Select[Any]) -> Session | None:
    """The first session of a selection from SESSIONS."""
    row = connection.execute(wanted).mappings().first()
    return None if row is None else session_of(row)


def read_all(connection: Connection, wanted: Select[Any]) -> list[Session]:
    """Every session of a selection from SESSIONS, in its order."""
    return [session_of(row) for row in connection.execute(wanted).mappings()]


def move_on(connection: Connection, after: Session, *, new: Sequence[TokenRecord]) -> None:
    """Stores a session that moved on and its next tokens, which have to be new (DuplicateError). Those before stay
    until the purge: a step that looked at all of a session's tokens would take longer with each use."""
    connection.execute(_STORE, session_changes(after) | {"stored_id": after.session_id})
    add_tokens(connection, new)


def end(connection: Connection, leaving: Sequence[Session], revocation: Revocation) -> tuple[Session, ...]:
    """Ends sessions whose rows are locked and that may end, with an event and, as the last thing, an entry of the log
    for each. Returns them as stored."""
    for ids in _chunks([session.session_id for session in leaving]):
        chosen = update(sessions).where(sessions.c.session_id.in_(ids))
        connection.execute(chosen.values(end_changes(revocation)))
    ended = tuple(rules.ended(session, revocation) for session in leaving)
    outbox.append(connection, *(events.revoked(session, revocation) for session in ended))
    log.append_sessions(connection, ended, revocation)
    return ended


def add_tokens(connection: Connection, tokens: Sequence[TokenRecord]) -> None:
    """DuplicateError unless every jti is new."""
    if not tokens:
        return
    try:
        connection.execute(insert(session_tokens), token_values(tokens))
    except IntegrityError as error:
        raise DuplicateError("every jti has to be new") from error


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
