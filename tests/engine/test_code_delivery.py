# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from engine.doubles import until
from tessera_service.engine import code_delivery
from tessera_service.engine.code_delivery import MAX_AT_ONCE, CodeDelivery, CodeNotSent

NUMBER, CODE = "+84912345678", "907351"


class Provider:
    """Notes what it is asked to send; does what `behaviour` does first."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.attempts = 0
        self.at_once = 0
        self.most_at_once = 0
        self.closed = 0
        self.behaviour: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)

    async def send(self, phone_number: str, code: str) -> None:
        self.attempts += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.behaviour()
            self.sent.append((phone_number, code))
        finally:
            self.at_once -= 1

    async def close(self) -> None:
        self.closed += 1


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def make(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., CodeDelivery]]:
    monkeypatch.setattr(code_delivery, "CLOSE_SECONDS", 0.05)
    made: list[CodeDelivery] = []

    def make(*, lifetime_seconds: float = 60, max_under_way: int = 1024) -> CodeDelivery:
        delivery = CodeDelivery(
            provider, lifetime_seconds=lifetime_seconds, max_under_way=max_under_way, first_pause_seconds=0.01
        )
        made.append(delivery)
        return delivery

    yield make
    for delivery in made:
        await delivery.close()


async def fail() -> None:
    raise CodeNotSent("status 500")


async def test_a_code_is_handed_over_after_the_call_returned(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    make().post(b"a", NUMBER, CODE, tenant_id="tenant-a")
    assert provider.attempts == 0
    await until(lambda: provider.sent == [(NUMBER, CODE)])


async def test_what_failed_is_tried_again_until_it_is_sent(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    async def recover() -> None:
        if provider.attempts < 4:
            await fail()

    provider.behaviour = recover
    make().post(b"a", NUMBER, CODE, tenant_id="tenant-a")
    await until(lambda: provider.sent == [(NUMBER, CODE)])
    assert provider.attempts == 4


async def test_pauses_grow_and_have_a_limit(
    provider: Provider, make: Callable[..., CodeDelivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_delivery, "LONGEST_PAUSE_SECONDS", 0.05)
    provider.behaviour = fail
    with capture_logs() as logs:
        make().post(b"a", NUMBER, CODE, tenant_id="tenant-a")
        await until(lambda: provider.attempts == 6)
    assert [line["again_in"] for line in logs][:5] == [0.01, 0.02, 0.04, 0.05, 0.05]


async def test_nothing_is_tried_after_the_code_is_dead(provider: Provider, make: Callable[..., CodeDelivery]) -> None:
    provider.behaviour = fail
    with capture_logs() as logs:
        make(lifetime_seconds=0.1).post(b"a", NUMBER, CODE, tenant_id="tenant-a")
        await until(lambda: any(line["event"] == "code_given_up" for line in logs))
    attempts = provider.attempts
    assert attempts > 1
    await asyncio.sleep(0.2)
    assert provider.attempts == attempts


async def test_a_newer_code_of_the_same_number_takes_the_place_of_the_older(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    provider.behaviour = fail
    delivery = make()
    delivery.post(b"a", NUMBER, "000000", tenant_id="tenant-a")
    await until(lambda: provider.attempts > 0)
    provider.behaviour = lambda: asyncio.sleep(0)
    delivery.post(b"a", NUMBER, CODE, tenant_id="tenant-a")
    await until(lambda: bool(provider.sent))
    await asyncio.sleep(0.2)
    assert provider.sent == [(NUMBER, CODE)]


async def test_a_code_that_nobody_needs_any_more_is_not_tried_again(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    provider.behaviour = fail
    delivery = make()
    delivery.post(b"a", NUMBER, CODE, tenant_id="tenant-a")
    await until(lambda: provider.attempts > 0)
    delivery.drop(b"a")
    delivery.drop(b"b")
    await asyncio.sleep(0)
    attempts = provider.attempts
    await asyncio.sleep(0.2)
    assert provider.attempts == attempts


async def test_what_is_too_much_is_dropped_and_said_without_waiting(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    release = asyncio.Event()
    provider.behaviour = release.wait
    delivery = make(max_under_way=2)
    with capture_logs() as logs:
        for key in (b"a", b"b", b"c"):
            delivery.post(key, NUMBER, key.decode(), tenant_id="tenant-a")
    assert [(line["event"], line["tenant"]) for line in logs] == [("code_dropped", "tenant-a")]
    release.set()
    await until(lambda: len(provider.sent) == 2)
    delivery.post(b"d", NUMBER, "d", tenant_id="tenant-a")  # there is room again
    await until(lambda: len(provider.sent) == 3)
    assert [code for _, code in provider.sent] == ["a", "b", "d"]


async def test_a_slow_provider_is_called_so_often_at_once_and_the_others_wait(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    release = asyncio.Event()
    provider.behaviour = release.wait
    delivery = make()
    for number in range(3 * MAX_AT_ONCE):
        delivery.post(b"%d" % number, NUMBER, CODE, tenant_id="tenant-a")
    await until(lambda: provider.at_once == MAX_AT_ONCE)
    release.set()
    await until(lambda: len(provider.sent) == 3 * MAX_AT_ONCE)
    assert provider.most_at_once == MAX_AT_ONCE


async def test_one_that_waits_to_be_tried_again_keeps_nobody_from_being_sent(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    delivery = make()
    delivery._first_pause = 30  # as long as a provider may be left alone
    provider.behaviour = fail
    for number in range(2 * MAX_AT_ONCE):
        delivery.post(b"%d" % number, NUMBER, "000000", tenant_id="tenant-a")
    await until(lambda: provider.attempts == 2 * MAX_AT_ONCE)
    provider.behaviour = lambda: asyncio.sleep(0)
    delivery.post(b"new", NUMBER, CODE, tenant_id="tenant-a")
    await until(lambda: provider.sent == [(NUMBER, CODE)])


async def test_closing_waits_for_what_is_being_sent_but_not_for_ever(
    provider: Provider, make: Callable[..., CodeDelivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_delivery, "CLOSE_SECONDS", 5)
    delivery = make()
    provider.behaviour = lambda: asyncio.sleep(0.05)
    delivery.post(b"a", NUMBER, CODE, tenant_id="tenant-a")
    await delivery.close()
    assert (provider.sent, provider.closed) == ([(NUMBER, CODE)], 1)

    monkeypatch.setattr(code_delivery, "CLOSE_SECONDS", 0.05)
    provider.behaviour = asyncio.Event().wait
    delivery.post(b"a", NUMBER, CODE, tenant_id="tenant-a")
    async with asyncio.timeout(5):
        await delivery.close()
    assert (len(provider.sent), provider.closed) == (1, 2)


async def test_closing_does_not_wait_for_one_that_would_be_tried_again(
    provider: Provider, make: Callable[..., CodeDelivery], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_delivery, "CLOSE_SECONDS", 30)
    provider.behaviour = fail
    delivery = make()
    delivery._first_pause = 30
    with capture_logs() as logs:
        delivery.post(b"a", NUMBER, CODE, tenant_id="tenant-a")
        await until(lambda: provider.attempts == 1)
        async with asyncio.timeout(10):
            await delivery.close()
    assert [line["event"] for line in logs] == ["code_not_sent", "code_given_up"]


async def test_no_line_of_the_log_repeats_what_was_to_be_sent(
    provider: Provider, make: Callable[..., CodeDelivery]
) -> None:
    async def break_down() -> None:
        raise RuntimeError(f"cannot send {CODE} to {NUMBER}")

    provider.behaviour = break_down
    with capture_logs() as logs:
        make(lifetime_seconds=0.05).post(b"a", NUMBER, CODE, tenant_id="tenant-a")
        await until(lambda: any(line["event"] == "code_given_up" for line in logs))
    assert logs[0]["reason"] == "RuntimeError"
    assert CODE not in repr(logs)
    assert NUMBER[1:] not in repr(logs)
