# SPDX-License-Identifier: Apache-2.0
"""Users: each function is one step over a connection that is inside a transaction.

Locks: the tenant's row for whatever takes a name, so that nobody takes it meanwhile; the user; the user's service
tokens; the outbox; the log.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, insert, select, update

from tessera_service.models import Event, LogKind, Revocation, ServiceToken, User, UserStatus
from tessera_service.storage.rules import events
from tessera_service.storage.sql import log, outbox
from tessera_service.storage.sql.database import DuplicateError
from tessera_service.storage.sql.directory_steps import end_service_tokens
from tessera_service.storage.sql.listing import newest_first
from tessera_service.storage.sql.rows import user_of, user_values
from tessera_service.storage.sql.schema import tenants
from tessera_service.storage.sql.schema_users import users

_NAMES: Final = ("username", "email", "phone")
_NEVER_CHANGES: Final = ("tenant_id", "user_id", "created_at")


def only_name(**names: str | None) -> tuple[str, str]:
    """The one name that is given, and which of a user's it is. ValueError unless exactly one is."""
    given = [(field, value) for field, value in names.items() if value is not None]
    if len(given) != 1:
        raise ValueError("a user is found by exactly one name")
    return given[0]


def add(connection: Connection, user: User, event: Event) -> str | None:
    _lock_names(connection, user.tenant_id)
    if get(connection, user.tenant_id, user.user_id) is not None:
        raise DuplicateError("user_id has to be new")
    taken = _taken(connection, user)
    if taken is None:
        connection.execute(insert(users), user_values(user))
        outbox.append(connection, event)
    return taken


def get(connection: Connection, tenant_id: str, user_id: str) -> User | None:
    return _first(connection, select(users).where(_is(tenant_id, user_id)))


def find(connection: Connection, tenant_id: str, field: str, value: str) -> User | None:
    return _first(connection, select(users).where(users.c.tenant_id == tenant_id, users.c[field] == value))


def list_users(connection: Connection, tenant_id: str, after: User | None) -> Sequence[User]:
    place = None if after is None else (after.created_at, after.user_id)
    wanted = newest_first(users.c.created_at, users.c.user_id, tenant_id=tenant_id, after=place)
    return [user_of(row) for row in connection.execute(wanted).mappings()]


def change(connection: Connection, user: User, ends_sessions: bool, revocation: Revocation, event: Event) -> bool:
    _lock_names(connection, user.tenant_id)
    row = _is(user.tenant_id, user.user_id)
    known = connection.execute(select(users.c.version, users.c.status).where(row).with_for_update()).first()
    if known is None or known.version != user.version - 1:
        return False
    taken = _taken(connection, user)
    if taken is not None:
        raise DuplicateError(taken)
    changes = {name: value for name, value in user_values(user).items() if name not in _NEVER_CHANGES}
    connection.execute(update(users).where(row).values(changes))
    ended: Sequence[ServiceToken] = ()
    if UserStatus(known.status) is not UserStatus.ACTIVE or user.status is not UserStatus.ACTIVE:
        ended = end_service_tokens(connection, user.tenant_id, user.user_id, revocation)
    _tell(connection, user.tenant_id, user.user_id, revocation, event, ended, ends_sessions=ends_sessions)
    return True


def set_password_hash(connection: Connection, tenant_id: str, user_id: str, old: str, new: str) -> bool:
    same = update(users).where(_is(tenant_id, user_id), users.c.password_hash == old)
    return connection.execute(same.values(password_hash=new)).rowcount == 1


def remove(
    connection: Connection, tenant_id: str, user_id: str, version: int, revocation: Revocation, event: Event
) -> bool:
    known = and_(_is(tenant_id, user_id), users.c.version == version)
    if connection.execute(delete(users).where(known)).rowcount == 0:
        return False
    ended = end_service_tokens(connection, tenant_id, user_id, revocation)
    _tell(connection, tenant_id, user_id, revocation, event, ended, ends_sessions=True)
    return True


def _tell(
    connection: Connection,
    tenant_id: str,
    user_id: str,
    revocation: Revocation,
    event: Event,
    ended: Sequence[ServiceToken],
    *,
    ends_sessions: bool,
) -> None:
    outbox.append(connection, *(events.service_token_revoked(token, revocation) for token in ended), event)
    log.append_service_tokens(connection, ended, revocation)
    cutoff_ms = revocation.at_ms if ends_sessions else 0
    log.append(connection, LogKind.CHANGED, user_id, revocation, tenant_id=tenant_id, cutoff_ms=cutoff_ms)


def _lock_names(connection: Connection, tenant_id: str) -> None:
    # There is no row of a name that nobody has yet: the tenant's row stands for all of them. Without one, what comes at
    # the same moment meets the unique index, and fails as a whole.
    connection.execute(select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id).with_for_update()).first()


def _taken(connection: Connection, user: User) -> str | None:
    """The first of the user's names that another user of the tenant has."""
    for field in _NAMES:
        value = getattr(user, field)
        if value is not None:
            holder = find(connection, user.tenant_id, field, value)
            if holder is not None and holder.user_id != user.user_id:
                return field
    return None


def _is(tenant_id: str, user_id: str) -> ColumnElement[bool]:
    return and_(users.c.tenant_id == tenant_id, users.c.user_id == user_id)


def _first(connection: Connection, wanted: Select[tuple[object, ...]]) -> User | None:
    row = connection.execute(wanted).mappings().first()
    return None if row is None else user_of(row)
