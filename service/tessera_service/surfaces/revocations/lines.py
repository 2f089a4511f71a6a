# SPDX-License-Identifier: Apache-2.0
"""An answer of newline-delimited JSON, written while it is made, compressed for who takes that."""

import asyncio
import json
import re
import time
import zlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from starlette.types import Message, Send

from tessera_service.engine.log_tail import TAIL_ENTRIES
from tessera_service.http.errors import ClientGone
from tessera_service.models import LogEntry, LogKind
from tessera_service.surfaces.revocations.operations import PATIENCE_SECONDS, SLOWEST_BYTES

CONTENT_TYPE: Final = "application/x-ndjson"

_GZIP: Final = 31  # zlib's window bits that mean the gzip format
_SILENCE_SECONDS: Final = 2.0
_PAUSE: Final = {"kind": "pause"}
_FAST: Final = 1  # most of it is random ids, on which no level saves more
_REFUSED: Final = re.compile(r"q=0(\.0{0,3})?")


class Lines:
    """Begins with its first line. ClientGone from every step as soon as the reader is too slow."""

    def __init__(self, send: Send, *, compressed: bool) -> None:
        self._send = send
        self._waited = 0.0  # seconds for the reader, less those that what it took was worth
        self._packer = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP) if compressed else None
        self._sent = time.monotonic()

    async def begin(self, line: Mapping[str, object]) -> None:
        """The head of the answer and its first line."""
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"vary", b"Accept-Encoding")]
        if self._packer is not None:
            headers.append((b"content-encoding", b"gzip"))
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.write([encode(line)])

    async def write(self, lines: Iterable[bytes]) -> None:
        """Some more."""
        data = b"".join(lines)
        await self._send_on(data if self._packer is None else self._packer.compress(data))

    async def keep_alive(self) -> None:
        """Something, if it is time: a reader must not take a long search for a broken connection."""
        if time.monotonic() - self._sent >= _SILENCE_SECONDS:
            await self.write([encode(_PAUSE)])
            if self._packer is not None:
                await self._send_on(self._packer.flush(zlib.Z_SYNC_FLUSH))

    async def _send_on(self, data: bytes) -> None:
        if data:
            self._sent = time.monotonic()
            await self._send_in_time({"type": "http.response.body", "body": data, "more_body": True}, len(data))

    async def end(self) -> None:
        """No more."""
        rest = b"" if self._packer is None else self._packer.flush()
        await self._send_in_time({"type": "http.response.body", "body": rest}, len(rest))

    async def _send_in_time(self, message: Message, size: int) -> None:
        """Others want the seat of who reads slowly, so its time is measured: a server's `send` waits for the reader."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS - self._waited):
                await self._send(message)
        except TimeoutError:
            raise ClientGone from None
        self._waited = max(0.0, self._waited + time.monotonic() - began - size / SLOWEST_BYTES)


def takes_gzip(accept_encoding: Iterable[bytes]) -> bool:
    """Whether a client names gzip among the encodings it takes (RFC 9110 section 12.5.3)."""
    for part in b",".join(accept_encoding).decode("latin-1").lower().split(",")[:32]:
        name, _, weight = (piece.strip() for piece in part.partition(";"))
        if name == "gzip":
            return _REFUSED.fullmatch(weight.replace(" ", "")) is None
    return False


def encode(line: Mapping[str, object]) -> bytes:
    """As it is sent."""
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def encode_entry(entry: LogEntry) -> bytes:
    """An entry as followers read it. Its number stays inside: it would count what other tenants revoke."""
    told: dict[str, object] = {"kind": entry.kind.value, "id": entry.key, "expires_at": entry.expires_at}
    if entry.kind is not LogKind.KEY:
        told["tenant_id"] = entry.tenant_id
    if entry.kind is LogKind.SUBJECT:
        told["cutoff_ms"] = entry.cutoff_ms
    return encode(told)


encode_new_entry: Final = lru_cache(maxsize=2 * TAIL_ENTRIES)(encode_entry)  # all who wait are told the same
