# SPDX-License-Identifier: Apache-2.0
"""Waiting for entries of the log: whoever appends notifies, and a connection that does nothing else listens."""

import asyncio
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection

if TYPE_CHECKING:
    from psycopg import AsyncConnection

CHANNEL: Final = "tessera_log"
_SPARE_SECONDS: Final = 5.0  # for connecting, beyond the time to wait


def notify(connection: Connection) -> None:
    """Tells those who listen, as soon as this transaction is committed."""
    connection.exec_driver_sql(f"NOTIFY {CHANNEL}")


class Listener:
    """Opens its connection when somebody waits."""

    def __init__(self, **connect: Any) -> None:
        """`connect`: what psycopg is given to connect."""
        self._connect = connect
        self._connection: AsyncConnection[Any] | None = None

    async def wait(self, seconds: float) -> bool:
        """Whether somebody appended. Whatever the driver raises; then the next call connects again."""
        try:
            async with asyncio.timeout(seconds + _SPARE_SECONDS):
                connection = await self._listening()
                return [_ async for _ in connection.notifies(timeout=seconds, stop_after=1)] != []
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _listening(self) -> "AsyncConnection[Any]":
        if self._connection is None:
            from psycopg import AsyncConnection  # an extra

            self._connection = await AsyncConnection.connect(autocommit=True, **self._connect)
            await self._connection.execute(f"LISTEN {CHANNEL}")
        return self._connection
