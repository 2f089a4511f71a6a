# SPDX-License-Identifier: Apache-2.0
"""After the master key was changed: signing keys are sealed again, and what cannot be is told."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.doubles import FakeClock, Fragile, MemoryDirectory
from engine.world import MASTER_KEY, config
from tessera_service.engine import KeyRing, MasterKeys
from tessera_service.engine.key_vault import KeyVault
from tessera_service.engine.rewrapping import Rewrapped, Rewrapping
from tessera_service.errors import StartupError, StoreUnavailable
from tessera_service.models import AccessKeyRecord, GatewayKey, Revocation, SigningKey

OLD, NEW, LOST = MASTER_KEY, bytes(32), bytes([7]) * 32
OLD_ID, NEW_ID = MasterKeys(OLD).current_id, MasterKeys(NEW).current_id


def directory_with(*rows: SigningKey) -> Fragile:
    directory = Fragile(MemoryDirectory())
    directory.store.keys = {row.kid: row for row in rows}
    return directory


def rewrapping(directory: Fragile, *, current: bytes = NEW, older: Sequence[bytes] = (OLD,)) -> Rewrapping:
    return Rewrapping(directory=directory, master_keys=MasterKeys(current, older), config=config())


def ring(directory: Fragile, *, master_key: bytes) -> KeyRing:
    return KeyRing(directory=directory, master_keys=MasterKeys(master_key), clock=FakeClock(), config=config())


def done(rewrapped: int, already: int) -> Rewrapped:
    return Rewrapped(rewrapped, already, signing_keys=[], access_keys=[], gateway_keys=[])


async def test_a_key_that_is_sealed_again_opens_with_the_new_master_key_alone(first_key: SigningKey) -> None:
    directory = directory_with(first_key)
    assert await rewrapping(directory).run() == done(1, 0)
    row = directory.store.keys[first_key.kid]
    assert row == replace(first_key, private_pem=row.private_pem, master_key_id=NEW_ID)
    opened = KeyVault(MasterKeys(NEW)).open(row)
    assert opened.public_key.thumbprint == first_key.kid
    with pytest.raises(StartupError):
        KeyVault(MasterKeys(OLD)).open(row)


async def test_what_is_done_is_not_done_again(first_key: SigningKey) -> None:
    directory = directory_with(first_key)
    await rewrapping(directory).run()
    rows = dict(directory.store.keys)
    assert await rewrapping(directory).run() == done(0, 1)
    assert directory.store.keys == rows


async def test_a_key_without_a_private_half_needs_no_master_key(first_key: SigningKey) -> None:
    gone = replace(first_key, private_pem=None, master_key_id=MasterKeys(LOST).current_id)
    directory = directory_with(gone)
    assert await rewrapping(directory).run() == done(0, 0)
    assert directory.store.keys == {gone.kid: gone}


async def test_one_key_that_cannot_be_opened_leaves_all_as_they_are(first_key: SigningKey) -> None:
    lost = replace(first_key, kid="lost", master_key_id=MasterKeys(LOST).current_id)
    directory = directory_with(first_key, lost)
    with pytest.raises(StartupError, match=f"nothing was rewrapped: signing key lost: .*{lost.master_key_id}"):
        await rewrapping(directory).run()
    assert directory.store.keys == {first_key.kid: first_key, "lost": lost}


@pytest.mark.parametrize("ended", ["revoked", "forgotten", "deleted"])
async def test_a_key_that_ends_meanwhile_does_not_come_back(first_key: SigningKey, ended: str) -> None:
    directory = directory_with(first_key)
    read_again = directory.store.list_signing_keys

    async def list_then_end() -> Sequence[SigningKey]:
        rows: Sequence[SigningKey] = await read_again()
        directory.store.list_signing_keys = read_again
        if ended == "revoked":
            revocation = Revocation(at_ms=0, reason="key_revoked", revoked_by="operator", log_expires_at=1)
            await directory.revoke_signing_key(first_key.kid, revocation=revocation)
        elif ended == "forgotten":
            await directory.forget_private_key(first_key.kid)
        else:
            await directory.delete_signing_key(first_key.kid)
        return rows

    directory.store.list_signing_keys = list_then_end
    assert await rewrapping(directory).run() == done(0, 0)
    assert [row.private_pem for row in directory.store.keys.values()] == ([] if ended == "deleted" else [None])


async def test_a_key_that_another_makes_meanwhile_under_the_older_one_is_told(first_key: SigningKey) -> None:
    directory = directory_with(first_key)
    later = replace(first_key, kid="later")
    store = directory.store.rewrap_signing_key

    async def rewrap_beside(kid: str, *, old: str, new: str, master_key_id: str) -> bool:
        directory.store.keys["later"] = later
        answer: bool = await store(kid, old=old, new=new, master_key_id=master_key_id)
        return answer

    directory.store.rewrap_signing_key = rewrap_beside
    assert await rewrapping(directory).run() == done(1, 0)._replace(signing_keys=["later"])


async def test_keys_of_clients_under_an_older_master_key_are_told_until_they_are_rotated_or_disabled() -> None:
    directory = directory_with()
    for key_id, master_key_id, disabled_at in (("1", OLD_ID, None), ("2", NEW_ID, None), ("3", OLD_ID, 5)):
        key = AccessKeyRecord(f"A{key_id}", "tenant-a", "alice", b"hash", master_key_id, (), 1, disabled_at)
        await directory.add_access_key(key)
        await directory.add_gateway_key(
            GatewayKey(f"G{key_id}", "tenant-a", b"hash", master_key_id, created_at=1, disabled_at=disabled_at)
        )
    found = await rewrapping(directory).run()
    assert found == done(0, 0)._replace(access_keys=["A1"], gateway_keys=["G1"])


async def test_a_store_that_fails_is_unavailable_and_a_second_call_goes_on(first_key: SigningKey) -> None:
    directory = directory_with(first_key)
    directory.fails = {"rewrap_signing_key"}
    with pytest.raises(StoreUnavailable):
        await rewrapping(directory).run()
    assert directory.store.keys == {first_key.kid: first_key}
    directory.fails = set()
    assert await rewrapping(directory).run() == done(1, 0)


async def test_a_process_that_could_not_open_a_key_signs_once_it_is_sealed_again(first_key: SigningKey) -> None:
    directory = directory_with(first_key)
    early = ring(directory, master_key=NEW)
    await early.reload()
    assert early.signing_with(first_key.kid) is None
    await rewrapping(directory).run()
    await early.reload()
    assert early.signing_with(first_key.kid) is not None
