# SPDX-License-Identifier: Apache-2.0
"""The tables of users, of what is counted and of one-time codes; of the same metadata as `schema`."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table, Text

from tessera_service.storage.sql.schema_base import metadata

# What a user may be found by. A name that is NULL is nobody's: it conflicts with no other.
users: Final = Table(
    "users",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("user_id", String(64), primary_key=True),
    Column("username", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("password_hash", Text),
    Column("roles", Text, nullable=False),
    Column("permissions", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index(None, "tenant_id", "username", unique=True),
    Index(None, "tenant_id", "email", unique=True),
    Index(None, "tenant_id", "phone", unique=True),
    Index(None, "tenant_id", "created_at", "user_id"),
)

# One row for each key that was tried lately; the row that serialises what happens to the key's hits.
hit_keys: Final = Table(
    "hit_keys",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("takes", BigInteger, nullable=False),  # counted or refused: each take changes the row
    Column("expires_ms", BigInteger, nullable=False),  # no hit of the key lives longer
    Index(None, "expires_ms"),
    sqlite_with_rowid=False,
)

hits: Final = Table(
    "hits",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("hit_id", String(64), primary_key=True),
    Column("expires_ms", BigInteger, nullable=False),  # exclusive, as it counts
    Column("unheld_ms", BigInteger, nullable=False),  # exclusive, as it would count if no hold had moved it
    Column("held_by", String(64)),  # the hit that filled the limit and moved it
    Index(None, "key", "expires_ms"),
    Index(None, "hit_id"),
    Index(None, "expires_ms"),
    sqlite_with_rowid=False,
)

codes: Final = Table(
    "codes",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("code_hash", LargeBinary, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("guesses", BigInteger, nullable=False),  # also those that were not evaluated
    Index(None, "expires_at"),
    sqlite_with_rowid=False,
)
