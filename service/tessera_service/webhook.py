# SPDX-License-Identifier: Apache-2.0
"""A signed POST to an address of the operator's: `X-Tessera-Signature: t=<unix seconds>,v1=<hex>`, where `v1` is the
HMAC-SHA-256, under the shared secret, of `t`, a dot and the body. A receiver that compares `t` with its clock refuses
what somebody sends again later."""

import asyncio
import contextlib
import hashlib
import hmac
import ssl
from typing import Final

import httpx

from tessera_service.clock import Clock, SystemClock

SIGNATURE_HEADER: Final = "X-Tessera-Signature"
ANSWER_LIMIT: Final = 64 * 1024  # bytes of an answer that are read, to use the connection again; nobody looks at them
CONNECTIONS: Final = 8


class WebhookFailed(Exception):
    """The receiver has not confirmed; it may have the message all the same. `reason` holds nothing that was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def sign(body: bytes, *, secret: bytes, at: int) -> str:
    """The value of the header for a body that is sent at that second."""
    digest = hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Webhook:
    """One receiver. It is reached directly: no proxy of the environment, no redirect, no cookie."""

    def __init__(self, url: str, *, secret: bytes, timeout_seconds: float, clock: Clock | None = None) -> None:
        self._url = url
        self._secret = secret
        self._timeout = timeout_seconds
        self._clock = clock or SystemClock()
        self._opened: httpx.AsyncClient | None = None

    async def post(self, body: bytes, *, content_type: str = "application/json") -> None:
        """Returns when the receiver answered with any 2xx. WebhookFailed, at the latest when the time is over."""
        headers = {"Content-Type": content_type, SIGNATURE_HEADER: self._sign(body)}
        ends = asyncio.get_running_loop().time() + self._timeout
        try:
            async with asyncio.timeout_at(ends):  # httpx's own bounds only a single read
                answer = await self._send(body, headers)
        except TimeoutError:
            raise WebhookFailed("timeout") from None
        except (httpx.HTTPError, OSError) as error:
            raise WebhookFailed(type(error).__name__) from None  # its text may repeat the address
        try:
            if not answer.is_success:
                raise WebhookFailed(f"status {answer.status_code}")
            # It is confirmed, whatever follows: a body that is cut off, or has no end, takes nothing back.
            with contextlib.suppress(httpx.HTTPError, OSError):
                async with asyncio.timeout_at(ends):
                    await _skip(answer)
        finally:
            await answer.aclose()

    async def close(self) -> None:
        """Releases the connections. Idempotent; a later `post` opens new ones."""
        client, self._opened = self._opened, None
        if client is not None:
            await client.aclose()

    def _sign(self, body: bytes) -> str:
        return sign(body, secret=self._secret, at=self._clock.now())

    async def _send(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        client = self._client()
        return await client.send(client.build_request("POST", self._url, content=body, headers=headers), stream=True)

    def _client(self) -> httpx.AsyncClient:
        if self._opened is None:
            self._opened = httpx.AsyncClient(
                verify=ssl.create_default_context(),  # the system's certificates, a private authority's among them
                follow_redirects=False,
                trust_env=False,
                timeout=self._timeout,
                limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
                headers={"User-Agent": "tessera", "Accept-Encoding": "identity"},
            )
        return self._opened


async def _skip(answer: httpx.Response) -> None:
    read = 0
    async for part in answer.aiter_raw():
        read += len(part)
        if read > ANSWER_LIMIT:
            return
