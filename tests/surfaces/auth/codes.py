# SPDX-License-Identifier: Apache-2.0
"""One-time codes: asked for, guessed, and seen on their way to whoever sends them."""

from typing import Any

import httpx

from surfaces.auth.calls import NUMBER, OTP_LOGIN, call
from surfaces.service_rig import Rig
from tessera_service.surfaces.auth.operations import LOGIN, REQUEST_OTP

Sent = list[tuple[str, str]]


async def ask(rig: Rig, number: str = NUMBER, **others: Any) -> httpx.Response:
    return await call(rig, REQUEST_OTP, {"phone_number": number}, **others)


async def guess(rig: Rig, code: str, number: str = NUMBER, **others: Any) -> httpx.Response:
    return await call(rig, LOGIN, OTP_LOGIN | {"phone_number": number, "otp_code": code}, **others)


def other_than(code: str) -> str:
    """A code that is wrong."""
    return f"{(int(code) + 1) % 10**6:06}"
