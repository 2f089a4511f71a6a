# SPDX-License-Identifier: Apache-2.0
"""The outbox: steps over a connection that is inside a transaction.

A place in it is taken under the lock of the head until the commit, which puts places in commit order. SQLite has one
writer anyway. On PostgreSQL that would let one commit at a time: there an event is written with a negative number, and
`number` gives their places to those that are committed, before anybody reads. Events of one session, which have its
subject locked in between, are written in their order, and keep it.

Whoever changes events that stand here takes the head first: all others hold no row of it that anybody waits for.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from tessera_service.errors import StoreUnavailable
from tessera_service.models import Event, EventType, OutboxRow, OutboxSize, RelayClaim, Revocation
from tessera_service.storage.rules import events
from tessera_service.storage.rules.relays import Relay, advanced, claimed
from tessera_service.storage.sql.engine import insert_or_ignore
from tessera_service.storage.sql.schema import sessions
from tessera_service.storage.sql.schema_outbox import outbox, outbox_head, relays, unnumbered

_OF_SESSIONS = ["sequence", "event_id", "type", "tenant_id", "session_id", "user_id", "at_ms", "data", "metadata"]
_AT_ONCE = 1000
_APPEND_UNNUMBERED = insert(outbox).values(sequence=-unnumbered.next_value())
_ERASE = update(outbox).where(outbox.c.sequence == bindparam("erased"))


def append(connection: Connection, *happened: Event) -> None:
    """Adds events as the newest, at the end of a step, but before `log.append`."""
    if not happened:
        return
    if _numbers_later(connection):
        connection.execute(_APPEND_UNNUMBERED, [_values(event) for event in happened])
        return
    first = _advance_head(connection, len(happened)) - len(happened) + 1
    rows = [_values(event) | {"sequence": sequence} for sequence, event in enumerate(happened, start=first)]
    connection.execute(insert(outbox), rows)


def append_revoked(connection: Connection, chosen: ColumnElement[bool], revocation: Revocation) -> None:
    """Adds REVOKED for each of the sessions in one statement, by their creation: there may be very many."""
    by_creation = [sessions.c.created_ms, sessions.c.session_id]
    if _numbers_later(connection):
        # Numbers are drawn in the order of the subquery. Places are none of this step's business: others' events may
        # wait for theirs, very many of them.
        known = select(sessions.c.session_id, sessions.c.tenant_id, sessions.c.subject, sessions.c.metadata)
        ending = known.where(chosen).order_by(*by_creation).subquery()
        rows = _revoked_rows(ending.c, -unnumbered.next_value(), revocation)
        connection.execute(insert(outbox).from_select(_OF_SESSIONS, rows))
        return
    head = _lock_head(connection)
    in_order = func.row_number().over(order_by=by_creation)
    rows = _revoked_rows(sessions.c, literal(head, BigInteger) + in_order, revocation).where(chosen)
    # Otherwise nobody promises to know afterwards how many an INSERT has written.
    writing = insert(outbox).from_select(_OF_SESSIONS, rows).execution_options(preserve_rowcount=True)
    _advance_head(connection, connection.execute(writing).rowcount)


def number(connection: Connection) -> None:
    """Gives a place to events that have none yet, however many read at once."""
    head = _lock_head(connection)
    oldest_first = func.row_number().over(order_by=outbox.c.sequence.desc())
    waiting = select(outbox.c.sequence, oldest_first.label("place")).where(outbox.c.sequence < 0)
    chosen = waiting.order_by(outbox.c.sequence.desc()).limit(_AT_ONCE).subquery()
    placed = update(outbox).where(outbox.c.sequence == chosen.c.sequence)
    count = connection.execute(placed.values(sequence=literal(head, BigInteger) + chosen.c.place)).rowcount
    if count:
        _advance_head(connection, count)


def is_waiting(connection: Connection) -> bool:
    """Whether there are events to `number`."""
    if not _numbers_later(connection):
        return False
    return connection.execute(select(outbox.c.sequence).where(outbox.c.sequence < 0).limit(1)).first() is not None


def read(connection: Connection, *, after: int, limit: int) -> Sequence[OutboxRow]:
    wanted = select(outbox).where(outbox.c.sequence > after).order_by(outbox.c.sequence).limit(limit)
    return [OutboxRow(row["sequence"], _event_of(row)) for row in connection.execute(wanted).mappings()]


def size(connection: Connection) -> OutboxSize:
    head = connection.execute(select(outbox_head.c.kept, outbox_head.c.seq)).one()
    positions = connection.execute(select(relays.c.sink, relays.c.position)).all()
    waiting = _waiting(connection)
    return OutboxSize(head.kept + waiting, head.seq + waiting, {row.sink: row.position for row in positions})


def _waiting(connection: Connection) -> int:
    """How many events have no place yet, by their first and last number: counting very many would take long. Numbers
    that a step drew and did not commit are few."""
    if not _numbers_later(connection):
        return 0
    ends = select(func.min(outbox.c.sequence), func.max(outbox.c.sequence)).where(outbox.c.sequence < 0)
    newest, oldest = connection.execute(ends).one()
    return 0 if newest is None else int(oldest - newest) + 1


def claim(connection: Connection, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
    known = _lock_relay(connection, sink)
    while known is None:
        connection.execute(insert_or_ignore(connection, relays), {"sink": sink} | asdict(Relay()))
        known = _lock_relay(connection, sink)
    relay = claimed(known, holder=holder, now_ms=now_ms, lease_ms=lease_ms)
    if relay is None:
        return None
    _store_relay(connection, sink, relay)
    return relay.claim()


def advance(connection: Connection, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
    known = _lock_relay(connection, sink)
    if known is None:
        return False
    relay = advanced(known, fence=fence, position=position, now_ms=now_ms, lease_ms=lease_ms)
    if relay is not None:
        _store_relay(connection, sink, relay)
    return relay is not None


def purge(connection: Connection, *, before_ms: int, limit: int) -> int:
    over = select(outbox.c.sequence).where(outbox.c.at_ms < before_ms, outbox.c.sequence > 0)
    chosen = over.order_by(outbox.c.at_ms, outbox.c.sequence).limit(limit)
    _lock_head(connection)
    gone = connection.execute(delete(outbox).where(outbox.c.sequence.in_(chosen))).rowcount
    if gone:
        connection.execute(update(outbox_head).values(kept=outbox_head.c.kept - gone))
    return gone


def erase(connection: Connection, tenant_id: str, user_id: str, *, limit: int) -> int:
    own = (outbox.c.tenant_id == tenant_id, outbox.c.user_id == user_id, outbox.c.metadata.is_not(None))
    wanted = select(outbox).where(*own).order_by(outbox.c.sequence).limit(limit)
    _lock_head(connection)
    rows = connection.execute(wanted).mappings().all()
    if rows:
        erased = [
            {"erased": row["sequence"], "data": json.dumps(dict(events.erased(_event_of(row)).data))} for row in rows
        ]
        connection.execute(_ERASE.values(data=bindparam("data"), metadata=None), erased)
    return len(rows)


def _numbers_later(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _revoked_rows(ending: Any, sequence: ColumnElement[int], revocation: Revocation) -> Select[Any]:
    """REVOKED for sessions of which `ending` has the columns."""
    return select(
        sequence,
        ending.session_id + ".revoked",
        literal(EventType.REVOKED.value),
        ending.tenant_id,
        ending.session_id,
        ending.subject,
        literal(revocation.at_ms, BigInteger),
        literal(json.dumps(events.revoked_alike(revocation))),
        func.nullif(ending.metadata, "{}"),
    )


def _lock_head(connection: Connection) -> int:
    head: int = connection.execute(select(outbox_head.c.seq).with_for_update()).scalar_one()
    return head


def _advance_head(connection: Connection, by: int) -> int:
    moved = update(outbox_head).values(seq=outbox_head.c.seq + by, kept=outbox_head.c.kept + by)
    head: int = connection.execute(moved.returning(outbox_head.c.seq)).scalar_one()
    return head


def _values(event: Event) -> dict[str, Any]:
    personal = {name: event.data[name] for name in events.PERSONAL if event.data.get(name) is not None}
    return {
        "event_id": event.event_id,
        "type": event.type.value,
        "tenant_id": event.tenant_id,
        "session_id": event.session_id,
        "user_id": event.user_id,
        "at_ms": event.at_ms,
        "data": json.dumps(dict(events.erased(event).data)),
        "metadata": json.dumps(personal) if personal else None,
    }


def _event_of(row: RowMapping) -> Event:
    try:
        known = {"session_id": row["session_id"], "user_id": row["user_id"], "tenant_id": row["tenant_id"]}
        known |= json.loads(row["metadata"] or "{}")
        stored = json.loads(row["data"]).items()
        return Event(
            event_id=row["event_id"],
            type=EventType(row["type"]),
            tenant_id=row["tenant_id"],
            session_id=row["session_id"],
            user_id=row["user_id"],
            at_ms=row["at_ms"],
            data={name: known.get(name) if value is None else value for name, value in stored},
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise StoreUnavailable("a stored event cannot be read") from error


def _lock_relay(connection: Connection, sink: str) -> Relay | None:
    row = connection.execute(select(relays).where(relays.c.sink == sink).with_for_update()).first()
    return None if row is None else Relay(row.position, row.fence, row.holder, row.lease_until_ms)


def _store_relay(connection: Connection, sink: str, relay: Relay) -> None:
    connection.execute(update(relays).where(relays.c.sink == sink).values(asdict(relay)))
