# SPDX-License-Identifier: Apache-2.0
"""The keys of clients, access keys and gateways' keys: each function is one step over a connection that is inside a
transaction."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, RowMapping, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from tessera_service.models import AccessKeyRecord, GatewayKey, LogKind, Revocation
from tessera_service.storage.sql import log
from tessera_service.storage.sql.database import DuplicateError
from tessera_service.storage.sql.listing import newest_first
from tessera_service.storage.sql.rows import access_key_of, access_key_values, gateway_key_of
from tessera_service.storage.sql.schema import access_keys, gateway_keys


def add_access_key(connection: Connection, key: AccessKeyRecord) -> None:
    _add(connection, access_keys, access_key_values(key))


def get_access_key(connection: Connection, access_key_id: str, *, lock: bool = False) -> AccessKeyRecord | None:
    row = _row(connection, access_keys.c.access_key_id, access_key_id, lock=lock)
    return None if row is None else access_key_of(row)


def list_access_keys(
    connection: Connection,
    tenant_id: str | None,
    enabled_of: str | None,
    not_under: str | None,
    after: AccessKeyRecord | None,
) -> Sequence[AccessKeyRecord]:
    columns = access_keys.c
    place = None if after is None else (after.created_at, after.access_key_id)
    wanted = newest_first(columns.created_at, columns.access_key_id, tenant_id=tenant_id, after=place)
    wanted = wanted.where(*_enabled_not_under(access_keys, not_under))
    if enabled_of is not None:
        wanted = wanted.where(columns.subject == enabled_of, columns.disabled_at.is_(None))
    return [access_key_of(row) for row in connection.execute(wanted).mappings()]


def disable_access_key(connection: Connection, access_key_id: str, revocation: Revocation) -> AccessKeyRecord | None:
    key = get_access_key(connection, access_key_id, lock=True)
    if key is None or key.disabled_at is not None:
        return key
    disabled = replace(key, disabled_at=revocation.at_ms // 1000)
    row = update(access_keys).where(access_keys.c.access_key_id == access_key_id)
    connection.execute(row.values(disabled_at=disabled.disabled_at))
    log.append(connection, LogKind.CHANGED, access_key_id, revocation, tenant_id=key.tenant_id)
    return disabled


def rotate_access_key(
    connection: Connection, access_key_id: str, *, secret_hash: bytes, master_key_id: str, revocation: Revocation
) -> bool:
    key = get_access_key(connection, access_key_id, lock=True)
    if key is None or key.disabled_at is not None:
        return False
    row = update(access_keys).where(access_keys.c.access_key_id == access_key_id)
    connection.execute(row.values(secret_hash=secret_hash, master_key_id=master_key_id))
    log.append(connection, LogKind.CHANGED, access_key_id, revocation, tenant_id=key.tenant_id)
    return True


def add_gateway_key(connection: Connection, key: GatewayKey) -> None:
    _add(connection, gateway_keys, asdict(key))


def get_gateway_key(connection: Connection, key_id: str, *, lock: bool = False) -> GatewayKey | None:
    row = _row(connection, gateway_keys.c.key_id, key_id, lock=lock)
    return None if row is None else gateway_key_of(row)


def list_gateway_keys(
    connection: Connection, tenant_id: str | None, not_under: str | None, after: GatewayKey | None
) -> Sequence[GatewayKey]:
    columns = gateway_keys.c
    place = None if after is None else (after.created_at, after.key_id)
    wanted = newest_first(columns.created_at, columns.key_id, tenant_id=tenant_id, after=place)
    rows = connection.execute(wanted.where(*_enabled_not_under(gateway_keys, not_under))).mappings()
    return [gateway_key_of(row) for row in rows]


def disable_gateway_key(connection: Connection, key_id: str, revocation: Revocation) -> GatewayKey | None:
    key = get_gateway_key(connection, key_id, lock=True)
    if key is None or key.disabled_at is not None:
        return key
    disabled = replace(key, disabled_at=revocation.at_ms // 1000)
    row = update(gateway_keys).where(gateway_keys.c.key_id == key_id)
    connection.execute(row.values(disabled_at=disabled.disabled_at))
    log.append(connection, LogKind.CHANGED, key_id, revocation, tenant_id=key.tenant_id)
    return disabled


def _add(connection: Connection, table: Table, values: dict[str, Any]) -> None:
    try:
        connection.execute(insert(table), values)
    except IntegrityError as error:
        raise DuplicateError("the id of a key has to be new") from error


def _row(connection: Connection, key: Column[str], key_id: str, *, lock: bool) -> RowMapping | None:
    wanted = select(key.table).where(key == key_id)
    return connection.execute(wanted.with_for_update() if lock else wanted).mappings().first()


def _enabled_not_under(table: Table, master_key_id: str | None) -> Sequence[ColumnElement[bool]]:
    if master_key_id is None:
        return ()
    return table.c.disabled_at.is_(None), table.c.master_key_id != master_key_id
