# SPDX-License-Identifier: Apache-2.0
"""The tables of the outbox."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, Sequence, String, Table, Text

from tessera_service.storage.sql.schema_base import SEQUENCE, metadata

outbox_head: Final = Table(
    "outbox_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("seq", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),  # how many rows there are: nothing counts them
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("sequence", SEQUENCE, primary_key=True, autoincrement=False),
    Column("event_id", String(128), nullable=False),
    Column("type", String(64), nullable=False),
    Column("tenant_id", String(64), nullable=False),
    Column("session_id", String(64)),
    Column("user_id", String(128), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    # The event's data. What is null there comes from the row: ids, and where the session came from.
    Column("data", Text, nullable=False),
    Column("metadata", Text),  # what an erasure takes away; NULL if there is nothing
    Index(None, "at_ms"),
)
Index(
    None,
    outbox.c.tenant_id,
    outbox.c.user_id,
    sqlite_where=outbox.c.metadata.is_not(None),
    postgresql_where=outbox.c.metadata.is_not(None),
)

# PostgreSQL's: where a row stands among those that have no place in the order of the outbox yet.
unnumbered: Final = Sequence("outbox_unnumbered", metadata=metadata)

relays: Final = Table(
    "relays",
    metadata,
    Column("sink", String(128), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("holder", String(128), nullable=False),
    Column("lease_until_ms", BigInteger, nullable=False),
)
