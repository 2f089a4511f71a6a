# SPDX-License-Identifier: Apache-2.0
import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator

import pytest

from service.receiver import Answer, Receiver, drip, hang, hang_up, pour, status
from tessera_service.clock import SystemClock
from tessera_service.webhook import Webhook, WebhookFailed, sign

SECRET = b"0123456789abcdef0123456789abcdef"
BODY = b'{"id":"1"}'


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
async def webhook(receiver: Receiver) -> AsyncIterator[Webhook]:
    hook = Webhook(receiver.url, secret=SECRET, timeout_seconds=20)
    yield hook
    await hook.close()


@pytest.fixture
async def impatient(receiver: Receiver) -> AsyncIterator[Webhook]:
    hook = Webhook(receiver.url, secret=SECRET, timeout_seconds=2)
    yield hook
    await hook.close()


def test_a_signature_is_the_hmac_of_time_and_body() -> None:
    expected = hmac.new(SECRET, b"1800000000." + BODY, hashlib.sha256).hexdigest()
    assert sign(BODY, secret=SECRET, at=1_800_000_000) == f"t=1800000000,v1={expected}"


async def test_what_is_sent_is_signed_with_the_time_of_sending(receiver: Receiver, webhook: Webhook) -> None:
    before = SystemClock().now()
    await webhook.post(BODY, content_type="application/cloudevents+json")
    (received,) = receiver.received
    assert received.head.startswith("POST /hook HTTP/1.1")
    assert received.body == BODY
    assert received.header("content-type") == "application/cloudevents+json"
    signature = received.header("x-tessera-signature") or ""
    at = int(signature.split(",")[0].removeprefix("t="))
    assert before <= at <= SystemClock().now()
    assert signature == sign(BODY, secret=SECRET, at=at)


@pytest.mark.parametrize("code", [200, 201, 202, 204])
async def test_any_success_confirms(receiver: Receiver, webhook: Webhook, code: int) -> None:
    receiver.answer = status(code)
    await webhook.post(BODY)


@pytest.mark.parametrize("code", [301, 302, 307, 308, 400, 401, 404, 410, 429, 500, 503])
async def test_any_other_answer_does_not(receiver: Receiver, webhook: Webhook, code: int) -> None:
    receiver.answer = status(code, f"Location: {receiver.url}")
    with pytest.raises(WebhookFailed, match=f"^status {code}$"):
        await webhook.post(BODY)
    assert len(receiver.received) == 1  # no redirect was followed


@pytest.mark.parametrize(("answer", "reason"), [(hang, "timeout"), (hang_up, "RemoteProtocolError")])
async def test_a_receiver_that_says_nothing_is_given_up(
    receiver: Receiver, impatient: Webhook, answer: Answer, reason: str
) -> None:
    receiver.answer = answer
    async with asyncio.timeout(20):
        with pytest.raises(WebhookFailed, match=f"^{reason}$"):
            await impatient.post(BODY)


@pytest.mark.parametrize("answer", [pour, drip])
async def test_an_answer_without_end_is_left(receiver: Receiver, impatient: Webhook, answer: Answer) -> None:
    receiver.answer = answer
    async with asyncio.timeout(20):
        await impatient.post(BODY)  # its head has said yes
    receiver.answer = status(204)
    await impatient.post(BODY)
    assert receiver.connections == 2  # nothing is sent after an answer that was not read


async def test_a_connection_is_used_again(receiver: Receiver, webhook: Webhook) -> None:
    receiver.answer = status(200, body=b"thank you")
    for _ in range(3):
        await webhook.post(BODY)
    assert receiver.connections == 1


async def test_nobody_there_is_a_failure_without_the_address() -> None:
    async with Receiver() as gone:
        pass
    webhook = Webhook(gone.url + "?key=canary", secret=SECRET, timeout_seconds=5)
    with pytest.raises(WebhookFailed) as failed:
        await webhook.post(BODY)
    assert str(failed.value) == "ConnectError"
    await webhook.close()


async def test_no_proxy_of_the_environment_is_asked(
    receiver: Receiver, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    await webhook.post(BODY)
    assert len(receiver.received) == 1


async def test_after_close_it_opens_again(receiver: Receiver, webhook: Webhook) -> None:
    await webhook.post(BODY)
    await webhook.close()
    await webhook.close()
    await webhook.post(BODY)
    assert receiver.connections == 2
