# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import os
import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.receiver import Receiver, status
from tessera_service.engine.code_delivery import CodeNotSent, SendNothing
from tessera_service.otp_providers import FileProvider, WebhookProvider, make_code_provider, warn_of_provider
from tessera_service.settings import Settings, SettingsError, load_settings
from tessera_service.webhook import sign

NUMBER, CODE = "+84912345678", "090735"
SECRET = "0123456789abcdef0123456789abcdef"
LINE = {"phone_number": NUMBER, "otp_code": CODE}


def with_webhook(url: str) -> Settings:
    return load_settings(otp_provider="webhook", otp_webhook_url=url, otp_webhook_secret=SECRET)


async def test_without_a_provider_nothing_is_sent(tmp_path: Path) -> None:
    provider = make_code_provider(load_settings(data_dir=tmp_path))
    assert isinstance(provider, SendNothing)
    await provider.send(NUMBER, CODE)
    await provider.close()
    assert not (tmp_path / "otp.jsonl").exists()


# file


async def test_the_file_has_a_line_for_each_code_in_their_order(tmp_path: Path) -> None:
    provider = make_code_provider(load_settings(data_dir=tmp_path, otp_provider="file"))
    for code in ("000001", "000002"):
        await provider.send(NUMBER, code)
    lines = (tmp_path / "otp.jsonl").read_text(encoding="ascii").splitlines()
    assert [json.loads(line) for line in lines] == [{**LINE, "otp_code": "000001"}, {**LINE, "otp_code": "000002"}]


async def test_the_file_is_its_owners_alone_also_when_it_was_not(tmp_path: Path) -> None:
    path = tmp_path / "otp.jsonl"
    before = os.umask(0)
    try:
        await FileProvider(path).send(NUMBER, CODE)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o644)
        await FileProvider(path).send(NUMBER, CODE)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_lines_that_are_written_at_once_do_not_mix(tmp_path: Path) -> None:
    providers = [FileProvider(tmp_path / "otp.jsonl") for _ in range(2)]
    codes = [f"{number:06}" for number in range(200)]
    await asyncio.gather(*(providers[int(code) % 2].send(NUMBER, code) for code in codes))
    lines = (tmp_path / "otp.jsonl").read_text(encoding="ascii").splitlines()
    assert sorted(json.loads(line)["otp_code"] for line in lines) == codes


async def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / "otp.jsonl").symlink_to(target)
    with pytest.raises(CodeNotSent) as raised:
        await FileProvider(tmp_path / "otp.jsonl").send(NUMBER, CODE)
    assert CODE not in str(raised.value)
    assert not target.exists()


async def test_a_file_that_cannot_be_written_is_a_code_not_sent(tmp_path: Path) -> None:
    with pytest.raises(CodeNotSent):
        await FileProvider(tmp_path / "absent" / "otp.jsonl").send(NUMBER, CODE)


@pytest.mark.parametrize(("provider", "warnings"), [("none", 0), ("file", 1), ("webhook", 0)])
def test_only_the_file_is_warned_of(provider: str, warnings: int) -> None:
    given = {"otp_webhook_url": "https://hooks.example.org/otp", "otp_webhook_secret": SECRET}
    with capture_logs() as logs:
        warn_of_provider(load_settings(otp_provider=provider, **given))
    assert len(logs) == warnings
    assert all(line["log_level"] == "warning" and "development only" in line["advice"] for line in logs)


# webhook


async def test_the_webhook_gets_the_code_signed() -> None:
    async with Receiver() as receiver:
        provider = make_code_provider(with_webhook(receiver.url))
        await provider.send(NUMBER, CODE)
        await provider.close()
    (received,) = receiver.received
    assert json.loads(received.body) == LINE
    assert received.header("content-type") == "application/json"
    signature = received.header("x-tessera-signature") or ""
    at = int(signature.split(",")[0].removeprefix("t="))
    assert signature == sign(received.body, secret=SECRET.encode(), at=at)


@pytest.mark.parametrize("code", [302, 400, 500])
async def test_a_webhook_that_does_not_take_it_is_a_code_not_sent(code: int) -> None:
    async with Receiver(answer=status(code)) as receiver:
        provider = make_code_provider(with_webhook(receiver.url))
        assert isinstance(provider, WebhookProvider)
        with pytest.raises(CodeNotSent) as raised:
            await provider.send(NUMBER, CODE)
        await provider.close()
    assert raised.value.reason == f"status {code}"
    assert raised.value.__suppress_context__  # a trace of it would tell the address


async def test_an_attempt_takes_no_longer_than_the_setting_for_webhooks() -> None:
    settings = load_settings(
        otp_provider="webhook",
        otp_webhook_url="https://sms.example/send",
        otp_webhook_secret=SECRET,
        webhook_timeout="70ms",
    )
    provider = make_code_provider(settings)
    assert isinstance(provider, WebhookProvider)
    assert provider._webhook._timeout == 0.07
    await provider.close()


# settings


@pytest.mark.parametrize(
    "given",
    [{}, {"otp_webhook_url": "https://hooks.example.org/otp"}, {"otp_webhook_secret": SECRET}],
)
def test_a_webhook_without_its_address_or_secret_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^OTP_PROVIDER: webhook needs OTP_WEBHOOK_URL and OTP_WEBHOOK_SECRET$"):
        load_settings(otp_provider="webhook", **given)


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example.org",
        "ftp://hooks.example.org/",
        "https://",
        "https:///otp",
        "https://hooks.example.org/#canary",
        "https://hooks.example.org:canary/",
        "https://hooks.example.org:0/",
        "https://hooks.example.org/a canary",
        "https://hooks.example.org/canary\n",
        "https://[canary/",
        "https://hooks.example.org/" + "canary" * 1000,
    ],
)
def test_what_cannot_be_posted_to_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^OTP_WEBHOOK_URL: is not an address to post to") as raised:
        load_settings(otp_webhook_url=url)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/otp", "https://user:pw@hooks.example.org/otp?key=1"])
def test_what_can_be_posted_to_is_taken_and_not_shown(url: str) -> None:
    settings = load_settings(otp_webhook_url=url)
    assert settings.otp_webhook_url is not None
    assert settings.otp_webhook_url.get_secret_value() == url
    assert url not in repr(settings)


@pytest.mark.parametrize("secret", ["two words", "x" * 257, "nùm"])
def test_a_secret_that_nobody_could_have_meant_is_refused(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"^OTP_WEBHOOK_SECRET: ") as raised:
        load_settings(otp_webhook_secret=secret)
    assert secret not in str(raised.value)


def test_the_codes_of_a_tenant_have_a_limit_that_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().engine_config().otp_tenant_limit == 1000
    monkeypatch.setenv("OTP_TENANT_LIMIT", "7")
    assert load_settings().engine_config().otp_tenant_limit == 7
    for refused in ("0", "-1", "1000001", "many"):
        monkeypatch.setenv("OTP_TENANT_LIMIT", refused)
        with pytest.raises(SettingsError, match=r"^OTP_TENANT_LIMIT: "):
            load_settings()
