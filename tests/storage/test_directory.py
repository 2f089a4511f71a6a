# SPDX-License-Identifier: Apache-2.0
"""The directory: tenants, service tokens, signing keys, and one log with the sessions of its database."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from storage.examples import NOW, NOW_MS, make_session, revocation, snapshot, whole_log
from storage.user_examples import directories
from tessera_service.models import LogEntry, LogKind, ServiceToken, SigningKey, Tenant
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore


def service_token(jti: str = "j1", *, tenant_id: str = "tenant-a", created_ms: int = NOW_MS) -> ServiceToken:
    return ServiceToken(
        jti, tenant_id, "gateway", "edge", ("token.introspect", "session.read:any"), True, created_ms, NOW + 60
    )


def signing_key(kid: str = "k1", *, activates_at: int = NOW) -> SigningKey:
    return SigningKey(kid, '{"kty":"RSA"}', "PEM", "master-1", NOW, activates_at)


async def test_a_tenant_is_added_once(directory: SqlDirectory) -> None:
    assert await directory.add_tenant(Tenant("tenant-a", NOW)) is True
    assert await directory.add_tenant(Tenant("tenant-a", NOW + 1)) is False
    assert await directory.get_tenant("tenant-a") == Tenant("tenant-a", NOW)
    assert await directory.get_tenant("tenant-b") is None


async def test_tenants_are_listed_by_id(directory: SqlDirectory) -> None:
    for name in ("b", "a-2", "B", "a"):
        await directory.add_tenant(Tenant(name, NOW))
    assert [tenant.tenant_id for tenant in await directory.list_tenants()] == ["B", "a", "a-2", "b"]


async def test_a_service_token_is_read_as_it_was_stored(directory: SqlDirectory) -> None:
    await directory.add_service_token(service_token())
    assert await directory.get_service_token("j1") == service_token()
    assert await directory.get_service_token("j2") is None


async def test_a_service_token_is_stored_once(directory: SqlDirectory) -> None:
    await directory.add_service_token(service_token())
    with pytest.raises(ValueError, match="new"):
        await directory.add_service_token(replace(service_token(), subject="other"))
    assert await directory.get_service_token("j1") == service_token()


async def test_service_tokens_are_listed_newest_first(directory: SqlDirectory) -> None:
    first, second, third = (
        service_token("j1", created_ms=NOW_MS),
        service_token("j2", created_ms=NOW_MS + 1, tenant_id="tenant-b"),
        service_token("j3", created_ms=NOW_MS),
    )
    for token in (first, second, third):
        await directory.add_service_token(token)
    assert list(await directory.list_service_tokens()) == [second, third, first]
    assert list(await directory.list_service_tokens(tenant_id="tenant-a")) == [third, first]
    assert list(await directory.list_service_tokens(tenant_id="tenant-c")) == []


async def test_a_revoked_service_token_is_marked_and_logged_once(directory: SqlDirectory) -> None:
    await directory.add_service_token(service_token())
    revoked = await directory.revoke_service_token("j1", revocation=revocation(NOW_MS + 1999))
    assert revoked == replace(service_token(), revoked_at=NOW + 1)
    assert await directory.revoke_service_token("j1", revocation=revocation(NOW_MS + 9999)) == revoked
    assert await directory.get_service_token("j1") == revoked
    assert await whole_log(directory) == (LogEntry(1, LogKind.JTI, "tenant-a", "j1", 0, NOW + 5000),)


async def test_an_unknown_service_token_is_not_revoked(directory: SqlDirectory) -> None:
    assert await directory.revoke_service_token("j1", revocation=revocation()) is None
    assert await whole_log(directory) == ()


@pytest.mark.parametrize(("now", "gone"), [(NOW + 59, 0), (NOW + 60, 1)])
async def test_service_tokens_are_purged_at_their_expiry(directory: SqlDirectory, now: int, gone: int) -> None:
    await directory.add_service_token(service_token())
    assert await directory.purge_directory(now=now) == gone
    assert (await directory.get_service_token("j1") is None) is bool(gone)


async def test_a_purge_of_service_tokens_has_its_limit(directory: SqlDirectory) -> None:
    for number in range(3):
        await directory.add_service_token(service_token(f"j{number}"))
    assert [await directory.purge_directory(now=NOW + 60, limit=2) for _ in range(3)] == [2, 1, 0]


async def test_keys_are_listed_by_their_time_then_kid(directory: SqlDirectory) -> None:
    assert await directory.add_signing_key(signing_key("k9"), after=None)
    assert await directory.add_signing_key(signing_key("k2", activates_at=NOW + 5), after="k9")
    assert await directory.add_signing_key(signing_key("k3", activates_at=NOW + 5), after="k2")
    assert await directory.add_signing_key(signing_key("k1", activates_at=NOW - 5), after="k3")
    assert [key.kid for key in await directory.list_signing_keys()] == ["k1", "k9", "k2", "k3"]
    assert signing_key("k9") in await directory.list_signing_keys()


async def test_a_key_is_added_only_after_the_newest(directory: SqlDirectory) -> None:
    assert not await directory.add_signing_key(signing_key("k1"), after="k0")
    assert await directory.add_signing_key(signing_key("k1"), after=None)
    assert not await directory.add_signing_key(signing_key("k2"), after=None)
    assert not await directory.add_signing_key(signing_key("k2"), after="k0")
    assert [key.kid for key in await directory.list_signing_keys()] == ["k1"]
    with pytest.raises(ValueError, match="new"):
        await directory.add_signing_key(signing_key("k1"), after="k1")


async def test_of_many_first_uses_one_makes_the_key(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 4, product=product) as opened:
        added = await asyncio.gather(
            *(
                directory.add_signing_key(signing_key(f"k{number}-{turn}"), after=None)
                for number, directory in enumerate(opened)
                for turn in range(20)
            )
        )
        assert sum(added) == 1
        assert len(await opened[0].list_signing_keys()) == 1


async def test_a_revoked_key_loses_its_private_half_and_is_logged_once(directory: SqlDirectory) -> None:
    await directory.add_signing_key(signing_key(), after=None)
    assert await directory.revoke_signing_key("k1", revocation=revocation(NOW_MS)) is True
    assert await directory.revoke_signing_key("k1", revocation=revocation(NOW_MS)) is False
    assert await directory.revoke_signing_key("k2", revocation=revocation(NOW_MS)) is False
    assert list(await directory.list_signing_keys()) == [replace(signing_key(), private_pem=None, revoked_at=NOW)]
    assert await whole_log(directory) == (LogEntry(1, LogKind.KEY, "", "k1", 0, NOW + 5000),)


async def test_a_revoked_key_is_not_the_newest(directory: SqlDirectory) -> None:
    await directory.add_signing_key(signing_key("k1"), after=None)
    await directory.add_signing_key(signing_key("k2", activates_at=NOW + 1), after="k1")
    await directory.revoke_signing_key("k2", revocation=revocation())
    assert not await directory.add_signing_key(signing_key("k3"), after="k2")
    assert await directory.add_signing_key(signing_key("k3"), after="k1")


async def test_a_key_loses_its_private_half_then_goes(directory: SqlDirectory) -> None:
    await directory.add_signing_key(signing_key(), after=None)
    await directory.forget_private_key("k1")
    assert list(await directory.list_signing_keys()) == [replace(signing_key(), private_pem=None)]
    await directory.delete_signing_key("k1")
    assert list(await directory.list_signing_keys()) == []


async def rewrap(directory: SqlDirectory, old: str, new: str) -> bool:
    return await directory.rewrap_signing_key("k1", old=old, new=new, master_key_id=f"master of {new}")


async def test_a_private_half_is_put_in_the_place_of_the_one_that_was_read(directory: SqlDirectory) -> None:
    await directory.add_signing_key(signing_key(), after=None)
    await directory.add_signing_key(signing_key("k2", activates_at=NOW + 1), after="k1")
    assert await rewrap(directory, "PEM", "PEM-2") is True
    changed = replace(signing_key(), private_pem="PEM-2", master_key_id="master of PEM-2")
    assert list(await directory.list_signing_keys()) == [changed, signing_key("k2", activates_at=NOW + 1)]
    assert await rewrap(directory, "PEM", "PEM-3") is False
    assert (await directory.list_signing_keys())[0] == changed
    assert await whole_log(directory) == ()


@pytest.mark.parametrize("ended", ["revoked", "forgotten", "unknown"])
async def test_a_private_half_that_is_gone_does_not_come_back(directory: SqlDirectory, ended: str) -> None:
    if ended != "unknown":
        await directory.add_signing_key(signing_key(), after=None)
    if ended == "revoked":
        await directory.revoke_signing_key("k1", revocation=revocation())
    elif ended == "forgotten":
        await directory.forget_private_key("k1")
    before = await directory.list_signing_keys()
    assert await rewrap(directory, "PEM", "PEM-2") is False
    assert await directory.list_signing_keys() == before
    assert [key.private_pem for key in before] == ([] if ended == "unknown" else [None])


async def test_of_many_who_rewrap_a_key_one_does(product: str, tmp_path: Path) -> None:
    async with directories(tmp_path, 2, product=product) as opened:
        await opened[0].add_signing_key(signing_key(), after=None)
        done = await asyncio.gather(*(rewrap(opened[turn % 2], "PEM", f"PEM-{turn}") for turn in range(10)))
        assert sum(done) == 1
        (key,) = await opened[0].list_signing_keys()
        assert key.private_pem == f"PEM-{done.index(True)}"
        assert key.master_key_id == f"master of {key.private_pem}"


async def test_a_directory_keeps_its_identity(directory: SqlDirectory) -> None:
    ids = []
    for _ in range(2):
        ids.append((await directory.directory_id(), (await directory.read_log(after=0)).log_id))
        await directory.close()
        await directory.open()
    assert ids[0] == ids[1]
    assert len({*ids[0]}) == 2
    assert min(map(len, ids[0])) >= 32


async def test_sessions_of_the_same_database_share_the_log(directory: SqlDirectory) -> None:
    sessions = SqlSessionStore(directory)
    await sessions.open()
    await directory.add_service_token(service_token())
    await sessions.create(make_session())
    await sessions.revoke_session("s1", revocation=revocation())
    await directory.revoke_service_token("j1", revocation=revocation())
    assert sessions.log_key == directory.log_key
    assert await whole_log(sessions) == await whole_log(directory)
    assert [entry.kind for entry in await snapshot(directory)] == [LogKind.SESSION, LogKind.JTI]
    assert (await sessions.read_state(session_id="s1", jti="j1")).jti_revoked is True
    await sessions.close()
    await directory.ping()


async def test_two_databases_have_two_logs(directory: SqlDirectory, tmp_path: Path) -> None:
    other = SqlDirectory(f"sqlite:///{tmp_path}/other.db")
    await other.open()
    assert other.log_key != directory.log_key
    assert (await other.read_log(after=0)).log_id != (await directory.read_log(after=0)).log_id
    assert await other.directory_id() != await directory.directory_id()
    await other.close()
