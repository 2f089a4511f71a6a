# SPDX-License-Identifier: Apache-2.0
"""Stores in a SQL database: SQLite, PostgreSQL."""

from tessera_service.storage.sql.directory import SqlDirectory
from tessera_service.storage.sql.migrate import check, upgrade
from tessera_service.storage.sql.sessions import SqlSessionStore
from tessera_service.storage.sql.sqlite import sqlite_url

__all__ = ["SqlDirectory", "SqlSessionStore", "check", "sqlite_url", "upgrade"]
