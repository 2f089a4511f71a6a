# SPDX-License-Identifier: Apache-2.0
"""All attacks on the token itself, in one list."""

from collections.abc import Mapping
from typing import Any

from attacks.forge import Attack, Attacks, Forge
from attacks.header import algorithm_attacks, confusion_attacks, embedded_key_attacks, header_attacks, kid_attacks
from attacks.json_text import header_text_attacks, payload_text_attacks
from attacks.signature import signature_attacks
from attacks.spelling import segment_attacks, spelling_attacks

__all__ = ["Attack", "token_attacks"]


def token_attacks(forge: Forge, claims: Mapping[str, Any], *, url: str = "http://127.0.0.1:9/jwks.json") -> Attacks:
    """Every attack of the row "Token". `url`: where a verifier that follows jku or x5u would knock."""
    yield from algorithm_attacks(forge, claims)
    yield from confusion_attacks(forge, claims)
    yield from embedded_key_attacks(forge, claims, url=url)
    yield from kid_attacks(forge, claims)
    yield from header_attacks(forge, claims)
    yield from signature_attacks(forge, claims)
    yield from spelling_attacks(forge, claims)
    yield from segment_attacks(forge, claims)
    yield from header_text_attacks(forge, claims)
    yield from payload_text_attacks(forge, claims)
