# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between a service and its store, with the faults of a network: it runs in a thread of the test."""

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")
CHUNK: Final = 65_536
DELAY_SECONDS: Final = 0.2
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # SO_LINGER of no time: RST instead of FIN


class Fault(StrEnum):
    """What happens to the connections that carry something while it lasts."""

    DELAY = "delay"  # replies come late
    BLACK_HOLE = "black hole"  # nothing passes, nothing is closed; what waited arrives when it ends, as TCP does it
    RESET = "reset"  # old connections and new ones are reset
    CUT_REPLY = "cut reply"  # half of a reply, then a reset
    LOST_REPLY = "reply lost after commit"  # the store does what it was asked to, its reply never arrives


class FaultProxy:
    """Listens on a free loopback port and passes everything to `target`. `commits` says which request's reply is the
    one that LOST_REPLY is about."""

    def __init__(self, target: tuple[str, int], *, commits: Callable[[bytes], bool] = lambda request: True) -> None:
        self.met: Counter[Fault] = Counter()  # connections that a fault hit
        self._target = target
        self._commits = commits
        self._fault: Fault | None = None
        self._healed = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._call(self._listen())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def inject(self, fault: Fault) -> None:
        """From now on, until `heal`."""
        self._call(self._set(fault))

    def heal(self) -> None:
        """Everything passes again."""
        self._call(self._set(None))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _listen(self) -> int:
        self._healed.set()
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _close(self) -> None:
        self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _set(self, fault: Fault | None) -> None:
        self._fault = fault
        (self._healed.clear if fault is Fault.BLACK_HOLE else self._healed.set)()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._serve(reader, writer)
        _abort(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault is Fault.RESET:
            self.met[Fault.RESET] += 1
            return
        await self._healed.wait()
        async with _connect(self._target) as (store_reader, store_writer):
            link = _Link(self, (reader, writer), (store_reader, store_writer))
            ways = [asyncio.create_task(link.requests()), asyncio.create_task(link.replies())]
            try:
                done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in done:
                    way.result()
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection of a client and the one to the store that belongs to it. A way ends when its sender closes, or in
    ConnectionResetError when a fault wants that."""

    def __init__(self, proxy: FaultProxy, client: Streams, store: Streams) -> None:
        self._proxy = proxy
        self._client = client
        self._store = store
        self._commit_is_under_way = False

    async def requests(self) -> None:
        while request := await self._client[0].read(CHUNK):
            fault = await self._meet(Fault.RESET, Fault.BLACK_HOLE)
            if fault is Fault.RESET:
                raise ConnectionResetError
            self._commit_is_under_way = self._proxy._commits(request)
            await _send(self._store[1], request)

    async def replies(self) -> None:
        while reply := await self._store[0].read(CHUNK):
            fault = await self._meet(*Fault, commits=self._commit_is_under_way)
            if fault in (Fault.RESET, Fault.LOST_REPLY):
                raise ConnectionResetError
            if fault is Fault.CUT_REPLY:
                await _send(self._client[1], reply[: random.randint(0, len(reply) - 1)])
                raise ConnectionResetError
            if fault is Fault.DELAY:
                await asyncio.sleep(DELAY_SECONDS)
            await _send(self._client[1], reply)

    async def _meet(self, *faults: Fault, commits: bool = False) -> Fault | None:
        fault = self._proxy._fault
        if fault not in faults or (fault is Fault.LOST_REPLY and not commits):
            return None
        self._proxy.met[fault] += 1
        if fault is Fault.BLACK_HOLE:
            await self._proxy._healed.wait()
        return fault


@contextlib.asynccontextmanager
async def _connect(target: tuple[str, int]) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection(*target)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _abort(writer: asyncio.StreamWriter) -> None:
    own: socket.socket | None = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if own is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
