# SPDX-License-Identifier: Apache-2.0
"""Cross-origin requests of browsers, for the origins that the settings list (Fetch standard, "CORS protocol").

Credentials mode is never allowed: the service knows no cookies."""

from collections.abc import Sequence

from starlette.types import Send

from tessera_service.http.exchange import Exchange

ALLOW_METHODS = b"GET, HEAD, POST, DELETE"
ALLOW_HEADERS = (
    b"Accept-Language, Authorization, Content-Type, If-None-Match, X-Device-Type, X-Request-ID, X-Session-Token,"
    b" X-Tenant-ID"
)
EXPOSE_HEADERS = b"RateLimit-Limit, RateLimit-Remaining, Retry-After, WWW-Authenticate, X-Request-ID, X-Tenant-ID"
PREFLIGHT_SECONDS = b"600"


class Cors:
    """Which origins may read answers. `*` is every origin."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._any = "*" in origins
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        """What the answer to a request tells the browser."""
        if self._any:
            return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", EXPOSE_HEADERS)]
        vary = (b"vary", b"Origin")
        origin = exchange.header(b"origin")
        if origin is None or origin not in self._origins:
            return [vary]
        return [vary, (b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSE_HEADERS)]

    def is_preflight(self, exchange: Exchange) -> bool:
        """Whether a browser asks beforehand, from an origin that may."""
        if exchange.method != "OPTIONS" or not exchange.has_header(b"access-control-request-method"):
            return False
        return self._any or exchange.header(b"origin") in self._origins


async def answer_preflight(send: Send) -> None:
    """204 with what every path of the service allows; the origin is added like to every answer."""
    headers = [
        (b"access-control-allow-methods", ALLOW_METHODS),
        (b"access-control-allow-headers", ALLOW_HEADERS),
        (b"access-control-max-age", PREFLIGHT_SECONDS),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
