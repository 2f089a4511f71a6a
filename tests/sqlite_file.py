# SPDX-License-Identifier: Apache-2.0
"""A SQLite database that has its tables already: making them takes longer than most tests that need them."""

import functools
import tempfile
from pathlib import Path

from tessera_service.storage.sql import upgrade

NAME = "tessera.db"


def made_sqlite(folder: Path) -> str:
    """The URL of `tessera.db` in the folder, which is there from then on with this release's schema."""
    path = folder / NAME
    if not path.exists():
        path.write_bytes(_made())
    return f"sqlite:///{path}"


@functools.cache
def _made() -> bytes:
    with tempfile.TemporaryDirectory(prefix="tessera-sqlite-") as folder:
        upgrade(f"sqlite:///{folder}/{NAME}")
        return Path(folder, NAME).read_bytes()
