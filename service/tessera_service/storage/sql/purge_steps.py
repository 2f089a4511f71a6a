# SPDX-License-Identifier: Apache-2.0
"""How what is over goes: each function is one step over a connection that is inside a transaction.

What needs no subject skips the rows that somebody holds: who waits for nobody is waited for by nobody for long."""

from sqlalchemy import Connection, delete, select, update

from tessera_service.storage.sql import log
from tessera_service.storage.sql.schema import session_tokens, sessions


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
    chosen = expired.order_by(session_tokens.c.expires_at).limit(limit).with_for_update(skip_locked=True)
    return connection.execute(delete(session_tokens).where(session_tokens.c.jti.in_(chosen))).rowcount


def purge_successors(connection: Connection, until_ms: int, limit: int) -> int:
    over = sessions.c.successor_until_ms <= until_ms
    chosen = select(sessions.c.session_id).where(over).order_by(sessions.c.successor_until_ms).limit(limit)
    chosen = chosen.with_for_update(skip_locked=True)
    nothing = dict.fromkeys(["successor_access", "successor_refresh", "successor_kid", "successor_until_ms"])
    forget = update(sessions).where(sessions.c.session_id.in_(chosen), over).values(nothing)
    return connection.execute(forget).rowcount
