# SPDX-License-Identifier: Apache-2.0
"""Attacks on the signature: lengths, numbers, and paddings that a lax check of RFC 8017 section 8.2.2 lets pass."""

import hashlib
from collections.abc import Mapping
from typing import Any

from attacks.forge import Attacks, Forge, b64, compact

SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
WITHOUT_NULL = bytes.fromhex("302f300b0609608648016503040201 0420".replace(" ", ""))
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
LONG_LENGTHS = bytes.fromhex("308131300d06096086480165030402010500 0420".replace(" ", ""))
TRAILING_NULL = bytes.fromhex("3033300f06096086480165030402010500 0500 0420".replace(" ", ""))


def signature_attacks(forge: Forge, claims: Mapping[str, Any]) -> Attacks:
    """Every signature but the right one."""
    text = f"{b64(compact(forge.header))}.{b64(compact(claims))}"
    right = forge.signature(text)
    other = forge.signature(text + "x")
    modulus = forge.key.public_key().public_numbers().n
    size = len(right)
    signatures = {
        "empty": b"",
        "one byte": right[:1],
        "its last byte missing": right[:-1],
        "its first byte missing": right[1:],
        "a byte more": right + b"\x00",
        "a zero before it": b"\x00" + right,
        "twice": right + right,
        "all zero": bytes(size),
        "all ones": b"\xff" * size,
        "one": (1).to_bytes(size),
        "n": modulus.to_bytes(size),
        "n - 1": (modulus - 1).to_bytes(size),
        "n + 1": (modulus + 1).to_bytes(size),
        "n - s": (modulus - int.from_bytes(right)).to_bytes(size),
        "s + n, a byte longer": (int.from_bytes(right) + modulus).to_bytes(size + 1),
        "of another text": other,
        "backwards": right[::-1],
        "its first bit flipped": bytes([right[0] ^ 0x80]) + right[1:],
        "its last bit flipped": right[:-1] + bytes([right[-1] ^ 1]),
        "10 kB": right * 40,
    }
    for name, signature in signatures.items():
        yield f"signature: {name}", f"{text}.{b64(signature)}"
    yield from _plus_modulus(forge, claims, modulus)
    for name, block in _blocks(text.encode(), size).items():
        yield f"padding: {name}", f"{text}.{b64(_raw(forge, block))}"


def _plus_modulus(forge: Forge, claims: Mapping[str, Any], modulus: int) -> Attacks:
    """s + n of the same length: claims vary until the sum fits."""
    size = (forge.key.key_size + 7) // 8
    for nonce in range(64):
        text = f"{b64(compact(forge.header))}.{b64(compact({**claims, 'nonce': nonce}))}"
        total = int.from_bytes(forge.signature(text)) + modulus
        if total.bit_length() <= size * 8:
            yield "signature: s + n, the right length", f"{text}.{b64(total.to_bytes(size))}"
            return


def _blocks(text: bytes, size: int) -> dict[str, bytes]:
    digest = hashlib.sha256(text).digest()
    info = SHA256_INFO + digest

    def padded(tail: bytes, start: bytes = b"\x00\x01", fill: bytes = b"\xff") -> bytes:
        return start + fill * (size - len(start) - 1 - len(tail)) + b"\x00" + tail

    short = b"\x00\x01" + b"\xff" * 8 + b"\x00" + info
    return {
        "eight bytes, then garbage": short + b"\x5a" * (size - len(short)),
        "garbage inside the digest info": padded(SHA256_INFO[:-2] + b"\x04\x30" + digest + bytes(16)),
        "no NULL parameter": padded(WITHOUT_NULL + digest),
        "lengths in long form": padded(LONG_LENGTHS + digest),
        "a second NULL": padded(TRAILING_NULL + digest),
        "a trailing byte": padded(info + b"\x00"),
        "SHA-1 named": padded(SHA1_INFO + hashlib.sha1(text).digest()),
        "no digest info": padded(digest),
        "block type 0": padded(info, start=b"\x00\x00", fill=b"\x00"),
        "block type 2": padded(info, start=b"\x00\x02", fill=b"\xaa"),
        "a fill byte that is not FF": padded(info)[:10] + b"\xfe" + padded(info)[11:],
        "no zero before the digest info": b"\x00\x01" + b"\xff" * (size - 2 - len(info)) + info,
        "a digest of another text": padded(SHA256_INFO + hashlib.sha256(text + b"x").digest()),
        "a digest cut short": padded(SHA256_INFO + digest[:-1]),
    }


def _raw(forge: Forge, block: bytes) -> bytes:
    """The private operation on a block as it stands."""
    numbers = forge.key.private_numbers()
    return pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n).to_bytes(len(block))
