# SPDX-License-Identifier: Apache-2.0
"""Attacks on the spelling: one token has one text. Where it matters, the signature is right for the odd text."""

import json
from collections.abc import Mapping
from typing import Any

from attacks.forge import Attacks, Forge, b64, compact

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def spelling_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Texts that a lax base64url decoder reads as the same bytes."""
    header, payload = _tailed(compact(forge.header)), _tailed(compact(claims))
    good = forge.sign_segments(header, payload)
    signature = good.rsplit(".", 1)[1]
    yield from _other_tails(forge, header, payload, signature)
    for name, (left, right) in {"header": (header, ""), "payload": ("", payload)}.items():
        for odd in ("=", "==", "A=", " ", "\n", "\r\n", "\t", "\x00", "%3D", "é", "\u200b"):
            yield (
                f"{name} ends in {odd!r}",
                forge.sign_segments(left + odd if left else header, right + odd if right else payload),
            )
    for odd in (
        "=",
        "==",
        "===",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\x00",
        "A",
        "AA",
        "AAAA",
        ".",
        "é",
        "\ufeff",
        "\u200b",
        "%0A",
    ):
        yield f"the token ends in {odd!r}", good + odd
        if odd != ".":
            yield f"the token begins with {odd!r}", odd + good
    middle = len(header) + 1 + len(payload) // 2
    for odd in (" ", "\n", "\r\n", "=", "\t", "é", "\x00", "+", "/", "\uff45", "\U0001d54e", "\ud800"):
        yield f"{odd!r} in the payload", good[:middle] + odd + good[middle:]
    yield from _standard_alphabet(forge, claims)
    yield "Bearer before it", f"Bearer {good}"
    yield "quotes around it", f'"{good}"'


def _tailed(data: bytes) -> str:
    """The segment with white space added until its last character holds four unused bits."""
    return b64(data + b" " * ((1 - len(data)) % 3))


def _other_tails(forge: Forge, header: str, payload: str, signature: str) -> Attacks:
    for last in _same_bytes(header[-1]):
        yield f"last character of the header {last}", forge.sign_segments(header[:-1] + last, payload)
    for last in _same_bytes(payload[-1]):
        yield f"last character of the payload {last}", forge.sign_segments(header, payload[:-1] + last)
    for last in _same_bytes(signature[-1]):
        yield f"last character of the signature {last}", f"{header}.{payload}.{signature[:-1]}{last}"


def _same_bytes(last: str) -> list[str]:
    """The 15 other characters whose unused bits alone differ."""
    start = ALPHABET.index(last) & ~15
    return [other for other in ALPHABET[start : start + 16] if other != last]


def _standard_alphabet(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """`+` and `/` instead of `-` and `_`, in a payload that needs both."""
    payload = b64(compact({**claims, "x": "~~~~???>>>ÿÿÿ"}))
    plain = payload.replace("-", "+").replace("_", "/")
    if plain != payload:
        yield "the standard alphabet", forge.sign_segments(b64(compact(forge.header)), plain)
    good = forge.good(claims)
    for odd, sign in (("-", "+"), ("_", "/")):
        head, signature = good.rsplit(".", 1)
        if odd in signature:
            yield f"{sign} in the signature", f"{head}.{signature.replace(odd, sign)}"


def segment_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Other numbers of segments, other serializations, other sizes."""
    good = forge.good(claims)
    header, payload, signature = good.split(".")
    yield from {
        "an empty token": "",
        "one segment": header,
        "two segments": f"{header}.{payload}",
        "no signature": f"{header}.{payload}.",
        "four segments": f"{good}.{signature}",
        "four segments, the last empty": f"{good}.",
        "five segments (JWE)": f"{header}.{b64(bytes(256))}.{b64(bytes(12))}.{payload}.{b64(bytes(16))}",
        "an empty header": f".{payload}.{signature}",
        "an empty payload": forge.sign_segments(header, ""),
        "dots only": "..",
        "a dot": ".",
        "1 MB of dots": "." * 1_000_000,
        "1 MB of letters": "A" * 1_000_000,
        "three segments of 1 MB": ".".join(["A" * 1_000_000] * 3),
        "commas for dots": good.replace(".", ","),
        "payload before header": forge.sign_segments(payload, header),
        "flattened JSON serialization": json.dumps({"protected": header, "payload": payload, "signature": signature}),
        "general JSON serialization": json.dumps(
            {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
        ),
        "upper case": good.upper(),
        "lone surrogate": "\ud800",
        "NUL": "\x00",
        "payload of another token": f"{header}.{b64(compact({**claims, 'sub': 'mallory'}))}.{signature}",
        "over 8 KiB": forge.good({**claims, "fill": "x" * 8192}),
        "a JWS inside the payload": forge.sign_bytes(compact({**forge.header, "cty": "JWT"}), good.encode()),
    }.items()
