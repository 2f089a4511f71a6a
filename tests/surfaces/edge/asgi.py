# SPDX-License-Identifier: Apache-2.0
"""One request without a client library: exactly this scope, exactly these messages."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.types import ASGIApp, Message

from tessera_service.http.exchange import Exchange
from tessera_service.http.peer import Network, Peers


@dataclass
class Answer:
    """What came back; `status` is 0 if nothing did."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def error_code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


async def ask(
    app: ASGIApp,
    path: str,
    *,
    method: str = "GET",
    headers: Iterable[tuple[bytes, bytes]] = (),
    messages: Iterable[Message] = ({"type": "http.request"},),
    **scope: Any,
) -> Answer:
    """Sends `messages`, then nothing more, and collects the answer."""
    answer = Answer()
    queue = iter(messages)

    async def receive() -> Message:
        for message in queue:
            return message
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    whole = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(headers),
        "client": ("192.0.2.1", 1),
        "scheme": "http",
        "server": ("127.0.0.1", 80),
    }
    await app({**whole, **scope}, receive, send)
    return answer


def make_exchange(
    *headers: tuple[str | bytes, str | bytes], client: str | None = "192.0.2.1", trusted: Sequence[Network] = ()
) -> Exchange:
    """A request with these headers, for what reads one; nothing answers it."""
    pairs = [(_raw(name).lower(), _raw(value)) for name, value in headers]
    scope = {"type": "http", "method": "POST", "path": "/", "headers": pairs, "client": client and (client, 1)}
    return Exchange(scope, _drop, dialect=cast(Any, None), limiter=None, stored=False, peers=Peers(trusted))


def _raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


async def _drop(_: Message) -> None:
    raise AssertionError("nothing is answered here")
