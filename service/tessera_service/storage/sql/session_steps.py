# SPDX-License-Identifier: Apache-2.0
"""How sessions live: each function is one step over a connection that is inside a transaction.

A step is synchronous on purpose: nothing else can be awaited inside.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from tessera_service.models import (
    LimitedCreation,
    Revocation,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    SessionLimit,
    Slide,
    SlideResult,
    SlideStatus,
    SpentToken,
    StoredState,
    TokenRecord,
)
from tessera_service.storage import rules
from tessera_service.storage.rules import events
from tessera_service.storage.sql import log, outbox
from tessera_service.storage.sql.database import DuplicateError
from tessera_service.storage.sql.rows import erase_changes, session_values, token_of
from tessera_service.storage.sql.schema import session_tokens, sessions
from tessera_service.storage.sql.session_rows import (
    SESSIONS,
    active,
    add_tokens,
    end,
    lock,
    lock_subject,
    move_on,
    of_subject,
    read,
    read_all,
    select_subject,
)

_ACTIVE_MS = func.coalesce(sessions.c.last_activity_ms, sessions.c.created_ms)
_TOUCH = (
    update(sessions)
    .where(
        sessions.c.session_id == bindparam("touched_id"),
        sessions.c.revoked_ms.is_(None),
        sessions.c.stopped.is_(False),
        sessions.c.over_ms > bindparam("active_ms"),
        bindparam("active_ms") > _ACTIVE_MS,
    )
    .values(last_activity_ms=bindparam("active_ms"))
)

_NOTE = update(session_tokens).where(session_tokens.c.jti == bindparam("noted")).values(spent_ms=bindparam("at_ms"))


def create(connection: Connection, session: Session) -> Session:
    return _add(connection, session, lock_subject(connection, session.tenant_id, session.subject))


def create_limited(
    connection: Connection, session: Session, limit: SessionLimit, eviction: Revocation
) -> LimitedCreation:
    cutoff_ms = lock_subject(connection, session.tenant_id, session.subject)
    counted = [of_subject(session.tenant_id, session.subject), active(limit.now)]
    surface = rules.counted_surface(limit)
    if surface is not None:
        counted.append(sessions.c.surface == surface)
    standing = connection.execute(SESSIONS.with_only_columns(func.count()).where(*counted)).scalar_one()
    too_many = rules.too_many(standing, limit)
    if too_many and limit.policy == "reject":
        return LimitedCreation(None)
    least_recent_first = SESSIONS.where(*counted).order_by(_ACTIVE_MS, sessions.c.session_id).limit(too_many)
    leaving = read_all(connection, least_recent_first.with_for_update(of=sessions)) if too_many else []
    stored = _add(connection, session, cutoff_ms)
    return LimitedCreation(stored, end(connection, leaving, eviction))


def get(connection: Connection, session_id: str) -> Session | None:
    return read(connection, SESSIONS.where(sessions.c.session_id == session_id))


def read_state(connection: Connection, session_id: str, jti: str) -> StoredState:
    return StoredState(get(connection, session_id), log.has_jti(connection, jti))


def find_token(connection: Connection, jti: str) -> TokenRecord | None:
    row = connection.execute(select(session_tokens).where(session_tokens.c.jti == jti)).mappings().first()
    return None if row is None else token_of(row)


def rotate(connection: Connection, rotation: Rotation) -> RotationResult:
    session = lock(connection, rotation.session_id)
    if session is None:
        return RotationResult(RotationStatus.NOT_FOUND)
    result = rules.rotate(session, rotation, noted=_noted(connection, session, rotation.presented_jti))
    if result.status is RotationStatus.ROTATED and result.session is not None:
        move_on(connection, result.session, new=rotation.tokens)
        _note(connection, rules.crowded_out(session, rotation))
    elif result.status is RotationStatus.REUSE_REVOKED:
        end(connection, [session], rotation.reuse)
    return result


def slide(connection: Connection, wanted: Slide) -> SlideResult:
    session = lock(connection, wanted.session_id)
    if session is None:
        return SlideResult(SlideStatus.NOT_FOUND)
    jti = wanted.presented_jti
    presented, jti_revoked = find_token(connection, jti), log.has_jti(connection, jti)
    result = rules.slide(session, wanted, presented=presented, jti_revoked=jti_revoked)
    if result.status is SlideStatus.SLID and result.session is not None:
        move_on(connection, result.session, new=[wanted.token])
    return result


def touch(connection: Connection, activities: Mapping[str, int]) -> None:
    owners = select(sessions.c.tenant_id, sessions.c.subject).where(sessions.c.session_id.in_(list(activities)))
    rows = connection.execute(owners.distinct()).all()
    log.lock_subjects(connection, {(row.tenant_id, row.subject) for row in rows})
    if rows:
        connection.execute(_TOUCH, [{"touched_id": name, "active_ms": at_ms} for name, at_ms in activities.items()])


def erase_subject(connection: Connection, tenant_id: str, subject: str, limit: int) -> int:
    if select_subject(connection, tenant_id, subject) is None:
        return 0
    nothing = erase_changes()
    is_known = or_(*(sessions.c[name].is_distinct_from(value) for name, value in nothing.items()))
    chosen = select(sessions.c.session_id).where(of_subject(tenant_id, subject), is_known).limit(limit)
    return connection.execute(update(sessions).where(sessions.c.session_id.in_(chosen)).values(nothing)).rowcount


def _noted(connection: Connection, session: Session, jti: str) -> SpentToken | None:
    if not rules.is_noted_elsewhere(session, jti):
        return None
    own = (session_tokens.c.jti == jti, session_tokens.c.session_id == session.session_id)
    spent_ms = connection.execute(select(session_tokens.c.spent_ms).where(*own)).scalar_one_or_none()
    return None if spent_ms is None else SpentToken(jti, spent_ms)


def _note(connection: Connection, spent: Sequence[SpentToken]) -> None:
    if spent:
        connection.execute(_NOTE, [{"noted": token.jti, "at_ms": token.spent_ms} for token in spent])


def _add(connection: Connection, session: Session, cutoff_ms: int) -> Session:
    stored = rules.born(session, cutoff_ms)
    try:
        connection.execute(insert(sessions), session_values(stored))
    except IntegrityError as error:
        raise DuplicateError("session_id has to be new") from error
    add_tokens(connection, session.tokens)
    outbox.append(connection, events.issued(stored))
    return stored
