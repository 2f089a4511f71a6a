# SPDX-License-Identifier: Apache-2.0
"""Brings a database to this release's schema, once however many processes start at the same time."""

import importlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import StoreRefused
from tessera_service.storage.sql import engine

_FOLDER: Final = Path(__file__).parent / "migrations"
_WAIT_MS: Final = 10_000
_ALEMBIC = threading.Lock()  # alembic keeps the migration that runs in module globals


def upgrade(url: str) -> str:
    """Creates the database or brings it up to date; returns its schema's revision. Blocks. StoreRefused if its schema
    is newer than this release, StoreUnavailable if it fails, ValueError for a URL that cannot be used."""
    return upgrade_url(engine.parse_url(url))


def upgrade_url(url: URL) -> str:
    """As `upgrade`."""
    with _ALEMBIC, _unavailable():
        engine.product_of(url).prepare(url)
        return _upgrade(url)


def check_url(url: URL) -> str:
    """The revision of a database that has this release's schema; changes nothing. Errors as for `check`."""
    with _ALEMBIC, _unavailable(), _reading(url) as connection:
        return _this_release(connection)


def check(url: str) -> str:
    """The revision of a database that this release can use as it stands, undamaged; creates and changes nothing.
    Blocks. Errors as for `upgrade`; StoreRefused also for an older schema."""
    parsed = engine.parse_url(url)
    with _ALEMBIC, _unavailable(), _reading(parsed) as connection:
        _known_revision(connection)
        if not engine.product_of(parsed).check_integrity(connection):
            raise StoreUnavailable("the database is damaged")
        return _this_release(connection)


def head() -> str:
    """The revision of this release's schema."""
    return _revisions()[-1]


def _revisions() -> list[str]:
    """Those that this release knows, in their order: the files of migrations are named for them."""
    return sorted(path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*_*.py"))


def _upgrade(url: URL) -> str:
    product = engine.product_of(url)
    with _reading(url) as connection:
        if _known_revision(connection) == head():
            return head()
    writer = product.sync_engine(url, writes=True, timeout_ms=_WAIT_MS)
    with writer.connect() as connection:
        product.make_durable(connection)
        importlib.import_module("alembic.command")  # takes a while, which nobody who writes is to wait for
        with connection.begin():
            product.lock_schema(connection)
            # Alone from here to the commit. Whoever waited finds the work done.
            if _known_revision(connection) != head():
                _migrate(connection, head())
    return head()


@contextmanager
def _reading(url: URL) -> Iterator[Connection]:
    product = engine.product_of(url)
    with product.sync_engine(url, writes=False, timeout_ms=_WAIT_MS).connect() as connection:
        product.check_server(connection)
        yield connection


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise StoreUnavailable("the database cannot be opened") from error


def _this_release(connection: Connection) -> str:
    revision = _known_revision(connection)
    if revision != head():
        raise StoreRefused(
            f"the database has the schema {revision or 'of none'}, this release needs {head()}: upgrade it"
        )
    return head()


def _known_revision(connection: Connection) -> str | None:
    """What is asked at every start, so without alembic, which takes a while to import."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is not None and revision not in _revisions():
        raise StoreRefused(f"the database has the schema {revision}, newer than this release, which knows {head()}")
    return revision


def _migrate(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
