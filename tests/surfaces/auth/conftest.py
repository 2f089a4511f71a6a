# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from surfaces.service_rig import Rig, open_rig

CHEAP = {"password_memory_kib": 64, "password_passes": 1}  # what a password costs is tested where it is hashed


@pytest.fixture
async def rig(store: str, folder: Path) -> AsyncIterator[Rig]:
    """A service of one's own in which passwords cost little."""
    async with open_rig(store, folder, config=CHEAP) as opened:
        yield opened
