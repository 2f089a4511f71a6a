# SPDX-License-Identifier: Apache-2.0
"""Hits: each function is one step over a connection that is inside a transaction.

Locks: the rows of the keys, in one order. A take makes them where they are missing.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, delete, exists, insert, select, tuple_, update

from tessera_service.models import HitLimit, Taken
from tessera_service.storage.sql.engine import insert_or_update
from tessera_service.storage.sql.schema_users import hit_keys, hits


def checked(limits: Sequence[HitLimit]) -> tuple[HitLimit, ...]:
    """The limits. ValueError if there is none, or two have one key: each would count the other's hits."""
    if not limits or len({limit.key for limit in limits}) != len(limits):
        raise ValueError("a take needs limits, each with a key of its own")
    return tuple(limits)


def take(connection: Connection, limits: Sequence[HitLimit], now_ms: int) -> Taken:
    # Also the durable write of a take that is refused: whoever is locked out waits for the disk as long as whoever is
    # wrong, so that time does not tell them apart.
    _lock_and_note(connection, limits, now_ms)
    live = _live(connection, limits, now_ms)
    if any(len(live[limit.key]) >= limit.max_hits for limit in limits):
        return _taken(None, limits, live, now_ms)
    hit_id = secrets.token_hex(16)
    for limit in limits:
        live[limit.key].append(now_ms + limit.window_seconds * 1000)
    connection.execute(insert(hits), [_hit(hit_id, limit, now_ms) for limit in limits])
    for limit in limits:
        if limit.hold_seconds is not None and len(live[limit.key]) == limit.max_hits:
            until_ms = now_ms + limit.hold_seconds * 1000
            _hold(connection, limit.key, hit_id, now_ms=now_ms, until_ms=until_ms)
            live[limit.key] = [until_ms] * limit.max_hits
    return _taken(hit_id, limits, live, now_ms)


def give_back(connection: Connection, hit_id: str) -> None:
    own = select(hits.c.key, hits.c.held_by).where(hits.c.hit_id == hit_id)
    keys = [row.key for row in connection.execute(own.order_by(hits.c.key))]
    locked = select(hit_keys.c.key).where(hit_keys.c.key.in_(keys)).order_by(hit_keys.c.key)
    connection.execute(locked.with_for_update()).all()
    for row in connection.execute(own).all():
        if row.held_by is not None:  # without this hit the limit would not have been full
            held = update(hits).where(hits.c.key == row.key, hits.c.held_by == row.held_by)
            connection.execute(held.values(expires_ms=hits.c.unheld_ms, held_by=None))
    connection.execute(delete(hits).where(hits.c.hit_id == hit_id))


def forget(connection: Connection, key: bytes) -> None:
    connection.execute(select(hit_keys.c.key).where(hit_keys.c.key == key).with_for_update()).all()
    connection.execute(delete(hits).where(hits.c.key == key))


def purge_hits(connection: Connection, now_ms: int, limit: int) -> int:
    """Removes hits that count for nothing any more, also if what holds them were given back, and no other would count
    if they were: whoever gives one back ends the hold of all."""
    other = hits.alias()
    held_together = and_(other.c.key == hits.c.key, other.c.held_by == hits.c.held_by)
    would_count = exists().where(held_together, other.c.unheld_ms > now_ms)
    dead = and_(hits.c.expires_ms <= now_ms, hits.c.unheld_ms <= now_ms, ~would_count)
    chosen = select(hits.c.key, hits.c.hit_id).where(dead).order_by(hits.c.expires_ms).limit(limit)
    these = tuple_(hits.c.key, hits.c.hit_id).in_(chosen.with_for_update(skip_locked=True))
    return connection.execute(delete(hits).where(these)).rowcount


def purge_keys(connection: Connection, now_ms: int, limit: int) -> int:
    """Removes the rows of keys none of whose hits can be left."""
    dead = select(hit_keys.c.key).where(hit_keys.c.expires_ms <= now_ms).order_by(hit_keys.c.expires_ms).limit(limit)
    # A row that is locked is of a key in use; waiting for several, in this order, could be waiting for each other.
    these = hit_keys.c.key.in_(dead.with_for_update(skip_locked=True))
    return connection.execute(delete(hit_keys).where(these)).rowcount


def _lock_and_note(connection: Connection, limits: Sequence[HitLimit], now_ms: int) -> None:
    def changes(new: Any) -> dict[str, Any]:
        later = case((new.expires_ms > hit_keys.c.expires_ms, new.expires_ms), else_=hit_keys.c.expires_ms)
        return {"takes": hit_keys.c.takes + 1, "expires_ms": later}

    rows = [
        {"key": limit.key, "takes": 1, "expires_ms": now_ms + 1000 * max(limit.window_seconds, limit.hold_seconds or 0)}
        for limit in sorted(limits, key=lambda limit: limit.key)
    ]
    connection.execute(insert_or_update(connection, hit_keys, changes), rows)


def _live(connection: Connection, limits: Sequence[HitLimit], now_ms: int) -> dict[bytes, list[int]]:
    """When the hits of each key that count at `now_ms` end, the next first."""
    live: dict[bytes, list[int]] = {limit.key: [] for limit in limits}
    counting = select(hits.c.key, hits.c.expires_ms).where(hits.c.key.in_(list(live)), hits.c.expires_ms > now_ms)
    for row in connection.execute(counting.order_by(hits.c.expires_ms)):
        live[row.key].append(row.expires_ms)
    return live


def _hit(hit_id: str, limit: HitLimit, now_ms: int) -> dict[str, Any]:
    until_ms = now_ms + limit.window_seconds * 1000
    return {"key": limit.key, "hit_id": hit_id, "expires_ms": until_ms, "unheld_ms": until_ms, "held_by": None}


def _hold(connection: Connection, key: bytes, hit_id: str, *, now_ms: int, until_ms: int) -> None:
    counting = update(hits).where(hits.c.key == key, hits.c.expires_ms > now_ms)
    connection.execute(counting.values(expires_ms=until_ms, held_by=hit_id))


def _taken(hit_id: str | None, limits: Sequence[HitLimit], live: Mapping[bytes, Sequence[int]], now_ms: int) -> Taken:
    return Taken(
        hit_id,
        tuple(max(limit.max_hits - len(live[limit.key]), 0) for limit in limits),
        tuple(_retry_after(limit, sorted(live[limit.key]), now_ms) for limit in limits),
    )


def _retry_after(limit: HitLimit, ends_ms: Sequence[int], now_ms: int) -> int:
    """In how many seconds, rounded up, the limit has room again."""
    too_many = len(ends_ms) + 1 - limit.max_hits
    return 0 if too_many <= 0 else -((now_ms - ends_ms[too_many - 1]) // 1000)
