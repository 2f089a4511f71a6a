# SPDX-License-Identifier: Apache-2.0
import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import tessera


def private_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def public_pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


@pytest.fixture(scope="module")
def short_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


def refusal(make: Callable[[], object]) -> str:
    with pytest.raises(tessera.InvalidKeyError) as caught:
        make()
    assert isinstance(caught.value, ValueError)
    return caught.value.code


def test_a_generated_key_has_the_bits_and_the_kid_that_were_asked_for() -> None:
    key = tessera.PrivateKey.generate(bits=3072, kid="named")
    assert (key.bits, key.kid, key.public_key.bits, key.public_key.kid) == (3072, "named", 3072, "named")


@pytest.mark.parametrize("bits", [-1, 0, 1024, 2047, 2049, 4097, 2**31, 2**63 - 1])
def test_other_sizes_are_not_generated(bits: int) -> None:
    assert refusal(lambda: tessera.PrivateKey.generate(bits=bits)) == "key_size_not_allowed"


def test_the_kid_is_the_thumbprint_unless_it_is_named(key: tessera.PrivateKey) -> None:
    unnamed = tessera.PublicKey.from_pem(key.public_key.to_pem())
    assert unnamed.kid == unnamed.thumbprint == key.public_key.thumbprint
    assert len(unnamed.thumbprint) == 43
    assert tessera.PublicKey.from_pem(key.public_key.to_pem(), kid="named").kid == "named"


def test_keys_survive_pem_as_text_and_as_bytes(key: tessera.PrivateKey) -> None:
    pem = key.to_pem()
    assert tessera.PrivateKey.from_pem(pem).public_key.to_pem() == key.public_key.to_pem()
    assert tessera.PrivateKey.from_pem(pem.encode(), kid="x").kid == "x"
    assert tessera.PublicKey.from_pem(key.public_key.to_pem().encode()).thumbprint == key.public_key.thumbprint


def test_cryptography_reads_our_pem_and_we_read_its(key: tessera.PrivateKey) -> None:
    theirs = serialization.load_pem_private_key(key.to_pem().encode(), password=None)
    assert tessera.PrivateKey.from_pem(private_pem(theirs)).public_key.thumbprint == key.public_key.thumbprint
    assert tessera.PublicKey.from_pem(public_pem(theirs)).thumbprint == key.public_key.thumbprint


@pytest.mark.parametrize("password", ["secret", b"secret", "mật khẩu"])
def test_an_encrypted_pem_opens_with_its_password_alone(key: tessera.PrivateKey, password: str | bytes) -> None:
    pem = key.to_pem(password=password)
    assert pem.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert tessera.PrivateKey.from_pem(pem, password=password).public_key.thumbprint == key.public_key.thumbprint
    assert refusal(lambda: tessera.PrivateKey.from_pem(pem)) == "key_password_wrong"
    assert refusal(lambda: tessera.PrivateKey.from_pem(pem, password="wrong")) == "key_password_wrong"


def test_a_public_jwk_holds_six_members_and_comes_back(key: tessera.PrivateKey) -> None:
    jwk = json.loads(key.public_key.to_jwk())
    assert list(jwk) == ["kty", "kid", "use", "alg", "n", "e"]
    again = tessera.PublicKey.from_jwk(json.dumps(jwk))
    assert (again.kid, again.thumbprint) == ("k1", key.public_key.thumbprint)
    assert tessera.PublicKey.from_jwk(json.dumps(jwk), kid="other").kid == "other"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"use": "enc"}, "key_use_not_allowed"),
        ({"alg": "RS512"}, "key_use_not_allowed"),
        ({"key_ops": ["encrypt"]}, "key_use_not_allowed"),
        ({"kty": "oct"}, "key_type_not_allowed"),
        ({"e": "AQ"}, "key_exponent_not_allowed"),
        ({"e": "Aw"}, "key_exponent_not_allowed"),
        ({"e": "AQAA"}, "key_exponent_not_allowed"),
        ({"n": "AQAB"}, "key_size_not_allowed"),
        ({"n": "!"}, "key_malformed"),
        ({"kid": "x" * 129}, "key_id_invalid"),
    ],
)
def test_a_jwk_against_the_policy_is_refused(key: tessera.PrivateKey, change: dict[str, Any], code: str) -> None:
    jwk = {**json.loads(key.public_key.to_jwk()), **change}
    assert refusal(lambda: tessera.PublicKey.from_jwk(json.dumps(jwk))) == code


