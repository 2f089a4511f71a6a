# SPDX-License-Identifier: Apache-2.0
"""Tokens that nobody may accept, for every room that takes one.

    forge = Forge(pem, kid="k1", type="at+jwt")
    for name, token in token_attacks(forge, claims): ...
    for name, token in claims_attacks(forge, claims, now=now): ...

`claims` are those of a token that is good at `now`; `forge.good(claims)` is that token. A name is a sentence about what
is wrong with the token, and every token is text (str), which may hold characters that no header can carry.
"""

from attacks.claims import claims_attacks
from attacks.forge import Forge, b64
from attacks.header import algorithm_attacks, confusion_attacks, embedded_key_attacks, header_attacks, kid_attacks
from attacks.json_text import header_text_attacks, payload_text_attacks
from attacks.signature import signature_attacks
from attacks.spelling import segment_attacks, spelling_attacks
from attacks.table import Attack, token_attacks

__all__ = [
    "Attack",
    "Forge",
    "algorithm_attacks",
    "b64",
    "claims_attacks",
    "confusion_attacks",
    "embedded_key_attacks",
    "header_attacks",
    "header_text_attacks",
    "kid_attacks",
    "payload_text_attacks",
    "segment_attacks",
    "signature_attacks",
    "spelling_attacks",
    "token_attacks",
]
