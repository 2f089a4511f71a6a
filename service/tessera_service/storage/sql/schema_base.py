# SPDX-License-Identifier: Apache-2.0
"""What all tables have in common."""

from typing import Final

from sqlalchemy import BigInteger, Integer, MetaData

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

# INTEGER PRIMARY KEY is SQLite's own row number; BIGINT would cost a second tree.
SEQUENCE: Final = BigInteger().with_variant(Integer, "sqlite")
