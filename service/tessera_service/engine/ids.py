# SPDX-License-Identifier: Apache-2.0
"""UUIDv7 (RFC 9562 section 5.7): every id that the engine makes."""

import re
import secrets
import threading
import time
import uuid

_COUNTER_BITS = 12
_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_lock = threading.Lock()
_last = 0  # milliseconds and counter of the newest id, as one number that only grows


def uuid7(*, now_ms: int | None = None, partition: int | None = None) -> str:
    """A new id; every one of a process is greater than all before it, also when the clock went back.

    rand_a is a counter inside the millisecond (section 6.2, method 1) that starts at a random value; an overflow
    borrows from the millisecond. rand_b is random; where a store has partitions its last byte is the session's
    `partition` (0..255, else ValueError), so that an id alone says in which one the session lives.
    """
    if partition is not None and not 0 <= partition <= 0xFF:
        raise ValueError("a partition is 0 to 255")
    stamp = _next_stamp(time.time_ns() // 1_000_000 if now_ms is None else now_ms)
    milliseconds, counter = stamp >> _COUNTER_BITS, stamp & 0xFFF
    random = secrets.randbits(54) << 8 | (secrets.randbits(8) if partition is None else partition)
    value = milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random
    return str(uuid.UUID(int=value))


def is_uuid7(text: str) -> bool:
    """Whether `uuid7` may have made it. Any other text names nothing, and no store is asked for it: some fail at a text
    that they cannot keep."""
    return _UUID7.fullmatch(text) is not None


def partition_of(identifier: str) -> int:
    """The partition that `uuid7` was given."""
    return uuid.UUID(identifier).int & 0xFF


def _next_stamp(now_ms: int) -> int:
    global _last
    fresh = now_ms << _COUNTER_BITS | secrets.randbits(_COUNTER_BITS - 1)  # room above to count
    with _lock:
        _last = fresh if fresh >> _COUNTER_BITS > _last >> _COUNTER_BITS else _last + 1
        return _last
