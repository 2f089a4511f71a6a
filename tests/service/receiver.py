# SPDX-License-Identifier: Apache-2.0
"""A real HTTP server of a test that takes webhooks, in the test's own loop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

Answer = Callable[["Received", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """One request."""

    head: str
    body: bytes

    def header(self, name: str) -> str | None:
        for line in self.head.split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name.lower():
                return value.strip()
        return None


def status(code: int, *headers: str, body: bytes = b"") -> Answer:
    """Answers so, and keeps the connection."""

    async def answer(received: Received, writer: asyncio.StreamWriter) -> None:
        head = "\r\n".join([f"HTTP/1.1 {code} X", f"Content-Length: {len(body)}", *headers, "", ""])
        writer.write(head.encode() + body)

    return answer


async def hang(received: Received, writer: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.Event().wait()


async def hang_up(received: Received, writer: asyncio.StreamWriter) -> None:
    """Closes without a word."""
    writer.close()


async def pour(received: Received, writer: asyncio.StreamWriter) -> None:
    """Says yes, with a body that has no end, as fast as it is read."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


async def drip(received: Received, writer: asyncio.StreamWriter) -> None:
    """Says yes, with a body that has no end, one byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


@dataclass
class Receiver:
    """Answers each request as `answer` says at that time; `received` has them all, in the order of their arrival."""

    answer: Answer = field(default_factory=lambda: status(204))
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    url: str = ""
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> "Receiver":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/hook"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while not writer.is_closing():
                received = await _read(reader)
                self.received.append(received)
                await self.answer(received, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    received = Received(head, b"")
    return Received(head, await reader.readexactly(int(received.header("content-length") or 0)))
