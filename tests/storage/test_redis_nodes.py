# SPDX-License-Identifier: Apache-2.0
"""The nodes of a cluster, played: what hangs at one of them is no business of the others."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.crc import key_slot

from storage.played_redis import read_command
from tessera_service.storage.redis.connect import SLOTS
from tessera_service.storage.redis.server import Server

HANGS, ANSWERS = 0, 1  # partitions
MOVED_TO = 2
LONG_SECONDS = 60


class Nodes:
    """One has the slot of the partition that hangs, and answers no script; another has the rest, unless it says that
    the third has."""

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.hanging = 0
        self.most_hanging = 0
        self.looks = 0
        self.moved_host: str | None = None  # whom the node that answers names as the owner of everything
        self._changed = asyncio.Event()

    async def until_hanging(self, number: int) -> None:
        async with asyncio.timeout(LONG_SECONDS):
            while self.hanging != number:
                self._changed.clear()
                await self._changed.wait()

    async def serve(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while words := await read_command(reader):
                if words[0] == "EVALSHA" and number == HANGS:
                    await self._hang(reader)
                    break
                writer.write(self._answer(words, number).encode())
        finally:
            writer.close()

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        self.hanging += 1
        self.most_hanging = max(self.most_hanging, self.hanging)
        self._changed.set()
        await reader.read()  # until it is given up
        self.hanging -= 1

    def _answer(self, words: list[str], number: int) -> str:
        if words[0] == "EVALSHA" and self.moved_host is not None and number == ANSWERS:
            return f"-MOVED 1 {self.moved_host}:{self.ports[MOVED_TO]}\r\n"
        if words[:2] != ["CLUSTER", "SLOTS"]:
            return "+OK\r\n"
        self.looks += 1
        slot = key_slot(f"{{tessera:{HANGS}}}:meta".encode())
        ranges = [(0, slot - 1, ANSWERS), (slot, slot, HANGS), (slot + 1, 16_383, ANSWERS)]
        return "*3\r\n" + "".join(self._range(*one) for one in ranges)

    def _range(self, first: int, last: int, number: int) -> str:
        return f"*3\r\n:{first}\r\n:{last}\r\n*2\r\n$9\r\n127.0.0.1\r\n:{self.ports[number]}\r\n"


@pytest.fixture
async def nodes() -> AsyncIterator[Nodes]:
    played = Nodes()
    servers = [
        await asyncio.start_server(lambda *wire, number=number: played.serve(number, *wire), "127.0.0.1", 0)
        for number in (HANGS, ANSWERS, MOVED_TO)
    ]
    played.ports = [server.sockets[0].getsockname()[1] for server in servers]
    yield played
    for server in servers:
        server.close()
    await asyncio.sleep(0.1)  # who serves sees the end


@pytest.fixture
async def server(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """Open, with partitions that are there."""

    async def there(*_: object) -> None:
        pass

    monkeypatch.setattr(Server, "_check", there)
    url = f"redis+cluster://127.0.0.1:{nodes.ports[ANSWERS]}"
    opened = Server(url, partitions=2, timeout_seconds=LONG_SECONDS)
    monkeypatch.setattr(opened, "_begin", there)
    await opened.open("directory-1")
    yield opened
    monkeypatch.setattr(opened, "_timeout", 0.1)
    await opened.close()


async def test_calls_to_a_node_that_hangs_keep_none_from_another(nodes: Nodes, server: Server) -> None:
    hung = [asyncio.create_task(server.step(HANGS, "get", b"{}")) for _ in range(4 * SLOTS)]
    await nodes.until_hanging(SLOTS)
    async with asyncio.timeout(LONG_SECONDS / 2):
        assert await server.step(ANSWERS, "get", b"{}") == b"OK"
    assert nodes.most_hanging == SLOTS
    for task in hung:
        task.cancel()
    await asyncio.gather(*hung, return_exceptions=True)


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
async def test_what_has_moved_is_asked_where_it_is(nodes: Nodes, server: Server, host: str) -> None:
    """No host: that of the node which says so."""
    nodes.moved_host = host
    assert await server.step(ANSWERS, "get", b"{}") == b"OK"


async def test_whoever_closes_looks_for_no_node_any_more(nodes: Nodes, server: Server) -> None:
    hung = asyncio.create_task(server.step(HANGS, "get", b"{}"))
    await nodes.until_hanging(1)
    looks, server._timeout = nodes.looks, 0.1
    await server.close()
    await asyncio.gather(hung, return_exceptions=True)
    await asyncio.sleep(0.1)
    assert nodes.looks == looks
