# SPDX-License-Identifier: Apache-2.0
"""Requests of one-time codes, and what of codes is kept."""

import asyncio
import hmac
import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.code_rig import ADDRESS, ALICE, BOB, HOUR, NOBODY, MakeRig, Rig, wrong
from engine.doubles import until
from engine.world import MASTER_KEY, OTHER_TENANT, TENANT
from tessera_service.engine.addresses import counted_address
from tessera_service.engine.codes import CODE_SECONDS, CodeLogin
from tessera_service.engine.master_keys import hkdf_sha256
from tessera_service.errors import ServiceError, StoreUnavailable

# Requests


async def test_a_number_gets_a_code_a_minute_and_the_one_before_stays(rig: Rig) -> None:
    code = await rig.requested()
    rig.clock.advance(60, ms=-1)
    assert await rig.request(address="192.0.2.2") is None
    assert await rig.outcome(code) == "in"
    rig.clock.advance(ms=1)
    assert await rig.request() is not None


async def test_a_number_gets_five_codes_an_hour(rig: Rig) -> None:
    for _ in range(5):
        assert await rig.request() is not None
        rig.clock.advance(60)
    rig.clock.advance(HOUR - 300, ms=-1)
    assert await rig.request() is None
    rig.clock.advance(ms=1)
    assert await rig.request() is not None  # the first is an hour old
    rig.clock.advance(60, ms=-1)
    assert await rig.request() is None


async def test_an_address_gets_20_codes_an_hour(rig: Rig) -> None:
    for index in range(20):
        await rig.request(f"+849123457{index:02}")
    assert await rig.request() is None
    assert await rig.request(address="192.0.2.2") is not None
    await rig.add(BOB)
    rig.clock.advance(HOUR, ms=-1)
    assert await rig.request(BOB) is None
    rig.clock.advance(ms=1)
    assert await rig.request(BOB) is not None


async def test_a_tenant_has_a_limit_that_another_does_not_feel(make_rig: MakeRig) -> None:
    rig = await make_rig(otp_tenant_limit=2)
    for tenant_id in (TENANT, OTHER_TENANT):
        await rig.add(ALICE, tenant_id=tenant_id)
    for index in range(2):
        await rig.request(f"+849123457{index:02}", address=f"192.0.2.{index}")
    assert await rig.request() is None
    assert await rig.request(tenant_id=OTHER_TENANT) is not None
    rig.clock.advance(HOUR)
    assert await rig.request() is not None


async def test_a_flood_of_requests_sends_one_code(make_rig: MakeRig) -> None:
    rigs = [await make_rig() for _ in range(2)]
    await rigs[0].add(ALICE)
    await asyncio.gather(*(rigs[index % 2].codes.request(TENANT, ALICE, f"203.0.113.{index}") for index in range(100)))
    for rig in rigs:
        await asyncio.gather(*rig.codes._delivery._under_way.values())
    assert sum(len(rig.provider.sent) for rig in rigs) == 1


async def test_a_code_that_one_process_sent_counts_in_another(make_rig: MakeRig) -> None:
    first, second = await make_rig(), await make_rig()
    await first.add(ALICE)
    code = await first.requested()
    assert await second.outcome(wrong(code)) == "refused, 4 left"
    assert await second.request() is None
    assert await first.outcome(wrong(code)) == "refused, 3 left"
    assert await second.outcome(code) == "in"


async def test_tenants_share_neither_codes_nor_counts(rig: Rig) -> None:
    await rig.add(ALICE, tenant_id=OTHER_TENANT)
    code = await rig.requested()
    assert await rig.outcome(code, tenant_id=OTHER_TENANT) == "refused, 4 left"
    await rig.outcomes([wrong(code)] * 4)
    others = await rig.request(tenant_id=OTHER_TENANT)
    assert others is not None
    assert await rig.outcome(code) == "in"
    assert await rig.outcome(others, tenant_id=OTHER_TENANT) == "in"


@pytest.mark.parametrize("step", ["take", "forget", "put_code"])
async def test_what_was_counted_is_sent_though_the_caller_has_gone(rig: Rig, step: str) -> None:
    pause = rig.directory.pause_after(step)
    asking = asyncio.create_task(rig.codes.request(TENANT, ALICE, ADDRESS))
    await pause.reached.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    pause.go_on.set()
    await until(lambda: len(rig.provider.sent) == 1)
    ((number, code),) = rig.provider.sent
    assert (number, await rig.outcome(code)) == (ALICE, "in")


