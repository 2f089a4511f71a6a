# SPDX-License-Identifier: Apache-2.0
"""One request and its answer, as the edge and the surfaces see it."""

import asyncio
import re
import time
import uuid
from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar

from starlette.responses import Response
from starlette.types import Message, Scope, Send

from tessera_service.errors import RateLimited, ServiceError, StoreUnavailable
from tessera_service.http.language import choose_language
from tessera_service.http.limits import Allowance, RateLimiter
from tessera_service.http.peer import Peers
from tessera_service.messages import LANGUAGES, Text

T = TypeVar("T")

SCOPE_KEY = "tessera.exchange"
ANSWER_SECONDS = 1.8  # with what the network takes: within the 2 s in which a store's failure is told

_TOO_MANY = 429
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Dialect(Protocol):
    """How a surface words its errors: every error of every path under its prefixes, from one table."""

    def answer(self, error: ServiceError, exchange: "Exchange") -> Response:
        """The answer; a ServiceError without a row of its own (also the bare class) is the internal error."""
        ...


class Exchange:
    """Made by the edge for each request; lives in the scope under SCOPE_KEY. `status` is 0 until an answer starts."""

    __slots__ = (
        "_headers",
        "_limiter",
        "_peer",
        "_peers",
        "_send",
        "allowance",
        "asked_request_id",
        "counted",
        "cross_origin",
        "deadline",
        "dialect",
        "error_code",
        "language",
        "operation",
        "request_id",
        "scope",
        "started_ns",
        "status",
        "stored",
        "tenant_id",
    )

    def __init__(
        self,
        scope: Scope,
        send: Send,
        *,
        dialect: Dialect,
        limiter: RateLimiter | None,
        stored: bool,
        peers: Peers,
    ) -> None:
        self.scope = scope
        self.started_ns = time.monotonic_ns()
        self.deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS
        self.dialect = dialect
        self.status = 0
        self.stored = stored  # whether caches may keep good answers that do not say so themselves
        self.tenant_id: str | None = None  # once X-Tenant-ID named a known tenant
        self.operation: str | None = None  # which row of the dialect counts, where that is not the path's
        self.error_code: str | None = None  # of the error that was answered, for logs and metrics
        self.language: str | None = None  # of the answer's texts, once it has one
        self.counted = False  # against a bucket of the request limits; once is enough
        self.allowance: Allowance | None = None
        self.cross_origin: list[tuple[bytes, bytes]] = []  # headers for browsers elsewhere
        self._send = send
        self._limiter = limiter
        self._peers = peers
        self._peer: str | None = None
        pairs: list[tuple[bytes, bytes]] = scope["headers"]
        self._headers = dict(pairs)
        if len(self._headers) != len(pairs):
            self._headers = {name: value for name, value in pairs if self._is_single(name)}
        given = self._headers.get(b"x-request-id")
        self.asked_request_id = given is not None and _REQUEST_ID.fullmatch(given) is not None
        self.request_id = given.decode() if given is not None and self.asked_request_id else str(uuid.uuid4())

    def _is_single(self, name: bytes) -> bool:
        return len(self.header_values(name)) == 1

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def peer(self) -> str:
        """The peer's address."""
        if self._peer is None:
            self._peer = self._peers.find(self.scope.get("client"), self.header_values(b"x-forwarded-for"))
        return self._peer

    @property
    def from_proxy(self) -> bool:
        """Whether a proxy of ours sent the request, so that what it says of its client counts."""
        return self._peers.trusts(self.scope.get("client"))

    def header(self, name: bytes) -> bytes | None:
        """The value of a header that was sent exactly once; None if it is absent or was sent twice."""
        return self._headers.get(name)

    def header_values(self, name: bytes) -> Sequence[bytes]:
        """All values of a header, in order."""
        return [value for other, value in self.scope["headers"] if other == name]

    def has_header(self, name: bytes) -> bool:
        """Whether the header was sent, even twice."""
        return name in self._headers or any(other == name for other, _ in self.scope["headers"])

    def say(self, text: Text) -> str:
        """The text in the language that the client likes best; the answer's head tells which that is. Only here is
        Accept-Language read: most answers have no text."""
        if self.language is None:
            self.language = choose_language(self.header_values(b"accept-language"), LANGUAGES)
        return text.in_language(self.language)

    def charge(self, *, tenant_id: str, client: str) -> None:
        """Counts the request against a verified caller's bucket. RateLimited if that is empty."""
        self._take(("client", tenant_id, client))

    def discharge(self, *, tenant_id: str, client: str) -> None:
        """Takes back a `charge` of this request: its credential turned out to be dead, and whoever found it may not use
        up what its client has. The request counts against its peer, then."""
        if self._limiter is not None:
            self._limiter.give_back(("client", tenant_id, client))
        self.counted, self.allowance = False, None

    def charge_peer(self) -> None:
        """Counts the request against its peer's bucket, unless it was counted already: for what failed before its
        caller was verified. RateLimited if that is empty."""
        if not self.counted:
            self._take(("peer", self.tenant_id, self.peer))

    def _take(self, bucket: tuple[str, str | None, str]) -> None:
        self.counted = True
        if self._limiter is None:
            return
        self.allowance = self._limiter.take(bucket)
        if self.allowance.retry_after is not None:
            raise RateLimited(self.allowance.retry_after)

    async def in_time(self, work: Awaitable[T]) -> T:
        """Awaits `work` until the answer is due; then StoreUnavailable, since only stores are waited for."""
        try:
            async with asyncio.timeout_at(self.deadline) as limit:
                return await work
        except TimeoutError:
            if limit.expired():
                raise StoreUnavailable from None
            raise

    async def send(self, message: Message) -> None:
        """ASGI's send: adds the headers that every answer carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._answer_headers(message)]
        await self._send(message)

    def _answer_headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", self.request_id.encode())]
        if self.tenant_id is not None:
            headers.append((b"x-tenant-id", self.tenant_id.encode()))
        kept = self.stored and message["status"] < 400
        if not kept and all(name != b"cache-control" for name, _ in message.get("headers", ())):
            headers.append((b"cache-control", b"no-store"))
        if self.language is not None:
            headers += [(b"content-language", self.language.encode()), (b"vary", b"Accept-Language")]
        if self.allowance is not None:
            headers.append((b"ratelimit-limit", b"%d" % self.allowance.limit))
            if self.allowance.remaining > 0 and message["status"] != _TOO_MANY:
                headers.append((b"ratelimit-remaining", b"%d" % self.allowance.remaining))
        if all(name != b"access-control-allow-origin" for name, _ in message.get("headers", ())):
            headers += self.cross_origin
        return headers


def exchange_of(scope: Scope) -> Exchange:
    """The exchange of a request that came through the edge."""
    exchange = scope[SCOPE_KEY]
    assert isinstance(exchange, Exchange)
    return exchange
