# SPDX-License-Identifier: Apache-2.0
"""What a played Redis hears."""

import asyncio


async def read_command(reader: asyncio.StreamReader) -> list[str]:
    """The words of the next command; nothing at the end."""
    head = await reader.readline()
    return [await _word(reader) for _ in range(int(head[1:] or 0))]


async def _word(reader: asyncio.StreamReader) -> str:
    length = int((await reader.readline())[1:])
    return (await reader.readexactly(length + 2))[:-2].decode()
