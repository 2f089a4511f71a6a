# SPDX-License-Identifier: Apache-2.0
"""Stores in a SQL database: SQLite."""

from tessera_service.storage.sql.directory import SqlDirectory
from tessera_service.storage.sql.engine import sqlite_url
from tessera_service.storage.sql.migrate import check, upgrade
from tessera_service.storage.sql.sessions import SqlSessionStore

__all__ = ["SqlDirectory", "SqlSessionStore", "check", "sqlite_url", "upgrade"]
