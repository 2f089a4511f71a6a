# SPDX-License-Identifier: Apache-2.0
"""`store`: each store in turn, open, empty."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage.stores import STORES
from tessera_service.storage.base import SessionStore


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    """One store; a test that takes it runs once for each."""
    async with STORES[request.param](tmp_path) as opened:
        yield opened
