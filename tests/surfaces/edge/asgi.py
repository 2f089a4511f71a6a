# SPDX-License-Identifier: Apache-2.0
"""One request without a client library: exactly this scope, exactly these messages."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message


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
