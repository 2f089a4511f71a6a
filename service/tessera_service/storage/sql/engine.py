# SPDX-License-Identifier: Apache-2.0
"""All that depends on the database product: URLs, connections, how a transaction begins, what a failure means. Another
product is one module and one row in `_PRODUCTS`."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from sqlalchemy import URL, Connection, Engine, Table
from sqlalchemy.dialects import postgresql as postgresql_dialect
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import DBAPIError

from tessera_service.storage.sql import postgres, sqlite
from tessera_service.storage.sql.pool import Pool
from tessera_service.storage.sql.postgres_hints import Listener
from tessera_service.storage.sql.sqlite import sqlite_url

__all__ = [
    "Product",
    "hint",
    "insert_or_ignore",
    "insert_or_update",
    "is_undone",
    "parse_url",
    "product_of",
    "sqlite_url",
]


class Product(Protocol):
    """One database product; a module is one."""

    def parse_url(self, text: str) -> URL:
        """The URL of a database that can be used. ValueError says what is wrong, without the URL, which may hold a
        password."""
        ...

    def prepare(self, url: URL) -> None:
        """Makes what has to be there before a connection. OSError if it cannot."""
        ...

    def check_server(self, connection: Connection) -> None:
        """StoreRefused if what stands behind the connection cannot keep what a store promises."""
        ...

    def make_durable(self, connection: Connection) -> None:
        """Makes a new database keep what is committed. Outside of a transaction. StoreRefused if that is impossible
        here, OSError if it fails."""
        ...

    def lock_schema(self, connection: Connection) -> None:
        """Makes this transaction the only one that migrates, until it ends."""
        ...

    def check_integrity(self, connection: Connection) -> bool:
        """Whether the database finds itself undamaged."""
        ...

    def sync_engine(self, url: URL, *, writes: bool, timeout_ms: int) -> Engine:
        """One connection at a time, for migrations; waits for others for `timeout_ms`."""
        ...

    def pool(self, url: URL, *, writes: bool, timeout_ms: int) -> Pool:
        """Connections that write, or that read one state in each transaction; they wait for others for `timeout_ms`."""
        ...

    def listener(self, url: URL) -> Listener | None:
        """Who hears of new entries of the log; None: nobody can."""
        ...

    def hint(self, connection: Connection) -> None:
        """Tells every listener when this transaction is committed."""
        ...

    def slots(self, *, writes: bool) -> int:
        """How many connections of a kind there are in a process."""
        ...


_PRODUCTS: Final[Mapping[str, Product]] = {"sqlite": sqlite, "postgresql": postgres}
# What another transaction was in the way of. Run again, the step sees what that one did: that a row is there which it
# did not find (unique_violation), or simply the newer state (serialization_failure, deadlock_detected).
_ROLLED_BACK: Final = frozenset({"23505", "40001", "40P01"})


def parse_url(text: str) -> URL:
    """As `Product.parse_url`, of whichever product the URL names."""
    product = _PRODUCTS.get(text.partition("://")[0].partition("+")[0])
    if product is None:
        raise ValueError(
            "the database URL names a database that is not supported: expected sqlite:///PATH or "
            "postgresql://USER@HOST/DATABASE"
        )
    return product.parse_url(text)


def product_of(url: URL) -> Product:
    """The product of a parsed URL."""
    return _PRODUCTS[url.get_backend_name()]


def hint(connection: Connection) -> None:
    """As `Product.hint`."""
    _PRODUCTS[connection.dialect.name].hint(connection)


def is_undone(error: DBAPIError) -> bool:
    """Whether a statement, not a commit, failed in a way that leaves nothing behind and may go well the next time: the
    connection was lost, as all are when a server restarts, or another transaction was in the way."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", None) in _ROLLED_BACK


def insert_or_ignore(connection: Connection, table: Table) -> Any:
    """INSERT that does nothing where the primary key exists already; its `rowcount` says which it was."""
    return _insert(connection, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


def insert_or_update(connection: Connection, table: Table, changes: Callable[[Any], dict[str, Any]]) -> Any:
    """INSERT that makes `changes` (of the row that it would have inserted) where the primary key exists already. Either
    way the row is locked."""
    insert = _insert(connection, table)
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changes(insert.excluded))


def _insert(connection: Connection, table: Table) -> Any:
    dialect = postgresql_dialect if connection.dialect.name == "postgresql" else sqlite_dialect
    return dialect.insert(table)
