# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pytest

import tessera


def test_a_set_knows_its_keys_and_the_one_that_signs(key: tessera.PrivateKey, other_key: tessera.PrivateKey) -> None:
    keys = tessera.KeySet([other_key.public_key], signing_key=key)
    assert sorted(keys.kids) == ["k1", "k2"]
    assert (len(keys), keys.signing_kid) == (2, "k1")
    assert "k1" in keys
    assert "k3" not in keys


@pytest.mark.parametrize("value", [None, 1, b"k1", "", "\ud800"])
def test_what_is_no_kid_is_in_no_set(key: tessera.PrivateKey, value: Any) -> None:
    assert value not in tessera.KeySet([key.public_key])


def test_an_empty_set_verifies_nothing_and_signs_nothing(policy: tessera.Policy, token: str, now: int) -> None:
    keys = tessera.KeySet()
    assert (len(keys), keys.kids, keys.signing_kid, json.loads(keys.jwks())) == (0, [], None, {"keys": []})
    with pytest.raises(tessera.TokenError) as caught:
        tessera.Verifier(keys, policy).verify(token, now=now)
    assert caught.value.code == "key_unknown"
    with pytest.raises(tessera.InvalidKeyError) as missing:
        tessera.Signer(keys).sign({})
    assert missing.value.code == "signing_key_missing"


def test_a_verifier_follows_the_replacement_of_its_set(
    key: tessera.PrivateKey, other_key: tessera.PrivateKey, policy: tessera.Policy, token: str, now: int
) -> None:
    keys = tessera.KeySet([key.public_key])
    verifier = tessera.Verifier(keys, policy, cache=tessera.TokenCache())
    before = keys.generation
    assert verifier.verify(token, now=now)["sub"] == "alice"
    keys.replace([other_key.public_key])
    assert keys.generation > before
    with pytest.raises(tessera.TokenError) as caught:
        verifier.verify(token, now=now)
    assert caught.value.code == "key_unknown"
    keys.replace(iter([key.public_key, other_key.public_key]))
    assert verifier.verify(token, now=now)["sub"] == "alice"


def test_a_kid_that_returns_with_another_key_does_not_verify_old_tokens(
    key: tessera.PrivateKey, other_key: tessera.PrivateKey, policy: tessera.Policy, token: str, now: int
) -> None:
    keys = tessera.KeySet([key.public_key])
    verifier = tessera.Verifier(keys, policy, cache=tessera.TokenCache())
    verifier.verify(token, now=now)
    keys.replace([tessera.PublicKey.from_pem(other_key.public_key.to_pem(), kid="k1")])
    with pytest.raises(tessera.TokenError) as caught:
        verifier.verify(token, now=now)
    assert caught.value.code == "signature_invalid"


def test_the_jwks_holds_public_members_only_and_comes_back(
    key: tessera.PrivateKey, other_key: tessera.PrivateKey
) -> None:
    jwks = tessera.KeySet([other_key.public_key], signing_key=key).jwks()
    assert {member for jwk in json.loads(jwks)["keys"] for member in jwk} == {"kty", "kid", "use", "alg", "n", "e"}
    again = tessera.KeySet.from_jwks(jwks)
    assert (sorted(again.kids), again.signing_kid) == (["k1", "k2"], None)


def test_one_kid_for_two_keys_is_refused_and_changes_nothing(
    key: tessera.PrivateKey, other_key: tessera.PrivateKey
) -> None:
    same = tessera.PublicKey.from_pem(other_key.public_key.to_pem(), kid="k1")
    keys = tessera.KeySet([key.public_key])
    with pytest.raises(tessera.InvalidKeyError) as caught:
        keys.replace([key.public_key, same])
    assert (caught.value.code, keys.kids) == ("key_id_duplicate", ["k1"])


@pytest.mark.parametrize(("count", "is_good"), [(64, True), (65, False)])
def test_a_set_holds_at_most_64_keys(key: tessera.PrivateKey, count: int, is_good: bool) -> None:
    pem = key.public_key.to_pem()
    many = [tessera.PublicKey.from_pem(pem, kid=f"k{number}") for number in range(count)]
    if is_good:
        assert len(tessera.KeySet(many)) == count
        return
    with pytest.raises(tessera.LimitError) as caught:
        tessera.KeySet(many)
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == "limit_exceeded"


def test_keys_of_a_jwks_that_do_not_verify_rs256_are_left_out(key: tessera.PrivateKey) -> None:
    good = json.loads(key.public_key.to_jwk())
    others = [
        {"kty": "oct", "k": "AA", "kid": "a"},
        {**good, "use": "enc", "kid": "b"},
        {**good, "alg": "PS256", "kid": "c"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "d"},
    ]
    assert tessera.KeySet.from_jwks(json.dumps({"keys": [*others, good]})).kids == ["k1"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"keys":{}}', '{"keys":[],"keys":[]}', "\ud800", b"\xff"])
def test_text_that_is_no_jwks_is_refused(text: str | bytes) -> None:
    with pytest.raises(tessera.InvalidKeyError):
        tessera.KeySet.from_jwks(text)


@pytest.mark.parametrize("keys", [1, None, ["k1"], "k1", [None]])
def test_keys_are_public_keys(keys: Any) -> None:
    with pytest.raises(TypeError):
        tessera.KeySet(keys)


def test_a_public_key_does_not_sign_and_a_private_one_is_no_member(key: tessera.PrivateKey) -> None:
    public: Any = key.public_key
    private: Any = key
    with pytest.raises(TypeError, match="signing_key must be PrivateKey"):
        tessera.KeySet([], signing_key=public)
    with pytest.raises(TypeError, match="every key must be PublicKey"):
        tessera.KeySet([private])


def test_the_repr_of_a_set_names_kids(key: tessera.PrivateKey) -> None:
    assert repr(tessera.KeySet(signing_key=key)) == "<tessera.KeySet kids=['k1'] signing_kid='k1'>"