async def test_the_end_waits_for_requests_that_have_begun(rig: Rig) -> None:
    pause = rig.directory.pause_after("take")
    asking = asyncio.create_task(rig.codes.request(TENANT, ALICE, ADDRESS))
    await pause.reached.wait()
    asking.cancel()
    ending = asyncio.create_task(rig.codes.close())
    await asyncio.sleep(0.01)
    assert not ending.done()
    pause.go_on.set()
    await ending
    assert len(rig.provider.sent) == 1


async def test_a_request_does_not_wait_for_a_provider_that_fails(rig: Rig) -> None:
    rig.provider.failing = True
    async with asyncio.timeout(10):
        await rig.codes.request(TENANT, ALICE, ADDRESS)
    assert rig.provider.sent == []


@pytest.mark.parametrize("step", ["find_user", "forget", "put_code"])
async def test_what_was_not_sent_for_want_of_a_store_does_not_count(rig: Rig, step: str) -> None:
    """Else whoever asks again, as the 503 says, would be told that a code is coming that is not."""
    rig.directory.fails = {step}
    for _ in range(6):
        with pytest.raises(StoreUnavailable):
            await rig.codes.request(TENANT, ALICE, ADDRESS)
    rig.directory.fails = set()
    code = await rig.requested()
    assert await rig.request() is None
    assert await rig.outcome(code) == "in"


# What is kept, and what is told


async def test_nothing_that_is_kept_or_told_holds_a_code_an_address_or_a_strangers_number(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _: 907_351)
    errors: list[ServiceError] = []
    with capture_logs() as logs:
        await rig.requested()
        await rig.request()
        await rig.request(NOBODY)
        for code in ["907352"] * 6 + ["907351"]:
            try:
                await rig.sign_in(code)
            except ServiceError as error:
                errors.append(error)
    assert len(errors) == 7
    told = repr([logs, [(error, vars(error), error.__cause__) for error in errors]])
    told += repr(CodeLogin(TENANT, ALICE, "907351", ADDRESS))
    database = everything_in(tmp_path)
    for canary in ("907351", "907352", NOBODY[1:]):
        assert canary.encode() not in database
        assert canary not in told
    assert ADDRESS.encode() not in database
    assert ALICE not in told


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_a_code_and_its_number_are_kept_as_hashes_under_a_key_of_the_master_key(rig: Rig, tmp_path: Path) -> None:
    code = await rig.requested()
    key = hkdf_sha256(MASTER_KEY, info=b"tessera one-time-code")
    with sqlite3.connect(tmp_path / "tessera.db") as database:
        ((number_hash, code_hash, expires_at),) = database.execute("SELECT key, code_hash, expires_at FROM codes")
    assert number_hash == hmac.digest(key, f"number\0{TENANT}\0{ALICE}".encode(), "sha256")
    assert code_hash == hmac.digest(key, f"code\0{TENANT}\0{ALICE}\0{code}".encode(), "sha256")
    assert expires_at == rig.clock.now() + CODE_SECONDS


@pytest.mark.parametrize("step", ["take", "find_user", "forget", "put_code"])
async def test_a_store_that_fails_sends_nothing(rig: Rig, step: str) -> None:
    rig.directory.fails = {step}
    with pytest.raises(StoreUnavailable):
        await rig.codes.request(TENANT, ALICE, ADDRESS)
    assert rig.provider.sent == []


@pytest.mark.parametrize("step", ["take", "find_user", "guess_code", "give_back"])
async def test_a_store_that_fails_signs_nobody_in(rig: Rig, step: str) -> None:
    code = await rig.requested()
    rig.directory.fails = {step}
    with pytest.raises(StoreUnavailable):
        await rig.sign_in(code)
    assert rig.login.issued == []


# Addresses


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_an_address_counts_for_its_holder(address: str, counted: str) -> None:
    assert counted_address(address) == counted


async def test_a_network_of_one_holder_gets_20_codes_an_hour(rig: Rig) -> None:
    for index in range(20):
        await rig.request(f"+849123457{index:02}", address=f"2001:db8::{index:x}")
    assert await rig.request(address="2001:db8::ffff") is None
    assert await rig.request(address="2001:db8:0:1::1") is not None
