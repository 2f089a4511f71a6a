# SPDX-License-Identifier: Apache-2.0
"""Pages and numbers of sessions: each function is one step over a connection that is inside a transaction."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from tessera_service.models import Place, Session, SessionCounts, SessionPage, SessionStatus, UnendedSessions
from tessera_service.storage import rules
from tessera_service.storage.sql.schema import sessions
from tessera_service.storage.sql.session_rows import SESSIONS, active, has_status, of_subject, read_all


def list_sessions(
    connection: Connection,
    tenant_id: str,
    *,
    subject: str | None,
    now: int,
    active_only: bool,
    surface: str | None,
    limit: int,
    offset: int,
) -> Sequence[Session]:
    wanted = SESSIONS.where(sessions.c.tenant_id == tenant_id if subject is None else of_subject(tenant_id, subject))
    if surface is not None:
        wanted = wanted.where(sessions.c.surface == surface)
    if active_only:
        wanted = wanted.where(active(now))
    newest_first = wanted.order_by(sessions.c.created_ms.desc(), sessions.c.session_id.desc())
    return read_all(connection, newest_first.limit(limit).offset(offset))


def page_sessions(
    connection: Connection,
    tenant_id: str,
    *,
    subject: str,
    status: SessionStatus | None,
    now: int,
    limit: int,
    offset: int,
) -> SessionPage:
    wanted = SESSIONS.where(of_subject(tenant_id, subject))
    if status is not None:
        wanted = wanted.where(has_status(status, now))
    total = connection.execute(wanted.with_only_columns(func.count())).scalar_one()
    newest_first = wanted.order_by(sessions.c.created_ms.desc(), sessions.c.session_id.desc())
    return SessionPage(tuple(read_all(connection, newest_first.limit(limit).offset(offset))), total)


def walk_unended(connection: Connection, tenant_id: str, *, after: Place | None, limit: int) -> UnendedSessions:
    wanted = SESSIONS.where(sessions.c.tenant_id == tenant_id)
    if after is not None:
        place = tuple_(sessions.c.created_ms, sessions.c.session_id)
        wanted = wanted.where(place < tuple_(after.created_ms, after.session_id))
    newest_first = wanted.order_by(sessions.c.created_ms.desc(), sessions.c.session_id.desc())
    met = read_all(connection, newest_first.limit(limit))
    rest = Place(0, met[-1].created_ms, met[-1].session_id) if len(met) == limit else None
    return UnendedSessions(tuple(filter(rules.may_end, met)), rest)


def count_sessions(connection: Connection, tenant_id: str, *, surface: str, now: int) -> SessionCounts:
    made_there = (sessions.c.tenant_id == tenant_id, sessions.c.surface == surface)

    def number(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return select(func.count()).select_from(sessions).where(*made_there, *conditions).scalar_subquery()

    is_stopped, over = sessions.c.stopped, sessions.c.over_ms
    # Three ranges of one index: nothing is looked up, nothing is counted twice.
    stopped, active_ones, expired = connection.execute(
        select(
            number(is_stopped.is_(True)),
            number(is_stopped.is_(False), over > now * 1000),
            number(is_stopped.is_(False), over <= now * 1000),
        )
    ).one()
    return SessionCounts(total=stopped + active_ones + expired, active=active_ones, expired=expired)
