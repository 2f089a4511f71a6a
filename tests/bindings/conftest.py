# SPDX-License-Identifier: Apache-2.0
"""Keys are made once: they are immutable."""

from typing import Any

import pytest

import tessera
from attacks import Forge

NOW = 1_800_000_000


@pytest.fixture
def now() -> int:
    """Seconds; every fixture is good at this time."""
    return NOW


@pytest.fixture(scope="session")
def key() -> tessera.PrivateKey:
    return tessera.PrivateKey.generate(kid="k1")


@pytest.fixture(scope="session")
def other_key() -> tessera.PrivateKey:
    return tessera.PrivateKey.generate(kid="k2")


@pytest.fixture(scope="session")
def forge(key: tessera.PrivateKey) -> Forge:
    return Forge(key.to_pem(), kid=key.kid)


@pytest.fixture
def claims() -> dict[str, Any]:
    return {
        "iss": "https://issuer.example",
        "aud": "dx-vas",
        "sub": "alice",
        "jti": "0190-jti",
        "sid": "0190-sid",
        "tenant_id": "tenant-a",
        "iat": NOW - 60,
        "nbf": NOW - 60,
        "exp": NOW + 900,
    }


@pytest.fixture
def policy() -> tessera.Policy:
    return tessera.Policy(issuer="https://issuer.example", audience="dx-vas")


@pytest.fixture
def verifier(key: tessera.PrivateKey, policy: tessera.Policy) -> tessera.Verifier:
    return tessera.Verifier(key.public_key, policy)


@pytest.fixture
def token(key: tessera.PrivateKey, claims: dict[str, Any]) -> str:
    return tessera.Signer(key).sign(claims)
