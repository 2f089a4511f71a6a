# SPDX-License-Identifier: Apache-2.0
"""Reads a request body: whole, bounded in bytes and in time."""

import asyncio

from starlette.types import Receive

from tessera_service.http.errors import BodyTooLarge, BodyTooSlow, ClientGone

MAX_BODY_BYTES = 65_536
BODY_SECONDS = 10.0


async def read_body(
    receive: Receive, *, announced: bytes | None, max_bytes: int = MAX_BODY_BYTES, seconds: float = BODY_SECONDS
) -> bytes:
    """The body. `announced`: Content-Length if there is one. BodyTooLarge as soon as that is clear, BodyTooSlow
    when it is not complete after `seconds`, ClientGone when the client leaves first."""
    if announced is not None and (not announced.isdigit() or len(announced) > 9 or int(announced) > max_bytes):
        raise BodyTooLarge
    try:
        async with asyncio.timeout(seconds):
            return await _read(receive, max_bytes)
    except TimeoutError:
        raise BodyTooSlow from None


async def _read(receive: Receive, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return b"".join([*parts, part]) if parts else part
        parts.append(part)
