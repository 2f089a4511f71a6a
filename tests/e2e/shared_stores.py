# SPDX-License-Identifier: Apache-2.0
"""What any number of instances share: the stores that run beside them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from postgres import postgres_server
from redis_server import redis_server

SHARED_STORES: Final = ("postgresql", "redis")
PARTITIONS: Final = 4

_MASTER_KEY: Final = bytes(range(32)).hex()


def redis_settings(url: str) -> dict[str, str]:
    """The settings of an instance with its sessions in that Redis, beside a directory of its own."""
    return {"SESSION_STORAGE_TYPE": "redis", "REDIS_URL": url, "REDIS_PARTITIONS": str(PARTITIONS)}


@contextlib.contextmanager
def shared_stores(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """The settings of an instance over an empty PostgreSQL; "redis": with its sessions in an empty Redis."""
    server = postgres_server()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(server.database(template=server.template))
        settings = {"DATABASE_URL": url, "TESSERA_MASTER_KEY": _MASTER_KEY}
        if kind == "redis":
            redis = stack.enter_context(redis_server(folder / "redis"))
            settings |= {"SESSION_STORAGE_TYPE": "redis", "REDIS_URL": redis.url}
        yield settings
