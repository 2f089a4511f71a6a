# SPDX-License-Identifier: Apache-2.0
"""Attacks on the JSON of header and payload, always under a right signature."""

from collections.abc import Mapping
from typing import Any

from attacks.forge import Attacks, Forge, compact


def header_text_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Header bytes that are no strict JSON object, or say a thing twice."""
    good, payload = compact(forge.header), compact(claims)
    for name, text in _texts(good).items():
        yield f"header: {name}", forge.sign_bytes(text, payload)
    for member in (b'"alg":"none"', b'"alg":"RS256"', b'"\\u0061lg":"none"', b'"kid":"other"', b'"k\\u0069d":"other"'):
        yield f"header: also {member.decode()}, before", forge.sign_bytes(b"{" + member + b"," + good[1:], payload)
        yield f"header: also {member.decode()}, after", forge.sign_bytes(good[:-1] + b"," + member + b"}", payload)


def payload_text_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Payload bytes that are no strict JSON object, or say a thing twice."""
    header, good = compact(forge.header), compact(claims)
    for name, text in _texts(good).items():
        yield f"payload: {name}", forge.sign_bytes(header, text)
    for member in (
        b'"exp":99999999999',
        b'"\\u0065xp":99999999999',
        b'"sub":"mallory"',
        b'"\\u0073\\u0075\\u0062":"mallory"',
    ):
        yield f"payload: also {member.decode()}, before", forge.sign_bytes(header, b"{" + member + b"," + good[1:])
        yield f"payload: also {member.decode()}, after", forge.sign_bytes(header, good[:-1] + b"," + member + b"}")
    yield "payload: a duplicate below", forge.sign_bytes(header, good[:-1] + b',"x":{"y":[{"z":1,"\\u007a":2}]}}')


def _texts(good: bytes) -> dict[str, bytes]:
    """`good` (a JSON object) made wrong in every way that some parser somewhere lets pass."""

    def with_value(value: bytes) -> bytes:
        return good[:-1] + b',"x":' + value + b"}"

    def nested(depth: int) -> bytes:
        return with_value(b"[" * depth + b"]" * depth)

    return {
        "no bytes": b"",
        "a byte order mark": b"\xef\xbb\xbf" + good,
        "UTF-16": good.decode().encode("utf-16"),
        "UTF-16 LE without a mark": good.decode().encode("utf-16-le"),
        "UTF-32": good.decode().encode("utf-32"),
        "Latin-1": with_value('"é"'.encode("latin-1")),
        "overlong UTF-8": with_value(b'"\xc0\xaf"'),
        "overlong member name": good[:-1] + b',"\xc1\xb1":1}',
        "a surrogate in UTF-8": with_value(b'"\xed\xa0\x80"'),
        "beyond U+10FFFF": with_value(b'"\xf4\x90\x80\x80"'),
        "UTF-8 cut short": with_value(b'"\xe2\x82"'),
        "a lone high surrogate": with_value(b'"\\ud800"'),
        "a lone low surrogate": with_value(b'"\\udc00"'),
        "surrogates swapped": with_value(b'"\\udc00\\ud800"'),
        "a NUL after it": good + b"\x00",
        "a NUL inside a string": with_value(b'"a\x00b"'),
        "a control character": with_value(b'"a\nb"'),
        "a bad escape": with_value(b'"\\x41"'),
        "an unfinished escape": with_value(b'"\\u00"'),
        "data after it": good + b"{}",
        "a comma after it": good + b",",
        "a trailing comma": good[:-1] + b",}",
        "a missing brace": good[:-1],
        "a comment": good[:-1] + b"/* */}",
        "a line comment": good + b"// end",
        "NaN": with_value(b"NaN"),
        "Infinity": with_value(b"Infinity"),
        "-Infinity": with_value(b"-Infinity"),
        "single quotes": good.replace(b'"', b"'"),
        "a name without quotes": good[:-1] + b",x:1}",
        "a leading zero": with_value(b"01"),
        "a plus sign": with_value(b"+1"),
        "a bare point": with_value(b"1."),
        "a bare minus": with_value(b"-"),
        "hexadecimal": with_value(b"0x10"),
        "True": with_value(b"True"),
        "an array around it": b"[" + good + b"]",
        "a string": b'"text"',
        "null": b"null",
        "a number": b"1",
        "depth 33": nested(32),
        "depth 1000": nested(1000),
        "depth 110,000": nested(110_000),
        "100,000 members": good[:-1] + b"".join(b',"m%d":1' % index for index in range(100_000)) + b"}",
        "64 kB of digits": with_value(b"1" * 65_536),
        "an unfinished array": with_value(b"[" * 100),
    }
