# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from surfaces.service_rig import STORES, Rig, open_rig


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    """The name of a session store; each test runs on every one."""
    return str(request.param)


@pytest.fixture
async def rig(store: str, tmp_path: Path) -> AsyncIterator[Rig]:
    """A service of one's own."""
    async with open_rig(store, tmp_path) as opened:
        yield opened
