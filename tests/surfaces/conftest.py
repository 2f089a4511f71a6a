# SPDX-License-Identifier: Apache-2.0
import asyncio
import io
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from surfaces.captured_logs import capture_logs
from surfaces.service_rig import STORES, Rig, make_directory, open_rig


@pytest.fixture(scope="session", autouse=True)
def logged() -> Iterator[io.StringIO]:
    """Everything that the service logs, as it would be written."""
    with capture_logs() as stream:
        yield stream


@pytest.fixture(scope="session")
def made_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the directory of an installation."""
    folder = tmp_path_factory.mktemp("directory")
    asyncio.run(make_directory(folder))
    return folder


@pytest.fixture
def folder(made_directory: Path, tmp_path: Path) -> Path:
    """A data directory of one's own, with tenants and a key."""
    copy = tmp_path / "data"
    shutil.copytree(made_directory, copy)
    return copy


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    """The name of a session store; each test runs on every one."""
    return str(request.param)


@pytest.fixture
async def rig(store: str, folder: Path) -> AsyncIterator[Rig]:
    """A service of one's own."""
    async with open_rig(store, folder) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=STORES)
async def module_rig(
    request: pytest.FixtureRequest, made_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    """One service for a module that is marked `asyncio(loop_scope="module")`."""
    copy = tmp_path_factory.mktemp("module") / "data"
    shutil.copytree(made_directory, copy)
    async with open_rig(str(request.param), copy) as opened:
        yield opened


@pytest.fixture
def shared(module_rig: Rig) -> Iterator[Rig]:
    """The module's service: each test uses subjects of its own, and finds clock and stores as they should be."""
    yield module_rig
    module_rig.mend()


@pytest_asyncio.fixture(loop_scope="module")
async def rig_of_one_store(folder: Path) -> AsyncIterator[Rig]:
    """A service of one's own in a module that is marked `asyncio(loop_scope="module")`."""
    async with open_rig("memory", folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """A loop for tests that are not coroutines themselves."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def generated_config() -> dict[str, Any]:
    """What the engine of `generated` is told beside its defaults; a module may say more."""
    return {}


@pytest.fixture(scope="module")
def generated(
    runner: asyncio.Runner,
    made_directory: Path,
    generated_config: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rig]:
    """A service in the runner's loop, for generated calls."""
    copy = tmp_path_factory.mktemp("generated") / "data"
    shutil.copytree(made_directory, copy)
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(open_rig("memory", copy, config=generated_config)))
    runner.run(stack.aclose())
