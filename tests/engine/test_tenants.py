# SPDX-License-Identifier: Apache-2.0
import pytest

from engine.world import OTHER_TENANT, TENANT, World
from tessera_service.errors import InvalidInput, StoreUnavailable


async def test_the_default_tenant_is_there_from_the_start(world: World) -> None:
    assert world.engine.tenants.exists_now(TENANT) is True
    assert await world.engine.tenants.exists(TENANT)
    assert [tenant.tenant_id for tenant in await world.engine.tenants.list()] == [TENANT]


async def test_a_tenant_is_added_once(world: World) -> None:
    assert await world.engine.tenants.add(OTHER_TENANT) is True
    assert await world.engine.tenants.add(OTHER_TENANT) is False


async def test_an_unknown_tenant_is_asked_for_each_time_and_never_remembered(world: World) -> None:
    other = await world.start()
    assert not await other.tenants.exists(OTHER_TENANT)
    assert other.tenants.exists_now(OTHER_TENANT) is None
    await world.engine.tenants.add(OTHER_TENANT)
    assert await other.tenants.exists(OTHER_TENANT)
    assert other.tenants.exists_now(OTHER_TENANT) is True


async def test_a_known_tenant_needs_no_store_for_an_hour(world: World) -> None:
    world.directory.failing = True
    world.clock.advance(3599)
    assert await world.engine.tenants.exists(TENANT)
    world.clock.advance(1)
    with pytest.raises(StoreUnavailable):
        await world.engine.tenants.exists(TENANT)


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "ä", "x" * 65, "a\n", "a\u200b"])
async def test_what_is_no_tenant_id_exists_nowhere_and_is_not_added(world: World, name: str) -> None:
    world.directory.calls.clear()
    assert not await world.engine.tenants.exists(name)
    with pytest.raises(InvalidInput):
        await world.engine.tenants.add(name)
    assert world.directory.calls == []
