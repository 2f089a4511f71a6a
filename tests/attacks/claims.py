# SPDX-License-Identifier: Apache-2.0
"""Attacks on claims and time, under a right header and signature."""

import json
from collections.abc import Mapping
from typing import Any

from attacks.forge import Attacks, Forge, compact

# What no time may be; numbers are JSON text, since Python would write 1e30 its own way.
BAD_TIMES = (
    '"1700000000"',
    '""',
    "1700000000.5",
    "1.7e9",
    "1e30",
    "1e999",
    "-1",
    "-9223372036854775809",
    "true",
    "false",
    "null",
    "[1700000000]",
    "[]",
    "{}",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551616",
    "9" * 400,
)
BAD_STRINGS: tuple[Any, ...] = ("", 1, 0, True, None, ["alice"], {"id": "alice"}, "x" * 257, "x" * 6000)


def claims_attacks(forge: Forge, claims: Mapping[str, Any], *, now: int, skew_seconds: int = 5) -> Attacks:
    """Every attack of the row "Claims and time" that a token can carry alone. `claims` hold iss, aud (a str), sub, jti,
    iat and exp, and are good at `now`; `skew_seconds`: how far nbf and iat may lie in the future."""
    yield from _times(forge, claims, now, skew_seconds)
    for name in ("sub", "jti", "sid", "tenant_id", "token_type"):
        for value in BAD_STRINGS:
            yield f"{name} is {_short(value)}", forge.good({**claims, name: value})
    for name in ("exp", "iss", "aud", "sub", "iat", "jti"):
        yield f"no {name}", forge.good({other: value for other, value in claims.items() if other != name})
    yield from _issuers(forge, str(claims["iss"]), claims)
    yield from _audiences(forge, str(claims["aud"]), claims)


def _times(forge: Forge, claims: Mapping[str, Any], now: int, skew_seconds: int) -> Attacks:
    for name in ("exp", "iat", "nbf"):
        for value in BAD_TIMES:
            yield f"{name} is {value[:24]}", _with_text(forge, claims, name, value)
    early = {**claims, "iat": now - 100, "nbf": now - 100}
    for exp in (0, 1, now - 1, now):
        yield f"exp is {'now' if exp == now else exp}", forge.good({**early, "exp": exp})
    for name in ("iat", "nbf"):
        for ahead in (skew_seconds + 1, 3600, 2**33):
            yield f"{name} is {ahead} s ahead", forge.good({**claims, "exp": now + 2**34, name: now + ahead})


def _issuers(forge: Forge, issuer: str, claims: Mapping[str, Any]) -> Attacks:
    values: tuple[Any, ...] = (
        "",
        issuer[:-1],
        issuer + "x",
        issuer + "/",
        issuer + " ",
        issuer + "\x00",
        issuer.swapcase(),
        [issuer],
        1,
        None,
        {"iss": issuer},
        f"{issuer},{issuer}",
        "x" * 6000,
    )
    for value in values:
        yield f"iss is {_short(value)}", forge.good({**claims, "iss": value})


def _audiences(forge: Forge, audience: str, claims: Mapping[str, Any]) -> Attacks:
    values: tuple[Any, ...] = (
        "",
        audience[:-1],
        audience + "x",
        audience + " ",
        audience + "\x00",
        audience.swapcase(),
        1,
        None,
        True,
        [],
        [1],
        ["other"],
        [audience[:-1], "other"],
        [[audience]],
        {"aud": audience},
        f"{audience} other",
        f"{audience},other",
        [audience, 1],
        [audience, None],
        "*",
    )
    for value in values:
        yield f"aud is {_short(value)}", forge.good({**claims, "aud": value})


def _with_text(forge: Forge, claims: Mapping[str, Any], name: str, text: str) -> str:
    """The token whose claim has exactly this JSON text."""
    rest = compact({other: value for other, value in claims.items() if other != name})
    return forge.sign_bytes(compact(forge.header), rest[:-1] + f',"{name}":{text}}}'.encode())


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 32 else f"{len(text)} characters"
