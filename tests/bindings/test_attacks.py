# SPDX-License-Identifier: Apache-2.0
"""Every generated attack, on every door of the module that takes a token."""

from typing import Any

import pytest

import tessera
from attacks import Forge, claims_attacks, token_attacks
from tessera import jwt


@pytest.fixture
def attacks(forge: Forge, claims: dict[str, Any], now: int) -> list[tuple[str, str]]:
    return [*token_attacks(forge, claims), *claims_attacks(forge, claims, now=now)]


def test_attacks_are_many_and_none_is_the_good_token(
    attacks: list[tuple[str, str]], forge: Forge, claims: dict[str, Any], verifier: tessera.Verifier, now: int
) -> None:
    assert len(attacks) > 550
    assert len({name for name, _ in attacks}) == len(attacks)
    good = forge.good(claims)
    assert good not in [token for _, token in attacks]
    assert verifier.verify(good, now=now) == claims


def test_a_verifier_refuses_every_attack(attacks: list[tuple[str, str]], verifier: tessera.Verifier, now: int) -> None:
    def accepts(token: str) -> bool:
        try:
            verifier.verify(token, now=now)
        except tessera.TokenError:
            return False
        return True

    assert [name for name, token in attacks if accepts(token)] == []


def test_many_attacks_at_once_are_refused_one_by_one(
    attacks: list[tuple[str, str]], verifier: tessera.Verifier, token: str, now: int
) -> None:
    tokens = [text for _, attack in attacks for text in (attack, token)]
    entries = verifier.verify_many(tokens, now=now)
    assert all(isinstance(entry, tessera.TokenError) for entry in entries[::2])
    assert all(isinstance(entry, dict) for entry in entries[1::2])


def test_a_warm_cache_lets_no_attack_in(
    attacks: list[tuple[str, str]], key: tessera.PrivateKey, policy: tessera.Policy, token: str, now: int
) -> None:
    cache = tessera.TokenCache()
    verifier = tessera.Verifier(key.public_key, policy, cache=cache)
    assert verifier.verify(token, now=now)
    for name, attack in attacks:
        for _ in range(2):
            with pytest.raises(tessera.TokenError):
                verifier.verify(attack, now=now)
        assert len(cache) <= 1 + len(attacks), name


def test_a_checker_calls_every_attack_dead(
    attacks: list[tuple[str, str]], verifier: tessera.Verifier, token: str, now: int
) -> None:
    checker = tessera.Checker(verifier, revocations=tessera.RevocationSet(), sessions=tessera.SessionTable())
    checker.keep_fresh_for(600_000, since_boottime_ns=tessera.boottime_ns())
    assert checker.check(token, now=now).status == "no_record"
    assert [name for name, attack in attacks if checker.check(attack, now=now).status != "dead"] == []


def test_jwt_decode_refuses_every_attack_on_the_token(
    forge: Forge, claims: dict[str, Any], key: tessera.PrivateKey
) -> None:
    """Under PyJWT's rules kid and typ are the caller's to look at, and an unknown kid asks for no key."""
    free = ("kid: ", "no kid", "typ ", "no typ")
    claims = {**claims, "iat": 1, "nbf": 1, "exp": 2**40}

    def accepts(token: str) -> bool:
        try:
            jwt.decode(token, key.public_key, algorithms=["RS256"], audience="dx-vas")
        except jwt.PyJWTError:
            return False
        return True

    assert accepts(forge.good(claims))
    accepted = [name for name, token in token_attacks(forge, claims) if accepts(token)]
    assert [name for name in accepted if not name.startswith(free)] == ["over 8 KiB"]
