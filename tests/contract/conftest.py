# SPDX-License-Identifier: Apache-2.0
"""One service with every surface, on each store."""

import asyncio
import io
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from surfaces.authz.calls import POLICIES
from surfaces.captured_logs import capture_logs
from surfaces.service_rig import STORES, Rig, make_directory, open_rig

CHEAP = {"password_memory_kib": 64, "password_passes": 1}  # what a password costs is tested where it is hashed


@pytest.fixture(scope="session", autouse=True)
def logged() -> Iterator[io.StringIO]:
    """Everything that the service logs, as it would be written: a trace for every error of its own."""
    with capture_logs() as stream:
        yield stream


@pytest.fixture(scope="session")
def made_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the directory of an installation."""
    folder = tmp_path_factory.mktemp("directory")
    asyncio.run(make_directory(folder))
    return folder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module runs on the stores that it names in ITS_STORES, else on STORES."""
    if "module_rig" in metafunc.fixturenames:
        stores = getattr(metafunc.module, "ITS_STORES", STORES)
        metafunc.parametrize("module_rig", stores, indirect=True, scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_rig(
    request: pytest.FixtureRequest, made_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    """One service for a module that is marked `asyncio(loop_scope="module")`, with the CONFIG of the module."""
    config = {"authz_policies": POLICIES, **CHEAP, **getattr(request.module, "CONFIG", {})}
    copy = tmp_path_factory.mktemp("module") / "data"
    shutil.copytree(made_directory, copy)
    async with open_rig(str(request.param), copy, config=config) as opened:
        yield opened


@pytest.fixture
def shared(module_rig: Rig) -> Iterator[Rig]:
    """The module's service: each test uses subjects of its own, and finds clock and stores as they should be."""
    yield module_rig
    module_rig.mend()
