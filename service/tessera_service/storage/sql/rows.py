# SPDX-License-Identifier: Apache-2.0
"""Rows and values: the one place where a column becomes a field. A row that cannot be read is StoreUnavailable."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from sqlalchemy import RowMapping

from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    AccessKeyRecord,
    GatewayKey,
    Grant,
    LogEntry,
    LogKind,
    Newest,
    Revocation,
    ServiceToken,
    Session,
    SessionMetadata,
    SigningKey,
    SpentToken,
    Successor,
    Tenant,
    TokenKind,
    TokenRecord,
    User,
    UserStatus,
)
from tessera_service.storage import rules

# The successor and the newest token of a session.
_OF_TOKENS: Final = (
    *("successor_access", "successor_refresh", "successor_kid", "successor_until_ms"),
    *("newest_jti", "newest_expires_at", "newest_payload", "newest_kid"),
)


def session_values(session: Session) -> dict[str, Any]:
    """The row of a new session. Its tokens have rows of their own."""
    return session_changes(session) | {
        "session_id": session.session_id,
        "tenant_id": session.tenant_id,
        "subject": session.subject,
        "surface": session.surface,
        "auth_method": session.auth_method,
        "client_id": session.client_id,
        "scope": session.scope,
        "permissions": _json(session.permissions),
        "roles": _json(session.roles),
        "username": session.username,
        "metadata": _json({name: value for name, value in asdict(session.metadata).items() if value is not None}),
        "created_ms": session.created_ms,
        "ends_at": session.ends_at,
        "span_seconds": session.span_seconds,
        "access_key_id": session.access_key_id,
    }


def session_changes(session: Session) -> dict[str, Any]:
    """The columns that change in the life of a session."""
    successor, newest = session.successor, session.newest
    return {
        "locked": session.locked,
        "refresh_jti": session.refresh_jti,
        "expires_at": session.expires_at,
        "spent": _json([[spent.jti, spent.spent_ms] for spent in session.spent]),
        "successor_access": successor.access_payload if successor else None,
        "successor_refresh": successor.refresh_payload if successor else None,
        "successor_kid": successor.kid if successor else None,
        "successor_until_ms": session.successor_until_ms,
        "revoked_ms": session.revoked_ms,
        "revoked_reason": session.revoked_reason,
        "revoked_by": session.revoked_by,
        "over_ms": rules.over_ms(session),
        "last_activity_ms": session.last_activity_ms,
        "newest_jti": newest.jti if newest else None,
        "newest_expires_at": newest.expires_at if newest else None,
        "newest_payload": newest.payload if newest else None,
        "newest_kid": newest.kid if newest else None,
        "stopped": session.locked or session.revoked_ms is not None,
    }


def erase_changes() -> dict[str, Any]:
    """The columns in which `rules.erased` changes a session, alike for any session."""
    return dict.fromkeys(_OF_TOKENS) | {"username": None, "metadata": "{}"}


def end_changes(revocation: Revocation) -> dict[str, Any]:
    """The columns in which `rules.ended` changes a session, alike for any session."""
    return dict.fromkeys(_OF_TOKENS) | {
        "revoked_ms": revocation.at_ms,
        "revoked_reason": revocation.reason,
        "revoked_by": revocation.revoked_by,
        "locked": revocation.locked,
        "over_ms": revocation.at_ms,
        "stopped": True,
    }


def session_of(row: RowMapping) -> Session:
    """The session of a row that also has its subject's `cutoff_ms`, as that lets it be seen."""
    try:
        session = Session(
            session_id=row["session_id"],
            tenant_id=row["tenant_id"],
            subject=row["subject"],
            surface=row["surface"],
            auth_method=row["auth_method"],
            client_id=row["client_id"],
            scope=row["scope"],
            permissions=tuple(json.loads(row["permissions"])),
            roles=tuple(json.loads(row["roles"])),
            username=row["username"],
            metadata=SessionMetadata(**json.loads(row["metadata"])),
            created_ms=row["created_ms"],
            expires_at=row["expires_at"],
            ends_at=row["ends_at"],
            refresh_jti=row["refresh_jti"],
            spent=tuple(SpentToken(jti, spent_ms) for jti, spent_ms in json.loads(row["spent"])),
            successor=_successor_of(row),
            successor_until_ms=row["successor_until_ms"],
            revoked_ms=row["revoked_ms"],
            revoked_reason=row["revoked_reason"],
            revoked_by=row["revoked_by"],
            locked=row["locked"],
            last_activity_ms=row["created_ms"] if row["last_activity_ms"] is None else row["last_activity_ms"],
            span_seconds=row["span_seconds"],
            newest=_newest_of(row),
            access_key_id=row["access_key_id"],
        )
    except (TypeError, ValueError) as error:
        raise StoreUnavailable("a stored session cannot be read") from error
    return rules.seen_under(session, row["cutoff_ms"])


