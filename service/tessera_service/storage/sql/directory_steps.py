# SPDX-License-Identifier: Apache-2.0
"""What happens to the directory: each function is one step over a connection that is inside a transaction."""

from collections.abc import Sequence
from dataclasses import asdict, replace

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tessera_service.models import LogKind, Revocation, ServiceToken, SigningKey, Tenant, UserStatus
from tessera_service.storage.rules import events
from tessera_service.storage.sql import log, outbox
from tessera_service.storage.sql.database import DuplicateError
from tessera_service.storage.sql.engine import insert_or_ignore
from tessera_service.storage.sql.listing import newest_first
from tessera_service.storage.sql.rows import (
    service_token_of,
    service_token_values,
    signing_key_of,
    tenant_of,
)
from tessera_service.storage.sql.schema import meta, service_tokens, signing_keys, tenants, users


def directory_id(connection: Connection) -> str:
    value: str = connection.execute(select(meta.c.value).where(meta.c.name == "directory_id")).scalar_one()
    return value


def add_tenant(connection: Connection, tenant: Tenant) -> bool:
    return connection.execute(insert_or_ignore(connection, tenants), asdict(tenant)).rowcount == 1


def get_tenant(connection: Connection, tenant_id: str) -> Tenant | None:
    row = connection.execute(select(tenants).where(tenants.c.tenant_id == tenant_id)).mappings().first()
    return None if row is None else tenant_of(row)


def list_tenants(connection: Connection) -> Sequence[Tenant]:
    found = [tenant_of(row) for row in connection.execute(select(tenants)).mappings()]
    return sorted(found, key=lambda tenant: tenant.tenant_id)


def add_service_token(connection: Connection, token: ServiceToken) -> bool:
    # Locked: who stops the user now sees the token afterwards.
    user = select(users.c.status).where(users.c.tenant_id == token.tenant_id, users.c.user_id == token.subject)
    if connection.execute(user.with_for_update()).scalar_one_or_none() not in (None, UserStatus.ACTIVE.value):
        return False
    try:
        connection.execute(insert(service_tokens), service_token_values(token))
    except IntegrityError as error:
        raise DuplicateError("jti has to be new") from error
    return True


def get_service_token(connection: Connection, jti: str, *, lock: bool = False) -> ServiceToken | None:
    wanted = select(service_tokens).where(service_tokens.c.jti == jti)
    row = connection.execute(wanted.with_for_update() if lock else wanted).mappings().first()
    return None if row is None else service_token_of(row)


def list_service_tokens(
    connection: Connection, tenant_id: str | None, after: ServiceToken | None
) -> Sequence[ServiceToken]:
    columns = service_tokens.c
    place = None if after is None else (after.created_ms, after.jti)
    wanted = newest_first(columns.created_ms, columns.jti, tenant_id=tenant_id, after=place)
    return [service_token_of(row) for row in connection.execute(wanted).mappings()]


def revoke_service_token(connection: Connection, jti: str, revocation: Revocation) -> ServiceToken | None:
    token = get_service_token(connection, jti, lock=True)
    if token is None or token.revoked_at is not None:
        return token
    revoked = replace(token, revoked_at=revocation.at_ms // 1000)
    row = update(service_tokens).where(service_tokens.c.jti == jti)
    connection.execute(row.values(revoked_at=revoked.revoked_at))
    outbox.append(connection, events.service_token_revoked(token, revocation))
    log.append(connection, LogKind.JTI, jti, revocation, tenant_id=token.tenant_id)
    return revoked


def end_service_tokens(
    connection: Connection, tenant_id: str, subject: str, revocation: Revocation
) -> Sequence[ServiceToken]:
    """Revokes those of a subject, but for their events and entries, which have their place at the end of a step."""
    live = (
        service_tokens.c.tenant_id == tenant_id,
        service_tokens.c.subject == subject,
        service_tokens.c.revoked_at.is_(None),
    )
    wanted = select(service_tokens).where(*live).order_by(service_tokens.c.jti)
    found = [service_token_of(row) for row in connection.execute(wanted.with_for_update()).mappings()]
    if found:
        connection.execute(update(service_tokens).where(*live).values(revoked_at=revocation.at_ms // 1000))
    return found


def purge_service_tokens(connection: Connection, now: int, limit: int) -> int:
    expired = select(service_tokens.c.jti).where(service_tokens.c.expires_at <= now)
    chosen = expired.order_by(service_tokens.c.expires_at).limit(limit).with_for_update(skip_locked=True)
    return connection.execute(delete(service_tokens).where(service_tokens.c.jti.in_(chosen))).rowcount


def list_signing_keys(connection: Connection) -> Sequence[SigningKey]:
    found = [signing_key_of(row) for row in connection.execute(select(signing_keys)).mappings()]
    return sorted(found, key=lambda key: (key.activates_at, key.kid))


def add_signing_key(connection: Connection, key: SigningKey, after: str | None) -> bool:
    # There is no row of "the newest key" to lock: the directory's own row stands for it.
    connection.execute(select(meta.c.value).where(meta.c.name == "directory_id").with_for_update()).one()
    live = [known.kid for known in list_signing_keys(connection) if known.revoked_at is None]
    if (live[-1] if live else None) != after:
        return False
    try:
        connection.execute(insert(signing_keys), asdict(key))
    except IntegrityError as error:
        raise DuplicateError("kid has to be new") from error
    return True


def revoke_signing_key(connection: Connection, kid: str, revocation: Revocation) -> bool:
    live = update(signing_keys).where(signing_keys.c.kid == kid, signing_keys.c.revoked_at.is_(None))
    changed = connection.execute(live.values(revoked_at=revocation.at_ms // 1000, private_pem=None))
    if changed.rowcount == 0:
        return False
    log.append(connection, LogKind.KEY, kid, revocation, tenant_id="")
    return True


def rewrap_signing_key(connection: Connection, kid: str, *, old: str, new: str, master_key_id: str) -> bool:
    unchanged = update(signing_keys).where(signing_keys.c.kid == kid, signing_keys.c.private_pem == old)
    return connection.execute(unchanged.values(private_pem=new, master_key_id=master_key_id)).rowcount == 1


def forget_private_key(connection: Connection, kid: str) -> None:
    connection.execute(update(signing_keys).where(signing_keys.c.kid == kid).values(private_pem=None))


def delete_signing_key(connection: Connection, kid: str) -> None:
    connection.execute(delete(signing_keys).where(signing_keys.c.kid == kid))