def test_keys_below_2048_bit_are_refused(short_key: rsa.RSAPrivateKey) -> None:
    assert refusal(lambda: tessera.PublicKey.from_pem(public_pem(short_key))) == "key_size_not_allowed"
    assert refusal(lambda: tessera.PrivateKey.from_pem(private_pem(short_key))) == "key_size_not_allowed"


def test_keys_of_other_kinds_are_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    assert refusal(lambda: tessera.PublicKey.from_pem(public_pem(curve))) == "key_type_not_allowed"
    assert refusal(lambda: tessera.PrivateKey.from_pem(private_pem(curve))) == "key_type_not_allowed"


@pytest.mark.parametrize(
    "text", ["", "x", b"\x00", "\ud800", "é", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"]
)
def test_text_that_is_no_key_is_malformed(text: str | bytes) -> None:
    assert refusal(lambda: tessera.PublicKey.from_pem(text)) == "key_malformed"
    assert refusal(lambda: tessera.PrivateKey.from_pem(text)) == "key_malformed"
    assert refusal(lambda: tessera.PublicKey.from_jwk(text)) == "key_malformed"
    assert refusal(lambda: tessera.PrivateKey.from_jwk(text)) == "key_malformed"


def test_a_private_key_is_not_taken_for_a_public_one(key: tessera.PrivateKey) -> None:
    assert refusal(lambda: tessera.PublicKey.from_pem(key.to_pem())) == "key_type_not_allowed"
    assert refusal(lambda: tessera.PrivateKey.from_pem(key.public_key.to_pem())) == "key_type_not_allowed"


@pytest.mark.parametrize(
    ("kid", "is_good"), [("k", True), ("k" * 128, True), ("k" * 129, False), ("é", False), ("a\n", False)]
)
def test_a_kid_is_printable_ascii_of_at_most_128_bytes(key: tessera.PrivateKey, kid: str, is_good: bool) -> None:
    pem = key.public_key.to_pem()
    if is_good:
        assert tessera.PublicKey.from_pem(pem, kid=kid).kid == kid
    else:
        assert refusal(lambda: tessera.PublicKey.from_pem(pem, kid=kid)) == "key_id_invalid"


@pytest.mark.parametrize("value", [bytearray(b"x"), memoryview(b"x"), None, 1, ["x"]])
def test_a_pem_is_str_or_bytes_and_nothing_that_can_change(value: Any) -> None:
    for read in (
        tessera.PublicKey.from_pem,
        tessera.PublicKey.from_jwk,
        tessera.PrivateKey.from_pem,
        tessera.PrivateKey.from_jwk,
    ):
        with pytest.raises(TypeError, match="must be str or bytes"):
            read(value)


def test_the_repr_of_a_key_shows_its_kid_and_no_number(key: tessera.PrivateKey) -> None:
    assert repr(key) == "<tessera.PrivateKey kid='k1' bits=2048>"
    assert repr(key.public_key) == "<tessera.PublicKey kid='k1' bits=2048>"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_private_key_is_not_pickled(key: tessera.PrivateKey, protocol: int) -> None:
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        pickle.dumps(key, protocol)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_private_key_is_not_copied(key: tessera.PrivateKey, copied: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        copied(key)


def test_a_mistaken_call_does_not_quote_the_key_or_the_password(key: tessera.PrivateKey) -> None:
    pem: Any = key.to_pem()
    with pytest.raises(TypeError) as caught:
        tessera.PrivateKey.from_pem(pem, passwrod="hunter2")  # type: ignore[call-arg]
    assert "PRIVATE KEY" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "from_pem(pem, *, password=None, kid=None)" in str(caught.value)


@pytest.mark.parametrize("kind", [tessera.PrivateKey, tessera.PublicKey, tessera.AccessKey, tessera.Verdict])
def test_a_class_without_a_constructor_says_where_its_objects_come_from(kind: Any) -> None:
    with pytest.raises(TypeError, match=f"{kind.__name__} is made by"):
        kind()
