# SPDX-License-Identifier: Apache-2.0
"""Durations as settings and options write them: Go style (`15m`, `1h30m`, `500ms`) or plain seconds (`900`)."""

import re
from fractions import Fraction

_UNITS_MS = {
    "ns": Fraction(1, 1_000_000),
    "us": Fraction(1, 1000),
    "µs": Fraction(1, 1000),
    "ms": Fraction(1),
    "s": Fraction(1000),
    "m": Fraction(60_000),
    "h": Fraction(3_600_000),
}
_NUMBER = r"[0-9]{1,18}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER})(ns|us|µs|ms|s|m|h)")
_WHOLE = re.compile(rf"(?:{_NUMBER}(?:ns|us|µs|ms|s|m|h))+")
_PLAIN = re.compile(r"[0-9]{1,18}")
_STEPS = ((3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms"))


def parse_duration(text: str) -> int:
    """Milliseconds. ValueError unless `text` is Go style or plain seconds, not negative, in whole milliseconds."""
    if len(text) > 64:
        raise ValueError("is not a duration")
    if _PLAIN.fullmatch(text):
        return int(text) * 1000
    if not _WHOLE.fullmatch(text):
        raise ValueError("is not a duration: write it like 15m, 1h30m, 168h or as plain seconds")
    total = sum((Fraction(number) * _UNITS_MS[unit] for number, unit in _PART.findall(text)), Fraction(0))
    if total.denominator != 1:
        raise ValueError("is finer than a millisecond")
    return int(total)


def format_duration(milliseconds: int) -> str:
    """The shortest Go style spelling: 5400000 is `1h30m`, 0 is `0s`."""
    parts: list[str] = []
    rest = milliseconds
    for size, unit in _STEPS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