def _successor_of(row: RowMapping) -> Successor | None:
    if row["successor_kid"] is None:
        return None
    return Successor(row["successor_access"], row["successor_refresh"], row["successor_kid"])


def _newest_of(row: RowMapping) -> Newest | None:
    if row["newest_jti"] is None:
        return None
    return Newest(row["newest_jti"], row["newest_expires_at"], row["newest_payload"], row["newest_kid"])


def token_values(tokens: Iterable[TokenRecord]) -> list[dict[str, Any]]:
    """The rows of tokens."""
    return [asdict(token) | {"kind": token.kind.value} for token in tokens]


def token_of(row: RowMapping) -> TokenRecord:
    """The record of a token."""
    return TokenRecord(**_known(TokenRecord, row) | {"kind": TokenKind(row["kind"])})


def entry_of(row: RowMapping) -> LogEntry:
    """An entry of the log."""
    return LogEntry(**_known(LogEntry, row) | {"kind": LogKind(row["kind"])})


def tenant_of(row: RowMapping) -> Tenant:
    """A tenant."""
    return Tenant(**_known(Tenant, row))


def service_token_values(token: ServiceToken) -> dict[str, Any]:
    """The row of a service token."""
    return asdict(token) | {"permissions": _json(token.permissions)}


def service_token_of(row: RowMapping) -> ServiceToken:
    """The record of a service token."""
    try:
        return ServiceToken(**_known(ServiceToken, row) | {"permissions": tuple(json.loads(row["permissions"]))})
    except (TypeError, ValueError) as error:
        raise StoreUnavailable("a stored service token cannot be read") from error


def access_key_values(key: AccessKeyRecord) -> dict[str, Any]:
    """The row of an access key."""
    return asdict(key) | {"grants": _json([[grant.resource, grant.permission] for grant in key.grants])}


def access_key_of(row: RowMapping) -> AccessKeyRecord:
    """An access key."""
    try:
        grants = tuple(Grant(resource, permission) for resource, permission in json.loads(row["grants"]))
        return AccessKeyRecord(**_known(AccessKeyRecord, row) | {"grants": grants})
    except (TypeError, ValueError) as error:
        raise StoreUnavailable("a stored access key cannot be read") from error


def gateway_key_of(row: RowMapping) -> GatewayKey:
    """A gateway's key."""
    return GatewayKey(**_known(GatewayKey, row))


def signing_key_of(row: RowMapping) -> SigningKey:
    """A signing key."""
    return SigningKey(**_known(SigningKey, row))


def user_values(user: User) -> dict[str, Any]:
    """The row of a user."""
    lists = {"roles": _json(user.roles), "permissions": _json(user.permissions)}
    return asdict(user) | lists | {"status": user.status.value}


def user_of(row: RowMapping) -> User:
    """A user."""
    try:
        lists = {name: tuple(json.loads(row[name])) for name in ("roles", "permissions")}
        return User(**_known(User, row) | lists | {"status": UserStatus(row["status"])})
    except (TypeError, ValueError) as error:
        raise StoreUnavailable("a stored user cannot be read") from error


def _known(model: Any, row: RowMapping) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(model)}


def _json(value: Sequence[Any] | dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
