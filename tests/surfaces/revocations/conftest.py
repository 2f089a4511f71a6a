# SPDX-License-Identifier: Apache-2.0
"""Services with one log, with two, and with one for each partition of a Redis."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from surfaces.service_rig import STORES, Rig, open_rig


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=(*STORES, "redis"))
async def module_rig(
    request: pytest.FixtureRequest, made_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    """One service for a module that is marked `asyncio(loop_scope="module")`."""
    copy = tmp_path_factory.mktemp("module") / "data"
    shutil.copytree(made_directory, copy)
    async with open_rig(str(request.param), copy) as opened:
        yield opened
