# SPDX-License-Identifier: Apache-2.0
"""The tables. A change here needs a migration: a test compares both."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    false,
    text,
)

from tessera_service.storage.sql.schema_base import SEQUENCE, metadata
from tessera_service.storage.sql.schema_outbox import outbox, outbox_head, relays
from tessera_service.storage.sql.schema_users import codes, hit_keys, hits, users

# What stands in other files: whoever imports this one knows every table.
__all__ = ["codes", "hit_keys", "hits", "metadata", "outbox", "outbox_head", "relays", "users"]

# Conditions of partial indexes. Queries use these very words: SQLite matches them as text, not by a parameter's value.
IS_JTI: Final = text("kind = 'jti'")
IS_SUBJECT: Final = text("kind = 'subject'")

meta: Final = Table(
    "meta",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

tenants: Final = Table(
    "tenants",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
)

service_tokens: Final = Table(
    "service_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("all_tenants", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index(None, "created_ms"),
    Index(None, "tenant_id", "created_ms"),
    Index(None, "expires_at"),
)

access_keys: Final = Table(
    "access_keys",
    metadata,
    Column("access_key_id", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("master_key_id", String(64), nullable=False),
    Column("grants", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Index(None, "tenant_id", "created_at"),
)

gateway_keys: Final = Table(
    "gateway_keys",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("master_key_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Index(None, "tenant_id", "created_at"),
)

signing_keys: Final = Table(
    "signing_keys",
    metadata,
    Column("kid", String(128), primary_key=True),
    Column("public_jwk", Text, nullable=False),
    Column("private_pem", Text),
    Column("master_key_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("activates_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

# One row for each subject with a retained session or log entry; the row that serialises what happens to it.
subjects: Final = Table(
    "subjects",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("subject", String(128), primary_key=True),
    Column("cutoff_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("session_id", String(64), primary_key=True),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("surface", String(32), nullable=False),
    Column("auth_method", String(32), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("username", Text),
    Column("metadata", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("refresh_jti", String(64)),
    Column("spent", Text, nullable=False),
    Column("successor_access", LargeBinary),
    Column("successor_refresh", LargeBinary),
    Column("successor_kid", String(128)),
    Column("successor_until_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("revoked_reason", Text),
    Column("revoked_by", Text),
    Column("locked", Boolean, nullable=False),
    Column("over_ms", BigInteger, nullable=False),  # rules.over_ms: for the purge, and for what is active
    # What an older release leaves out has a meaning: NULL is no activity but the creation, no newest token, no key.
    Column("last_activity_ms", BigInteger),
    Column("span_seconds", BigInteger, nullable=False, server_default=text("0")),
    Column("newest_jti", String(64)),
    Column("newest_expires_at", BigInteger),
    Column("newest_payload", LargeBinary),
    Column("newest_kid", String(128)),
    Column("access_key_id", String(64)),
    # Revoked, locked or cut off: only for counting, which cannot look at a subject for each of a million sessions.
    Column("stopped", Boolean, nullable=False, server_default=false()),
    ForeignKeyConstraint(["tenant_id", "subject"], ["subjects.tenant_id", "subjects.subject"]),
    Index(None, "tenant_id", "created_ms", "session_id"),
    # over_ms: a page of active sessions skips those that are over without a look at their rows.
    Index(None, "tenant_id", "subject", "created_ms", "session_id", "over_ms"),
    Index(None, "tenant_id", "surface", "stopped", "over_ms"),
    Index(None, "over_ms"),
)
Index(
    None,
    sessions.c.tenant_id,
    sessions.c.subject,
    sessions.c.over_ms,
    sqlite_where=sessions.c.revoked_ms.is_(None),
    postgresql_where=sessions.c.revoked_ms.is_(None),
)
Index(
    None,
    sessions.c.access_key_id,
    sessions.c.over_ms,
    sqlite_where=sessions.c.access_key_id.is_not(None),
    postgresql_where=sessions.c.access_key_id.is_not(None),
)
Index(
    None,
    sessions.c.successor_until_ms,
    sqlite_where=sessions.c.successor_until_ms.is_not(None),
    postgresql_where=sessions.c.successor_until_ms.is_not(None),
)

# No reference to sessions: a record outlives its session until its own expiry.
session_tokens: Final = Table(
    "session_tokens",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("session_id", String(64), nullable=False),
    Column("tenant_id", String(64), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("spent_ms", BigInteger),  # of a refresh token that its session names no more, though it is in its grace
    Index(None, "expires_at"),
    sqlite_with_rowid=False,
)

log_head: Final = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("log_id", String(64), nullable=False),
    Column("seq", BigInteger, nullable=False),
)

revocation_log: Final = Table(
    "revocation_log",
    metadata,
    Column("sequence", SEQUENCE, primary_key=True, autoincrement=False),
    Column("kind", String(16), nullable=False),
    Column("tenant_id", String(64), nullable=False),
    Column("key", String(128), nullable=False),
    Column("cutoff_ms", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "expires_at"),
)
Index(
    "ix_revocation_log_jti",
    revocation_log.c.key,
    unique=True,
    sqlite_where=IS_JTI,
    postgresql_where=IS_JTI,
)
Index(
    "ix_revocation_log_subject",
    revocation_log.c.tenant_id,
    revocation_log.c.key,
    sqlite_where=IS_SUBJECT,
    postgresql_where=IS_SUBJECT,
)
