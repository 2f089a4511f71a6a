# SPDX-License-Identifier: Apache-2.0
"""Every kind of key that PyJWT takes for RS256, and ours."""

from collections.abc import Callable
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

import tessera
from bindings.jwt_peer import both
from tessera import jwt
from tessera.jwt.keys import _PrivateKeys


def theirs(key: tessera.PrivateKey) -> Any:
    return load_pem_private_key(key.to_pem().encode(), None)


def jwk(key: Any) -> pyjwt.PyJWK:
    return pyjwt.PyJWK.from_json(pyjwt.algorithms.RSAAlgorithm.to_jwk(key))


PRIVATE: dict[str, Callable[[tessera.PrivateKey], Any]] = {
    "tessera": lambda key: key,
    "PEM str": lambda key: key.to_pem(),
    "PEM bytes": lambda key: key.to_pem().encode(),
    "PKCS#1": lambda key: pkcs1(theirs(key)),
    "cryptography": theirs,
    "PyJWK": lambda key: jwk(theirs(key)),
}
PUBLIC: dict[str, Callable[[tessera.PrivateKey], Any]] = {
    "tessera": lambda key: key.public_key,
    "PEM str": lambda key: key.public_key.to_pem(),
    "PEM bytes": lambda key: key.public_key.to_pem().encode(),
    "PEM with white space around": lambda key: "\n  " + key.public_key.to_pem() + "\n\n",
    "PKCS#1": lambda key: theirs(key).public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1),
    "cryptography": lambda key: theirs(key).public_key(),
    "PyJWK": lambda key: jwk(theirs(key).public_key()),
}


def pkcs1(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import NoEncryption

    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return pem


@pytest.mark.parametrize("kind", PRIVATE)
def test_every_kind_of_private_key_makes_the_same_token(key: tessera.PrivateKey, kind: str) -> None:
    expected = pyjwt.encode({"sub": "alice"}, key.to_pem(), "RS256")
    for _ in range(2):
        assert jwt.encode({"sub": "alice"}, PRIVATE[kind](key)) == expected


@pytest.mark.parametrize("kind", PUBLIC)
def test_every_kind_of_public_key_verifies(key: tessera.PrivateKey, other_key: tessera.PrivateKey, kind: str) -> None:
    token = pyjwt.encode({"sub": "alice"}, key.to_pem(), "RS256")
    for _ in range(2):
        assert jwt.decode(token, PUBLIC[kind](key), algorithms=["RS256"]) == {"sub": "alice"}
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(token, PUBLIC[kind](other_key), algorithms=["RS256"])


def test_a_pyjwk_brings_its_algorithm(key: tessera.PrivateKey) -> None:
    token, bound = jwt.encode({}, key), jwk(theirs(key).public_key())
    assert both("decode", token, bound) == (("value", {}), ("value", {}))
    other = pyjwt.PyJWK.from_json(pyjwt.algorithms.RSAAlgorithm.to_jwk(theirs(key).public_key()), algorithm="RS512")
    for algorithms in (None, ["RS256"]):
        assert both("decode", token, other, algorithms) == (("error", "InvalidAlgorithmError"),) * 2


@pytest.mark.parametrize("value", [None, 1, [], {"kty": "RSA"}, object(), bytearray(b"x")])
def test_what_is_no_key_is_a_type_error_on_both_sides(key: tessera.PrivateKey, value: Any) -> None:
    token = jwt.encode({}, key)
    assert both("decode", token, value, ["RS256"]) == (("error", "TypeError"),) * 2
    assert both("encode", {}, value, "RS256") == (("error", "TypeError"),) * 2


@pytest.mark.parametrize("value", ["", "x", b"\xff", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_text_that_is_no_key_is_an_invalid_key_on_both_sides(key: tessera.PrivateKey, value: Any) -> None:
    assert both("decode", jwt.encode({}, key), value, ["RS256"]) == (("error", "InvalidKeyError"),) * 2
    assert both("encode", {}, value, "RS256") == (("error", "InvalidKeyError"),) * 2


def test_a_key_of_another_kind_is_refused_on_both_sides(key: tessera.PrivateKey) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    token = jwt.encode({}, key)
    assert both("decode", token, curve.public_key(), ["RS256"]) == (("error", "TypeError"),) * 2
    public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert both("decode", token, public, ["RS256"]) == (("error", "InvalidKeyError"),) * 2


def test_an_encrypted_key_is_a_type_error_on_both_sides(key: tessera.PrivateKey) -> None:
    locked = theirs(key).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    assert both("encode", {}, locked, "RS256") == (("error", "TypeError"),) * 2


def test_a_token_is_looked_at_before_the_key_on_both_sides() -> None:
    assert both("decode", "a.b.c", "no key", ["RS256"]) == (("error", "DecodeError"),) * 2


def test_few_private_keys_are_remembered_and_no_text_of_them(key: tessera.PrivateKey) -> None:
    keys, read = _PrivateKeys(), []

    def make(text: str | bytes) -> tessera.PrivateKey:
        read.append(text)
        return key

    for number in range(_PrivateKeys.MAX_KEYS):
        assert keys.get(str(number), make) is keys.get(str(number).encode(), make) is key
    assert len(read) == _PrivateKeys.MAX_KEYS
    keys.get("one more", make)
    keys.get("0", make)
    assert read[-2:] == ["one more", "0"]
    assert len(keys._keys) == _PrivateKeys.MAX_KEYS
    assert not {"0", b"0"} & set(map(bytes, keys._keys))
