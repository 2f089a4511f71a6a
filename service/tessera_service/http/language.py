# SPDX-License-Identifier: Apache-2.0
"""Which language an answer's texts are in (RFC 9110 section 12.5.4)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

DEFAULT: Final = "en"

_MAX_RANGES: Final = 32


def choose_language(values: Sequence[bytes], offered: Sequence[str]) -> str:
    """The one of `offered` (primary subtags) that the client likes best; DEFAULT where it names none of them.
    `values`: of Accept-Language, in the order of their lines. What cannot be read is passed over."""
    return _choose(b",".join(values), tuple(offered)) if values else DEFAULT


@lru_cache(maxsize=256)
def _choose(header: bytes, offered: tuple[str, ...]) -> str:
    text = header.decode("latin-1")
    best, liked = DEFAULT, 0.0
    for part in text.split(",", _MAX_RANGES)[:_MAX_RANGES]:
        tag, _, parameter = part.partition(";")
        name, weight = tag.strip().lower().partition("-")[0], _weight(parameter)
        name = DEFAULT if name == "*" else name
        if name in offered and weight > liked:
            best, liked = name, weight
    return best


def _weight(parameter: str) -> float:
    """The weight of a range; 0 for one that is none."""
    if not parameter.strip():
        return 1.0
    name, _, value = (piece.strip().lower() for piece in parameter.partition("="))
    whole, _, decimals = value.partition(".")
    if name != "q" or whole not in ("0", "1") or len(decimals) > 3 or not (decimals or "0").isdecimal():
        return 0.0
    return min(float(f"{whole}.{decimals or 0}"), 1.0)
