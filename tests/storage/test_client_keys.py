# SPDX-License-Identifier: Apache-2.0
"""The directory: access keys and gateways' keys are stored once, disabled for good, and every change is logged."""

from dataclasses import replace

import pytest

from storage.examples import NOW, NOW_MS, revocation, whole_log
from tessera_service.errors import StoreUnavailable
from tessera_service.models import AccessKeyRecord, GatewayKey, Grant, LogEntry, LogKind
from tessera_service.storage.sql import SqlDirectory


def access_key(access_key_id: str = "A1", *, tenant_id: str = "tenant-a", created_at: int = NOW) -> AccessKeyRecord:
    grants = (Grant("doc:*", "view"), Grant('odd "name" Ä', "edit"))
    return AccessKeyRecord(access_key_id, tenant_id, "alice", b"\x00\xffhash", "master-1", grants, created_at)


def gateway_key(key_id: str = "G1", *, tenant_id: str = "tenant-a", created_at: int = NOW) -> GatewayKey:
    return GatewayKey(key_id, tenant_id, b"\x00\xffhash", "master-1", created_at)


async def test_an_access_key_is_read_as_it_was_stored(directory: SqlDirectory) -> None:
    bare = replace(access_key("A2"), grants=())
    for key in (access_key(), bare):
        await directory.add_access_key(key)
        assert await directory.get_access_key(key.access_key_id) == key
    assert await directory.get_access_key("A3") is None
    assert await whole_log(directory) == ()


async def test_a_gateway_key_is_read_as_it_was_stored(directory: SqlDirectory) -> None:
    await directory.add_gateway_key(gateway_key())
    assert await directory.get_gateway_key("G1") == gateway_key()
    assert await directory.get_gateway_key("A1") is None


def test_a_key_does_not_show_its_hash() -> None:
    assert "hash" not in repr(access_key()).replace("secret_hash", "")
    assert "hash" not in repr(gateway_key()).replace("secret_hash", "")


async def test_an_id_is_stored_once(directory: SqlDirectory) -> None:
    await directory.add_access_key(access_key())
    await directory.add_gateway_key(gateway_key())
    with pytest.raises(ValueError, match="new"):
        await directory.add_access_key(replace(access_key(), subject="bob"))
    with pytest.raises(ValueError, match="new"):
        await directory.add_gateway_key(replace(gateway_key(), tenant_id="tenant-b"))
    assert await directory.get_access_key("A1") == access_key()
    assert await directory.get_gateway_key("G1") == gateway_key()


async def test_keys_are_listed_newest_first(directory: SqlDirectory) -> None:
    first, second, third = access_key("A1"), access_key("A2", created_at=NOW + 1, tenant_id="b"), access_key("A3")
    for key in (first, second, third):
        await directory.add_access_key(key)
    assert list(await directory.list_access_keys()) == [second, third, first]
    assert list(await directory.list_access_keys(tenant_id="tenant-a")) == [third, first]
    assert list(await directory.list_access_keys(tenant_id="c")) == []
    older, newer = gateway_key("G1"), gateway_key("G2", created_at=NOW + 1, tenant_id="b")
    for gateway in (newer, older):
        await directory.add_gateway_key(gateway)
    assert list(await directory.list_gateway_keys()) == [newer, older]
    assert list(await directory.list_gateway_keys(tenant_id="tenant-a")) == [older]


async def test_keys_under_another_master_key_are_listed_unless_they_are_disabled(directory: SqlDirectory) -> None:
    for number, master_key_id in enumerate(("master-1", "master-2", "master-1")):
        await directory.add_access_key(replace(access_key(f"A{number}"), master_key_id=master_key_id))
        await directory.add_gateway_key(replace(gateway_key(f"G{number}"), master_key_id=master_key_id))
    await directory.disable_access_key("A0", revocation=revocation())
    await directory.disable_gateway_key("G0", revocation=revocation())

    async def listed(not_under: str) -> list[str]:
        keys = await directory.list_access_keys(not_under=not_under)
        gateways = await directory.list_gateway_keys(not_under=not_under)
        return [key.access_key_id for key in keys] + [key.key_id for key in gateways]

    assert await listed("master-2") == ["A2", "G2"]
    assert await listed("master-1") == ["A1", "G1"]
    assert await listed("master-3") == ["A2", "A1", "G2", "G1"]
    found = await directory.list_access_keys(tenant_id="tenant-a", enabled_of="bob", not_under="master-3")
    assert list(found) == []
    assert list(await directory.list_gateway_keys(tenant_id="b", not_under="master-3")) == []


async def test_a_disabled_access_key_is_marked_and_logged_once(directory: SqlDirectory) -> None:
    await directory.add_access_key(access_key())
    disabled = await directory.disable_access_key("A1", revocation=revocation(NOW_MS + 1999))
    assert disabled == replace(access_key(), disabled_at=NOW + 1)
    assert await directory.disable_access_key("A1", revocation=revocation(NOW_MS + 9999)) == disabled
    assert await directory.get_access_key("A1") == disabled
    assert await whole_log(directory) == (LogEntry(1, LogKind.CHANGED, "tenant-a", "A1", 0, NOW + 5000),)


async def test_a_disabled_gateway_key_is_marked_and_logged_once(directory: SqlDirectory) -> None:
    await directory.add_gateway_key(gateway_key())
    disabled = await directory.disable_gateway_key("G1", revocation=revocation(NOW_MS + 1999))
    assert disabled == replace(gateway_key(), disabled_at=NOW + 1)
    assert await directory.disable_gateway_key("G1", revocation=revocation(NOW_MS + 9999)) == disabled
    assert await directory.get_gateway_key("G1") == disabled
    assert await whole_log(directory) == (LogEntry(1, LogKind.CHANGED, "tenant-a", "G1", 0, NOW + 5000),)


async def test_an_unknown_key_is_not_disabled(directory: SqlDirectory) -> None:
    assert await directory.disable_access_key("A1", revocation=revocation()) is None
    assert await directory.disable_gateway_key("G1", revocation=revocation()) is None
    assert await whole_log(directory) == ()


async def rotate(directory: SqlDirectory, access_key_id: str) -> bool:
    return await directory.rotate_access_key(
        access_key_id, secret_hash=b"new", master_key_id="master-2", revocation=revocation()
    )


async def test_a_rotated_access_key_has_another_secret_and_says_so(directory: SqlDirectory) -> None:
    await directory.add_access_key(access_key())
    await directory.add_access_key(access_key("A2"))
    assert await rotate(directory, "A1") is True
    assert await directory.get_access_key("A1") == replace(access_key(), secret_hash=b"new", master_key_id="master-2")
    assert await directory.get_access_key("A2") == access_key("A2")
    assert await whole_log(directory) == (LogEntry(1, LogKind.CHANGED, "tenant-a", "A1", 0, NOW + 5000),)


async def test_a_disabled_or_unknown_access_key_is_not_rotated(directory: SqlDirectory) -> None:
    await directory.add_access_key(access_key())
    disabled = await directory.disable_access_key("A1", revocation=revocation())
    assert await rotate(directory, "A1") is False
    assert await rotate(directory, "A2") is False
    assert await directory.get_access_key("A1") == disabled
    assert len(await whole_log(directory)) == 1


async def test_grants_that_cannot_be_read_are_unavailable_never_none(directory: SqlDirectory) -> None:
    await directory.add_access_key(access_key())
    await directory.database.write(
        lambda connection: connection.exec_driver_sql("UPDATE access_keys SET grants = '[[1]]'").close()
    )
    with pytest.raises(StoreUnavailable):
        await directory.get_access_key("A1")
