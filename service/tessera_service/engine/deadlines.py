# SPDX-License-Identifier: Apache-2.0
"""A store that does not answer in time is a store that failed: its caller is told so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tessera_service.errors import StoreUnavailable


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Bounds everything inside; StoreUnavailable when the time is over."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise StoreUnavailable from None
