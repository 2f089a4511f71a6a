# SPDX-License-Identifier: Apache-2.0
"""Verify and sign from Python beside PyJWT and joserfc: `python benchmarks/python/tokens.py` (needs both; < 30 s).

All get a key that was read before and give a dict with checked iss, aud, exp. One token: RS256, 2048 bit, 11 claims.
"""

import base64
import platform
import time
from collections.abc import Mapping
from typing import Any

import joserfc
import jwt as pyjwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from interleaved import Work, compare
from joserfc import jwt as jose
from joserfc.jwk import RSAKey

import tessera
from tessera import jwt as tessera_jwt

ISSUER, AUDIENCE = "https://id.example.org/", "dx-vas"


def sample_claims() -> dict[str, Any]:
    """A token of about 900 bytes."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "sub": "0190b6c1-7a9e-7c31-9b1f-3c2d5e8f7a60",
        "aud": AUDIENCE,
        "iat": now - 10,
        "nbf": now - 10,
        "exp": now + 86_400,
        "jti": "0190b6c1-7a9e-7c31-9b1f-3c2d5e8f7a61",
        "sid": "0190b6c1-7a9e-7c31-9b1f-3c2d5e8f7a62",
        "tenant_id": "tenant-a",
        "token_type": "access",
        "scope": "student:read class:read",
    }


def verifying(key: tessera.PrivateKey, token: str) -> Mapping[str, Work]:
    """Every way to the claims of the token."""
    private = cryptography_key(key)
    public, jose_key = private.public_key(), RSAKey.import_key(key.public_key.to_pem())
    policy = tessera.Policy(issuer=ISSUER, audience=AUDIENCE)
    verifier = tessera.Verifier(key.public_key, policy)
    cached = tessera.Verifier(key.public_key, policy, cache=tessera.TokenCache())
    registry = jose.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )
    many = [token] * 32
    text, signature = token.encode().rsplit(b".", 1)
    raw = base64.urlsafe_b64decode(signature + b"==")

    def by_joserfc() -> object:
        decoded = jose.decode(token, jose_key, algorithms=["RS256"])
        registry.validate(decoded.claims)
        return decoded.claims

    return {
        "PyJWT": lambda: pyjwt.decode(token, public, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER),
        "joserfc": by_joserfc,
        "tessera.jwt": lambda: tessera_jwt.decode(
            token, key.public_key, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER
        ),
        "Verifier": lambda: verifier.verify(token),
        "Verifier, 32 at once": lambda: verifier.verify_many(many),
        "Verifier with cache": lambda: cached.verify(token),
        "cached, as bytes": lambda: cached.verify_bytes(token),
        "cryptography, signature alone": lambda: public.verify(raw, text, padding.PKCS1v15(), hashes.SHA256()),
    }


def signing(key: tessera.PrivateKey, claims: dict[str, Any]) -> Mapping[str, Work]:
    """Every way from claims to a token."""
    private, jose_key = cryptography_key(key), RSAKey.import_key(key.to_pem())
    signer = tessera.Signer(key)
    return {
        "PyJWT": lambda: pyjwt.encode(claims, private, algorithm="RS256", headers={"kid": "k1"}),
        "joserfc": lambda: jose.encode({"alg": "RS256", "kid": "k1"}, claims, jose_key),
        "tessera.jwt": lambda: tessera_jwt.encode(claims, key, headers={"kid": "k1"}),
        "Signer": lambda: signer.sign(claims),
        "cryptography, signature alone": lambda: private.sign(b"x" * 600, padding.PKCS1v15(), hashes.SHA256()),
    }


def cryptography_key(key: tessera.PrivateKey) -> rsa.RSAPrivateKey:
    """The same key for the others."""
    private = load_pem_private_key(key.to_pem().encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("an RSA key is needed")
    return private


def show(title: str, variants: Mapping[str, Work], *, calls_of: Mapping[str, int]) -> None:
    """A table: microseconds a token, and how many times as fast as PyJWT and as joserfc."""
    results = {result.name: result for result in compare(variants, base="PyJWT")}
    joserfc_ratio = results["joserfc"].ratio
    print(f"\n{title:32}{'us/token':>10}{'x PyJWT':>10}{'x joserfc':>11}")
    for name, result in results.items():
        tokens = calls_of.get(name, 1)
        ratio = result.ratio * tokens
        print(f"{name:32}{result.microseconds / tokens:10.2f}{ratio:10.2f}{ratio / joserfc_ratio:11.2f}")


def main() -> None:
    key = tessera.PrivateKey.generate(kid="k1")
    claims = sample_claims()
    token = tessera.Signer(key).sign(claims)
    print(f"tessera {tessera.__version__}, PyJWT {pyjwt.__version__}, joserfc {joserfc.__version__}")
    print(f"Python {platform.python_version()}, {platform.machine()}, token of {len(token)} bytes")
    show("verify", verifying(key, token), calls_of={"Verifier, 32 at once": 32})
    show("sign", signing(key, claims), calls_of={})


if __name__ == "__main__":
    main()
