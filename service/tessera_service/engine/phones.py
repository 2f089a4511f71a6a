# SPDX-License-Identifier: Apache-2.0
"""Phone numbers: however one is written, it is one number before anything is counted, hashed or looked up by it."""

import re
from typing import Final

import phonenumbers

MAX_LENGTH: Final = 40  # characters as written; the longest number has 15 digits

# Of what people put between digits; no letters ("0800 FLOWERS"), no extensions, no digits of other scripts.
_WRITTEN: Final = re.compile(r"(?:\+|00)([0-9 ()./-]+)")


def parse_phone(text: str) -> str | None:
    """The number in E.164 (`+84912345678`); None for what is none that could be called.

    Only the international form counts, with `+` or `00` in front: no region is assumed, since the same national digits
    are two people in two countries."""
    written = _WRITTEN.fullmatch(text.strip(" ")) if len(text) <= MAX_LENGTH else None
    if written is None:
        return None
    try:
        number = phonenumbers.parse(f"+{written[1]}")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
