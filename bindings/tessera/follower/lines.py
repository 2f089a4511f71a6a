# SPDX-License-Identifier: Apache-2.0
"""A body of newline-delimited JSON as it arrives: unpacked and split in bounded memory, each line strict JSON."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tessera import _core
from tessera.follower.connection import CHUNK_BYTES, Answer, FollowError

CONTENT_TYPE: Final = "application/x-ndjson"
MAX_LINE_BYTES: Final = 16_384

_GZIP: Final = 31  # zlib's window bits that mean the gzip format


def read_lines(answer: Answer) -> Iterator[Mapping[str, Any]]:
    """The objects of an answer, one at a time. FollowError for a body that is cut, malformed or of another type."""
    if answer.headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise FollowError("answer_malformed")
    return map(_read_object, _split(_unpack(answer)))


def _unpack(answer: Answer) -> Iterator[bytes]:
    coding = answer.headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return answer.chunks
    if coding == "gzip":
        return _gunzip(answer.chunks)
    raise FollowError("answer_malformed")


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """At most CHUNK_BYTES at a time, whatever a few bytes unpack to."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                yield unpacker.decompress(rest, CHUNK_BYTES)
                rest = unpacker.unconsumed_tail
                if unpacker.unused_data:
                    raise FollowError("answer_malformed")
        while data := unpacker.decompress(b"", CHUNK_BYTES):  # what it still held back
            yield data
    except zlib.error as error:
        raise FollowError("answer_malformed") from error
    if not unpacker.eof:
        raise FollowError("answer_cut")


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = b""
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        yield from lines
        if len(held) > MAX_LINE_BYTES:
            raise FollowError("answer_malformed")
    if held:
        raise FollowError("answer_cut")


def _read_object(line: bytes) -> Mapping[str, Any]:
    try:
        _core.check_json(line, max_bytes=MAX_LINE_BYTES)
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FollowError("answer_malformed") from error
    if not isinstance(value, dict):
        raise FollowError("answer_malformed")
    return value
