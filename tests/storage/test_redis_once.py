# SPDX-License-Identifier: Apache-2.0
"""No client of Redis repeats a command whose answer was lost: it may have been run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from storage.played_redis import read_command
from tessera_service.storage.redis.connect import make_client

URLS = {
    "one": "redis://127.0.0.1:{port}/0",
    "sentinel": "redis+sentinel://127.0.0.1:{port}/main/0",
    "cluster": "redis+cluster://127.0.0.1:{port}",
}


class Deaf:
    """Plays a server, a sentinel and the node of a cluster that has every slot, and closes the connection instead of
    answering a script."""

    def __init__(self) -> None:
        self.port = 0
        self.scripts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while words := await read_command(reader):
            if words[0].upper() == "EVALSHA":
                self.scripts += 1
                break
            writer.write(self._answer(" ".join(words).upper()).encode())
        writer.close()

    def _answer(self, command: str) -> str:
        host = "$9\r\n127.0.0.1\r\n"
        if command == "CLUSTER SLOTS":
            return f"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n{host}:{self.port}\r\n"
        if command == "SENTINEL MASTERS":
            told = ["name", "main", "ip", "127.0.0.1", "port", str(self.port), "flags", "master", "num-other-sentinels"]
            return f"*1\r\n*{len(told) + 1}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in [*told, "9"])
        return "*1\r\n$6\r\nmaster\r\n" if command == "ROLE" else "+OK\r\n"


@asynccontextmanager
async def deaf() -> AsyncIterator[Deaf]:
    played = Deaf()
    server = await asyncio.start_server(played.serve, "127.0.0.1", 0)
    played.port = server.sockets[0].getsockname()[1]
    yield played
    server.close()


@pytest.mark.parametrize("kind", sorted(URLS))
async def test_a_command_whose_answer_was_lost_was_sent_once(kind: str) -> None:
    async with deaf() as played:
        client = make_client(URLS[kind].format(port=played.port), timeout_seconds=10)
        for sent in (1, 2):
            with pytest.raises(Exception, match=r"."):
                await client.execute_command("EVALSHA", "0" * 40, 1, "{tessera:0}:meta")
            assert played.scripts == sent
        await client.aclose()
