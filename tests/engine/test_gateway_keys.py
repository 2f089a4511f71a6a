# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from engine.world import OTHER_TENANT, TENANT, MakeWorld, World
from tessera_service.engine import MasterKeys
from tessera_service.engine.key_secrets import KeySecrets
from tessera_service.errors import StoreUnavailable, UnknownTenant

SETTING = "key-of-the-settings"


async def test_a_key_names_its_tenant(world: World) -> None:
    await world.engine.tenants.add(OTHER_TENANT)
    keys = {tenant_id: await world.engine.gateway_keys.create(tenant_id) for tenant_id in (TENANT, OTHER_TENANT)}
    for tenant_id, key in keys.items():
        assert await world.engine.gateway_keys.check(key) == tenant_id


async def test_only_a_hash_is_stored(world: World) -> None:
    key = await world.engine.gateway_keys.create(TENANT)
    (stored,) = await world.engine.gateway_keys.list(TENANT)
    key_id, _, secret = key.partition(".")
    assert (stored.key_id, len(stored.secret_hash)) == (key_id, 32)
    assert secret.encode() not in stored.secret_hash
    assert await world.engine.gateway_keys.list(OTHER_TENANT) == []


async def test_anything_else_is_refused_after_the_same_work(world: World) -> None:
    key = await world.engine.gateway_keys.create(TENANT)
    other = await world.engine.gateway_keys.create(TENANT)
    key_id, _, secret = key.partition(".")
    wrong = [
        *("", ".", key_id, secret, f"{key_id}.", f".{secret}", f"{key_id}{secret}", f"{secret}.{key_id}"),
        *(f"{key_id}.{other.partition('.')[2]}", key + ".", key + "A", key[:-1], " " + key, "a\0b.c", "ключ.ключ"),
    ]
    world.directory.calls.clear()
    assert [await world.engine.gateway_keys.check(text) for text in wrong] == [None] * len(wrong)
    assert world.directory.calls == ["get_gateway_key"] * len(wrong)
    assert await world.engine.gateway_keys.check(key) == TENANT


async def test_a_disabled_key_is_refused_by_every_process_at_once(world: World) -> None:
    other = await world.start()
    key = await world.engine.gateway_keys.create(TENANT)
    assert await other.gateway_keys.check(key) == TENANT
    for _ in range(2):
        assert await world.engine.gateway_keys.disable(key.partition(".")[0]) is True
        assert await other.gateway_keys.check(key) is None
    assert await world.engine.gateway_keys.disable("unknown") is False


async def test_a_disabled_key_is_refused_whatever_became_of_its_master_key(world: World) -> None:
    key = await world.engine.gateway_keys.create(TENANT)
    keys: Any = world.engine.gateway_keys
    keys._secrets = KeySecrets(MasterKeys(current=bytes(32)), purpose="gateway-key")
    with pytest.raises(StoreUnavailable):
        await keys.check(key)
    await keys.disable(key.partition(".")[0])
    assert await keys.check(key) is None


async def test_the_key_of_the_settings_is_the_default_tenants_and_needs_no_store(make_world: MakeWorld) -> None:
    world = await make_world(gateway_api_key=SETTING)
    world.directory.failing = True
    assert await world.engine.gateway_keys.check(SETTING) == TENANT
    with pytest.raises(StoreUnavailable):
        await world.engine.gateway_keys.check(SETTING + "x")


async def test_without_a_key_in_the_settings_none_of_its_kind_is_accepted(world: World) -> None:
    assert await world.engine.gateway_keys.check("") is None
    assert await world.engine.gateway_keys.check("None") is None


async def test_an_unknown_tenant_gets_no_key(world: World) -> None:
    with pytest.raises(UnknownTenant):
        await world.engine.gateway_keys.create("tenant-x")


async def test_an_access_key_is_no_gateway_key(world: World) -> None:
    key_id, secret = await world.engine.access_keys.create(tenant_id=TENANT, subject="alice")
    assert await world.engine.gateway_keys.check(f"{key_id}.{secret}") is None
