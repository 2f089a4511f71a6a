# SPDX-License-Identifier: Apache-2.0
"""The revocation log: steps over a connection that is inside a transaction."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, select, update

from tessera_service.models import LogKind, LogPage, Revocation, ServiceToken, Session
from tessera_service.storage.sql import engine
from tessera_service.storage.sql.rows import entry_of
from tessera_service.storage.sql.schema import IS_JTI, IS_SUBJECT, log_head, revocation_log, sessions, subjects


def append(
    connection: Connection, kind: LogKind, key: str, revocation: Revocation, *, tenant_id: str, cutoff_ms: int = 0
) -> None:
    """Adds an entry as the newest. The last thing that a step does, after its events: the head stays locked until the
    commit, which makes sequences gapless and puts them in commit order."""
    _append(connection, kind, [(tenant_id, key)], revocation, cutoff_ms=cutoff_ms)


def append_sessions(connection: Connection, ended: Sequence[Session], revocation: Revocation) -> None:
    """As `append`, a SESSION entry for each, in their order."""
    if ended:
        keys = [(session.tenant_id, session.session_id) for session in ended]
        _append(connection, LogKind.SESSION, keys, revocation, cutoff_ms=0)


def append_service_tokens(connection: Connection, ended: Sequence[ServiceToken], revocation: Revocation) -> None:
    """As `append`, a JTI entry for each, in their order."""
    if ended:
        keys = [(token.tenant_id, token.jti) for token in ended]
        _append(connection, LogKind.JTI, keys, revocation, cutoff_ms=0)


def _append(
    connection: Connection,
    kind: LogKind,
    keys: Sequence[tuple[str, str]],
    revocation: Revocation,
    *,
    cutoff_ms: int,
) -> None:
    moved = update(log_head).values(seq=log_head.c.seq + len(keys)).returning(log_head.c.seq)
    first = connection.execute(moved).scalar_one() - len(keys) + 1
    entries = [
        {
            "sequence": sequence,
            "kind": kind.value,
            "tenant_id": tenant_id,
            "key": key,
            "cutoff_ms": cutoff_ms,
            "expires_at": revocation.log_expires_at,
        }
        for sequence, (tenant_id, key) in enumerate(keys, start=first)
    ]
    connection.execute(insert(revocation_log), entries)
    engine.hint(connection)


def has_jti(connection: Connection, jti: str) -> bool:
    """Whether that jti is revoked by a retained entry."""
    found = select(revocation_log.c.sequence).where(IS_JTI, revocation_log.c.key == jti)
    return connection.execute(found).first() is not None


def read_page(connection: Connection, *, after: int, limit: int, until: int | None = None) -> LogPage:
    """Entries from `after` (inclusive) to `until` (inclusive; None: the head)."""
    head = connection.execute(select(log_head.c.log_id, log_head.c.seq)).one()
    wanted = select(revocation_log).where(revocation_log.c.sequence >= after)
    if until is not None:
        wanted = wanted.where(revocation_log.c.sequence <= until)
    rows = connection.execute(wanted.order_by(revocation_log.c.sequence).limit(limit)).mappings()
    return LogPage(head.log_id, head.seq, tuple(entry_of(row) for row in rows))


def renew(connection: Connection, *, log_id: str) -> None:
    """Another life begins, with the entries and the numbers of the one before."""
    connection.execute(update(log_head).values(log_id=log_id))


def purge(connection: Connection, *, now: int, limit: int) -> int:
    """Removes expired entries, and the cut-offs that only they needed."""
    newest = select(log_head.c.seq).scalar_subquery()
    log = revocation_log.c
    expired = select(log.sequence, log.kind, log.tenant_id, log.key).where(log.expires_at <= now, log.sequence < newest)
    chosen = expired.order_by(log.expires_at).limit(limit).with_for_update(of=revocation_log, skip_locked=True)
    rows = connection.execute(chosen).all()
    if not rows:
        return 0
    keys = {(row.tenant_id, row.key) for row in rows if row.kind == LogKind.SUBJECT.value}
    lock_subjects(connection, keys)
    connection.execute(delete(revocation_log).where(log.sequence.in_([row.sequence for row in rows])))
    forget_subjects(connection, keys)
    return len(rows)


def lock_subjects(connection: Connection, keys: Collection[tuple[str, str]]) -> None:
    """Locks the subjects, by (tenant_id, subject), in one order. Only a statement after this one is sure to see what
    the last holder of a lock wrote."""
    for named in _named(keys):
        wanted = select(subjects.c.cutoff_ms).where(named).order_by(subjects.c.subject)
        connection.execute(wanted.with_for_update()).all()


def forget_subjects(connection: Connection, keys: Collection[tuple[str, str]]) -> None:
    """Removes those subjects, locked before, that no session and no entry needs any more."""
    session = exists().where(sessions.c.tenant_id == subjects.c.tenant_id, sessions.c.subject == subjects.c.subject)
    entry = exists().where(
        IS_SUBJECT,
        revocation_log.c.tenant_id == subjects.c.tenant_id,
        revocation_log.c.key == subjects.c.subject,
    )
    for named in _named(keys):
        connection.execute(delete(subjects).where(named, ~session, ~entry))


def _named(keys: Collection[tuple[str, str]]) -> Iterator[ColumnElement[bool]]:
    """A condition for each tenant: SQLite walks through all subjects to find many (tenant_id, subject) pairs."""
    for tenant_id, of_tenant in groupby(sorted(keys), key=itemgetter(0)):
        names = [subject for _, subject in of_tenant]
        yield and_(subjects.c.tenant_id == tenant_id, subjects.c.subject.in_(names))
