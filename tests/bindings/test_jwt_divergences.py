# SPDX-License-Identifier: Apache-2.0
"""Where tessera.jwt is stricter than PyJWT, why, and that it is nowhere else: every generated attack goes to both."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

import tessera
from attacks import Forge, claims_attacks, token_attacks
from bindings.jwt_peer import both, is_same, outcome
from tessera import jwt


class Divergence(NamedTuple):
    """Attacks whose name begins so are refused by us with that class, though PyJWT answers otherwise."""

    prefix: str
    ours: str
    reason: str


DIVERGENCES = [
    Divergence("header jwk", "InvalidTokenError", "a token brings no key (RFC 8725 section 3.10)"),
    Divergence("header jku", "InvalidTokenError", "a token names no place to get a key"),
    Divergence("header x5", "InvalidTokenError", "a token brings no certificate"),
    Divergence("header zip", "InvalidTokenError", "compression belongs to JWE"),
    Divergence("header enc", "InvalidTokenError", "encryption belongs to JWE"),
    Divergence("b64 ", "InvalidTokenError", "RFC 7797 changes what is signed"),
    Divergence("kid: ", "InvalidTokenError", "a kid has 1..128 bytes and no control characters"),
    Divergence("typ ", "InvalidTokenError", "typ is a string (RFC 7515 section 4.1.9)"),
    Divergence("header ends in '=='", "DecodeError", "one token has one spelling: no padding (RFC 7515 section 2)"),
    Divergence("payload ends in '=='", "DecodeError", "one token has one spelling"),
    Divergence("the token ends in '=='", "DecodeError", "one token has one spelling"),
    Divergence("'\\ud800' in the payload", "DecodeError", "PyJWT raises UnicodeEncodeError"),
    Divergence("lone surrogate", "DecodeError", "PyJWT raises UnicodeEncodeError"),
    *(
        Divergence(f"{part}: {fault}", "DecodeError", "strict JSON: UTF-8, no duplicates, no NaN, depth 32, 64 KiB")
        for part in ("header", "payload")
        for fault in ("a byte order mark", "UTF-", "a surrogate in UTF-8", "a lone ", "surrogates swapped", "NaN",
                      "Infinity", "-Infinity", "depth 33", "100,000 members", "also ")
    ),
    Divergence("payload: a duplicate below", "DecodeError", "no duplicate members at any depth"),
    Divergence("exp is ", "DecodeError", "a time is a JSON number (RFC 7519 section 2), not a string or a boolean"),
    Divergence("nbf is ", "DecodeError", "a time is a JSON number"),
    Divergence("iat is ", "InvalidIssuedAtError", "a time is a JSON number"),
]  # fmt: skip


@pytest.mark.parametrize(
    "options", [{"algorithms": ["RS256"], "audience": "dx-vas"}, {"options": {"verify_signature": False}}]
)
def test_an_attack_is_answered_as_by_pyjwt_or_is_in_the_table(key: tessera.PrivateKey, options: dict[str, Any]) -> None:
    forge = Forge(key.to_pem(), kid="k1", type="JWT")
    claims = {"iss": "me", "aud": "dx-vas", "sub": "alice", "jti": "1", "iat": 1, "exp": 2**40}
    attacks = [*token_attacks(forge, claims), *claims_attacks(forge, claims, now=int(time.time()))]
    used: set[str] = set()
    unexplained = []
    for name, token in attacks:
        theirs, mine = both("decode_complete", token, key.public_key.to_pem(), **options)
        if is_same(theirs, mine):
            continue
        rows = [row for row in DIVERGENCES if name.startswith(row.prefix) and mine == ("error", row.ours)]
        used.update(row.prefix for row in rows)
        if not rows:
            unexplained.append((name, theirs, mine))
    assert unexplained == []
    if "algorithms" in options:
        assert {row.prefix for row in DIVERGENCES} == used


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize("size", [1024, 2047])
def test_a_key_below_2048_bit_is_refused_where_pyjwt_warns(size: int) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=size)
    with pytest.warns(pyjwt.InsecureKeyLengthWarning):
        token = pyjwt.encode({}, weak, algorithm="RS256")
    with pytest.raises(jwt.InvalidKeyError) as caught:
        jwt.decode(token, weak.public_key(), ["RS256"])
    assert caught.value.code == "key_size_not_allowed"
    with pytest.raises(jwt.InvalidKeyError):
        jwt.encode({}, pem(weak))


def test_an_exponent_of_3_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=3, key_size=2048)
    with pytest.raises(jwt.InvalidKeyError) as caught:
        jwt.encode({}, weak)
    assert caught.value.code == "key_exponent_not_allowed"


def test_a_key_of_the_wrong_half_is_an_invalid_key_where_pyjwt_has_no_attribute(key: tessera.PrivateKey) -> None:
    token = jwt.encode({}, key)
    public = key.public_key.to_pem()
    for wrong in (key, key.to_pem(), load_pem_private_key(key.to_pem().encode(), None)):
        assert outcome(jwt.decode, token, wrong, ["RS256"]) == ("error", "InvalidKeyError")
    for wrong_half in (key.public_key, public, load_pem_private_key(key.to_pem().encode(), None).public_key()):
        assert outcome(jwt.encode, {}, wrong_half) == ("error", "InvalidKeyError")
    assert outcome(pyjwt.decode, token, key.to_pem(), ["RS256"]) == ("error", "AttributeError")
    assert outcome(pyjwt.encode, {}, public, "RS256") == ("error", "AttributeError")


@pytest.mark.parametrize("algorithm", ["HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "none", None, ""])
def test_no_other_algorithm_signs(key: tessera.PrivateKey, algorithm: str | None) -> None:
    with pytest.raises(NotImplementedError, match="Algorithm not supported"):
        jwt.encode({}, key, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["HS256", "RS384", "PS256"])
def test_no_other_algorithm_verifies_though_it_is_named(key: tessera.PrivateKey, algorithm: str) -> None:
    secret: Any = "s" * 64 if algorithm == "HS256" else key.to_pem()
    checked: Any = secret if algorithm == "HS256" else key.public_key.to_pem()
    token = pyjwt.encode({}, secret, algorithm=algorithm)
    assert pyjwt.decode(token, checked, [algorithm]) == {}
    assert outcome(jwt.decode, token, checked, [algorithm, "RS256"]) == ("error", "InvalidAlgorithmError")


@pytest.mark.parametrize(
    "payload", [{"a": float("nan")}, {"a": float("inf")}, {"a": "\ud800"}, {"a": "x" * 65536}, {1: 1, "1": 2}]
)
def test_a_payload_that_is_no_strict_json_is_not_signed(key: tessera.PrivateKey, payload: dict[Any, Any]) -> None:
    assert outcome(pyjwt.encode, payload, key.to_pem(), "RS256")[0] == "value"
    with pytest.raises(ValueError, match="JSON"):
        jwt.encode(payload, key)


@pytest.mark.parametrize("headers", [{"crit": ["x"], "x": 1}, {"jwk": {}}, {"x5t": "a"}, {"b64": False}, {"typ": 1}])
def test_a_header_that_we_would_refuse_is_not_signed(key: tessera.PrivateKey, headers: dict[str, Any]) -> None:
    signed = outcome(jwt.encode, {}, key, headers=headers)
    if signed[0] == "value":
        assert outcome(jwt.decode, signed[1], key.public_key, ["RS256"]) == ("error", "InvalidTokenError")
    else:
        assert signed == ("error", "InvalidTokenError")


def test_a_token_over_64_kib_is_refused(key: tessera.PrivateKey) -> None:
    token = pyjwt.encode({"a": "x" * 65000}, key.to_pem(), "RS256")
    assert pyjwt.decode(token, key.public_key.to_pem(), ["RS256"])
    assert outcome(jwt.decode, token, key.public_key, ["RS256"]) == ("error", "DecodeError")


def test_a_detached_payload_is_refused(key: tessera.PrivateKey) -> None:
    token = jwt.encode({}, key)
    assert outcome(jwt.decode, token, key.public_key, ["RS256"], detached_payload=b"{}") == ("error", "DecodeError")


def test_refusals_carry_a_code_and_no_piece_of_the_token(key: tessera.PrivateKey) -> None:
    token = jwt.encode({"sub": "alice"}, key)
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: jwt.decode(token[:-8] + "AAAAAAAA", key.public_key, ["RS256"]), "signature_invalid"),
        (lambda: jwt.decode(token + "=", key.public_key, ["RS256"]), "token_malformed"),
        (lambda: jwt.decode(token, key.public_key, ["PS256"]), "algorithm_not_allowed"),
        (lambda: jwt.decode(token, key.public_key, ["RS256"], audience="x"), "claim_missing"),
    ]
    for call, code in calls:
        with pytest.raises(jwt.InvalidTokenError) as caught:
            call()
        assert caught.value.code == code
        assert token[:20] not in str(caught.value)
