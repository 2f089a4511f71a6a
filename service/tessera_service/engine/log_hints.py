# SPDX-License-Identifier: Apache-2.0
"""What makes a poll of the logs come sooner. Nothing depends on a hint: one that is lost costs the time until the next
poll, and only polls say that the logs are fresh."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Final

from tessera_service.engine.background import Background
from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import HintsAtEntries, RevocationLog

WAIT_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.02  # polls come no faster than this, however much is revoked
RETRY_SECONDS: Final = 0.25


class LogHints:
    """Sets `heard` when a store says that its log has grown."""

    def __init__(self, stores: Iterable[RevocationLog]) -> None:
        self.heard = asyncio.Event()
        # Of two stores with one log one is enough.
        apart = {store.log_key: store for store in stores}.values()
        self._stores = [store for store in apart if isinstance(store, HintsAtEntries)]

    def start(self, tasks: Background) -> None:
        """Listens until the tasks are stopped."""
        for store in self._stores:
            tasks.every(PAUSE_SECONDS, partial(self._listen, store), name="log_hints")

    async def _listen(self, store: HintsAtEntries) -> None:
        try:
            if await store.wait_for_entry(seconds=WAIT_SECONDS):
                self.heard.set()
        except StoreUnavailable:  # which the polls report
            await asyncio.sleep(RETRY_SECONDS)
