# SPDX-License-Identifier: Apache-2.0
"""One installation for each test, with one key pair for all of them: making one takes a while."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.code_rig import ALICE, MakeRig, Rig, rigs_over
from engine.doubles import START_MS, Fragile
from engine.world import MASTER_KEY, MakeWorld, World, config
from tessera_service.engine.key_vault import KeyVault
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.models import SigningKey
from tessera_service.storage.base import SessionStore


@pytest.fixture(scope="session")
def first_key() -> SigningKey:
    """A signing key that was made as the world began."""
    start = START_MS // 1000
    return KeyVault(MasterKeys(current=MASTER_KEY)).make(created_at=start, activates_at=start)


@pytest.fixture
async def make_world(first_key: SigningKey) -> AsyncIterator[MakeWorld]:
    """Makes worlds with changes of the configuration; `background=True` with its tasks, `sessions` in that store."""
    made: list[World] = []

    async def make(*, background: bool = False, sessions: SessionStore | None = None, **changes: Any) -> World:
        world = World(config(**changes), first_key)
        if sessions is not None:
            world.sessions = Fragile(sessions)
        made.append(world)
        world.directory.store.keys[first_key.kid] = first_key
        await world.start(background=background)
        return world

    yield make
    for world in made:
        await world.stop()


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """The default one."""
    return await make_world()


@pytest.fixture
async def make_rig(tmp_path: Path) -> AsyncIterator[MakeRig]:
    """Makes processes that know one-time codes, over one database."""
    async with rigs_over(tmp_path) as make:
        yield make


@pytest.fixture
async def rig(make_rig: MakeRig) -> Rig:
    """The first of them, which knows alice by her number."""
    rig = await make_rig()
    await rig.add(ALICE)
    return rig
