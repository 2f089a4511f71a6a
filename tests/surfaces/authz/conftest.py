# SPDX-License-Identifier: Apache-2.0
"""A service with policies."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from surfaces.authz.calls import POLICIES
from surfaces.service_rig import STORES, Rig, open_rig


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=STORES)
async def guarded(
    request: pytest.FixtureRequest, made_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    """One for a module that is marked `asyncio(loop_scope="module")`. The limit, which is not for authz, is narrow."""
    copy = tmp_path_factory.mktemp("authz") / "data"
    shutil.copytree(made_directory, copy)
    async with open_rig(str(request.param), copy, config={"authz_policies": POLICIES}, rate_limit="3/1h") as opened:
        yield opened


@pytest.fixture
def authz(guarded: Rig) -> Iterator[Rig]:
    """The module's service: each test finds its clock and stores as they should be."""
    yield guarded
    guarded.mend()
