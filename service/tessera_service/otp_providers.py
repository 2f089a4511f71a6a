# SPDX-License-Identifier: Apache-2.0
"""How one-time codes reach people: not at all, by a file (for development), by a webhook of the operator's."""

import asyncio
import json
import os
import stat
from pathlib import Path
from typing import Final

import structlog

from tessera_service.engine.code_delivery import CodeNotSent, CodeProvider, SendNothing
from tessera_service.settings import Settings
from tessera_service.webhook import Webhook, WebhookFailed

FILE_NAME: Final = "otp.jsonl"

_log = structlog.get_logger(__name__)


def make_code_provider(settings: Settings) -> CodeProvider:
    """What OTP_PROVIDER names."""
    if settings.otp_provider == "file":
        return FileProvider(settings.data_dir / FILE_NAME)
    if settings.otp_provider == "webhook":
        assert settings.otp_webhook_url is not None and settings.otp_webhook_secret is not None  # noqa: PT018
        return WebhookProvider(
            Webhook(
                settings.otp_webhook_url.get_secret_value(),
                secret=settings.otp_webhook_secret.get_secret_value().encode(),
                timeout_seconds=settings.webhook_timeout / 1000,
            )
        )
    return SendNothing()


def warn_of_provider(settings: Settings) -> None:
    """Says so in the log if whoever reads the data directory can sign in as anybody with a phone number."""
    if settings.otp_provider == "file":
        _log.warning(
            "one_time_codes_are_written_to_a_file",
            file=str(settings.data_dir / FILE_NAME),
            advice="OTP_PROVIDER=file is for development only: use webhook or none where real people sign in",
        )


class FileProvider:
    """Appends a line for each code to a file that its owner alone may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, phone_number: str, code: str) -> None:
        try:
            await asyncio.to_thread(self._append, _message(phone_number, code) + b"\n")
        except OSError as error:
            raise CodeNotSent(error.strerror or "the file cannot be written") from None

    async def close(self) -> None:
        return

    def _append(self, line: bytes) -> None:
        """In one write, so that lines of several processes do not mix. A link would lead somewhere else."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            if os.fstat(descriptor).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                os.fchmod(descriptor, 0o600)
            os.write(descriptor, line)
        finally:
            os.close(descriptor)


class WebhookProvider:
    """Posts each code, signed, to the operator's own service, which sends it on."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    async def send(self, phone_number: str, code: str) -> None:
        try:
            await self._webhook.post(_message(phone_number, code))
        except WebhookFailed as error:
            raise CodeNotSent(error.reason) from None

    async def close(self) -> None:
        await self._webhook.close()


def _message(phone_number: str, code: str) -> bytes:
    return json.dumps({"phone_number": phone_number, "otp_code": code}, separators=(",", ":")).encode()
