# SPDX-License-Identifier: Apache-2.0
"""A signer without manners: signs any header and payload, well-formed or not."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Attack = tuple[str, str]
Attacks = Iterator[Attack]


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def compact(value: object) -> bytes:
    """JSON without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Forge:
    """Holds the private key that the service trusts, as an attacker's oracle or an insider would.

    `pem`: unencrypted private key; `kid` and `type`: what a good header of the installation names.
    """

    def __init__(self, pem: str | bytes, *, kid: str, type: str = "at+jwt") -> None:  # noqa: A002 (the header's word)
        data = pem.encode() if isinstance(pem, str) else pem
        # Whether its numbers are primes, which takes 30 ms, is known of a key that the installation made.
        key = serialization.load_pem_private_key(data, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("an RSA key is needed")
        self.key = key
        self.kid = kid
        self.type = type

    @property
    def header(self) -> dict[str, Any]:
        """A good header."""
        return {"alg": "RS256", "typ": self.type, "kid": self.kid}

    def signature(self, signing_input: str) -> bytes:
        """RS256 over text as it stands."""
        return self.key.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())

    def sign_segments(self, header_segment: str, payload_segment: str) -> str:
        """A right signature over two segments, whatever they hold."""
        signing_input = f"{header_segment}.{payload_segment}"
        return f"{signing_input}.{b64(self.signature(signing_input))}"

    def sign_bytes(self, header: bytes, payload: bytes) -> str:
        """A right signature over header and payload bytes."""
        return self.sign_segments(b64(header), b64(payload))

    def sign(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        """A right signature over a header and claims."""
        return self.sign_bytes(compact(header), compact(claims))

    def good(self, claims: Mapping[str, Any]) -> str:
        """The token that every attack is a variation of."""
        return self.sign(self.header, claims)
