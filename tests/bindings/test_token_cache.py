# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

import tessera


@pytest.fixture
def cache() -> tessera.TokenCache:
    return tessera.TokenCache()


def test_only_verified_tokens_enter(
    cache: tessera.TokenCache, key: tessera.PrivateKey, policy: tessera.Policy, token: str, now: int
) -> None:
    verifier = tessera.Verifier(key.public_key, policy, cache=cache)
    with pytest.raises(tessera.TokenError):
        verifier.verify(token[:-4] + "AAAA", now=now)
    assert (len(cache), cache.bytes_used) == (0, 0)
    verifier.verify(token, now=now)
    assert len(cache) == 1
    assert cache.bytes_used >= len(token)


def test_a_hit_is_judged_by_time_and_policy_again(
    cache: tessera.TokenCache,
    key: tessera.PrivateKey,
    policy: tessera.Policy,
    token: str,
    claims: dict[str, Any],
    now: int,
) -> None:
    assert tessera.Verifier(key.public_key, policy, cache=cache).verify(token, now=now) == claims
    with pytest.raises(tessera.ExpiredTokenError):
        tessera.Verifier(key.public_key, policy, cache=cache).verify(token, now=claims["exp"])
    for options, code in (
        ({"issuer": "other", "audience": "dx-vas"}, "issuer_mismatch"),
        ({"issuer": claims["iss"], "audience": "other"}, "audience_mismatch"),
        ({"issuer": claims["iss"], "audience": "dx-vas", "types": ["rt+jwt"]}, "type_not_allowed"),
        ({"issuer": claims["iss"], "audience": "dx-vas", "required_claims": ["scope"]}, "claim_missing"),
    ):
        strict: Any = options
        with pytest.raises(tessera.TokenError) as caught:
            tessera.Verifier(key.public_key, tessera.Policy(**strict), cache=cache).verify(token, now=now)
        assert caught.value.code == code


def test_what_comes_from_the_cache_is_the_callers_own(
    cache: tessera.TokenCache,
    key: tessera.PrivateKey,
    policy: tessera.Policy,
    token: str,
    claims: dict[str, Any],
    now: int,
) -> None:
    verifier = tessera.Verifier(key.public_key, policy, cache=cache)
    verifier.verify(token, now=now)["sub"] = "mallory"
    assert verifier.verify(token, now=now) == claims


def test_a_cache_keeps_to_its_bytes(
    key: tessera.PrivateKey, policy: tessera.Policy, claims: dict[str, Any], now: int
) -> None:
    cache = tessera.TokenCache(max_bytes=65536)
    verifier, signer = tessera.Verifier(key.public_key, policy, cache=cache), tessera.Signer(key)
    for number in range(100):
        token = signer.sign({**claims, "jti": str(number)})
        assert verifier.verify(token, now=now)["jti"] == str(number)
        assert cache.bytes_used <= 65536
    assert 0 < len(cache) < 100
    cache.clear()
    assert (len(cache), cache.bytes_used) == (0, 0)


def test_a_cache_of_no_bytes_keeps_nothing(
    key: tessera.PrivateKey, policy: tessera.Policy, token: str, now: int
) -> None:
    cache = tessera.TokenCache(max_bytes=0)
    assert tessera.Verifier(key.public_key, policy, cache=cache).verify(token, now=now)
    assert len(cache) == 0


def test_its_size_is_a_whole_number_that_is_not_negative() -> None:
    wrong: Any = 1.5
    with pytest.raises(TypeError):
        tessera.TokenCache(max_bytes=wrong)
    with pytest.raises(ValueError, match="at least 0"):
        tessera.TokenCache(max_bytes=-1)
