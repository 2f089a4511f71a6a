# SPDX-License-Identifier: Apache-2.0
import json
from collections import OrderedDict
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tessera


def test_a_key_and_a_set_with_that_key_make_the_same_token(key: tessera.PrivateKey, claims: dict[str, Any]) -> None:
    assert tessera.Signer(key).sign(claims) == tessera.Signer(tessera.KeySet(signing_key=key)).sign(claims)


def test_the_header_holds_alg_typ_and_kid(key: tessera.PrivateKey) -> None:
    header, payload = tessera.verify_jws(tessera.Signer(key).sign({"a": 1}, type="rt+jwt"), key.public_key)
    assert json.loads(header) == {"alg": "RS256", "typ": "rt+jwt", "kid": "k1"}
    assert payload == b'{"a":1}'


def test_payload_bytes_are_signed_as_they_stand(key: tessera.PrivateKey) -> None:
    payload = ' {"b" : 1, "a":"\u00e9"} '.encode()
    token = tessera.Signer(key).sign(payload)
    assert tessera.verify_jws(token, key.public_key)[1] == payload
    assert tessera.Signer(key).sign(payload) == token


def test_a_mapping_is_written_as_compact_utf_8(key: tessera.PrivateKey) -> None:
    expected = '{"name":"Nguyễn","n":1}'.encode()
    for claims in (
        {"name": "Nguyễn", "n": 1},
        OrderedDict(name="Nguyễn", n=1),
        MappingProxyType({"name": "Nguyễn", "n": 1}),
    ):
        assert tessera.verify_jws(tessera.Signer(key).sign(claims), key.public_key)[1] == expected


def test_a_signer_of_a_set_follows_its_replacement(key: tessera.PrivateKey, other_key: tessera.PrivateKey) -> None:
    keys = tessera.KeySet(signing_key=key)
    signer = tessera.Signer(keys)
    keys.replace([key.public_key], signing_key=other_key)
    header, _ = tessera.verify_jws(signer.sign({}), other_key.public_key)
    assert json.loads(header)["kid"] == "k2"


@pytest.mark.parametrize(
    "claims", [{"a": object()}, {"a": {1}}, {"a": b"x"}, {"a": datetime(2026, 1, 1, tzinfo=UTC)}, {(1, 2): 3}]
)
def test_what_json_cannot_write_is_a_type_error(key: tessera.PrivateKey, claims: dict[Any, Any]) -> None:
    with pytest.raises(TypeError):
        tessera.Signer(key).sign(claims)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_has_not_are_a_value_error(key: tessera.PrivateKey, number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        tessera.Signer(key).sign({"a": number})


def test_claims_that_hold_themselves_are_a_value_error(key: tessera.PrivateKey) -> None:
    claims: dict[str, Any] = {}
    claims["claims"] = claims
    with pytest.raises(ValueError, match="Circular"):
        tessera.Signer(key).sign(claims)


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "claims",
    [
        b"",
        b"[]",
        b"1",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b"\xff",
        {"a": "\ud800"},
        {1: "a", "1": "b"},
    ],
)
def test_claims_that_are_no_strict_json_object_are_malformed(key: tessera.PrivateKey, claims: Any) -> None:
    with pytest.raises(tessera.TokenError) as caught:
        tessera.Signer(key).sign(claims)
    assert caught.value.code == "claims_malformed"


def test_claims_may_be_32_levels_deep(key: tessera.PrivateKey) -> None:
    assert tessera.Signer(key).sign(nested(32)).count(".") == 2
    for depth in (33, 100_000):
        with pytest.raises(tessera.TokenError) as caught:
            tessera.Signer(key).sign(nested(depth))
        assert caught.value.code == "claims_malformed"


@pytest.mark.parametrize("claims", ["{}", bytearray(b"{}"), memoryview(b"{}"), None, 1, [("a", 1)]])
def test_claims_are_a_mapping_or_bytes(key: tessera.PrivateKey, claims: Any) -> None:
    with pytest.raises(TypeError, match="claims must be a mapping or bytes"):
        tessera.Signer(key).sign(claims)


def test_a_payload_has_at_most_64_kib(key: tessera.PrivateKey) -> None:
    signer = tessera.Signer(key)
    fill = 65536 - len('{"a":""}')
    assert signer.sign({"a": "x" * fill}).count(".") == 2
    with pytest.raises(tessera.LimitError) as caught:
        signer.sign({"a": "x" * (fill + 1)})
    assert caught.value.code == "limit_exceeded"


@pytest.mark.parametrize("type_", ["", "x" * 65, 'a"b', "a\\b", "é", "a\n", "\ud800"])
def test_a_type_is_1_to_64_plain_characters(key: tessera.PrivateKey, type_: str) -> None:
    assert tessera.Signer(key).sign({}, type="x" * 64).count(".") == 2
    with pytest.raises(tessera.Error):
        tessera.Signer(key).sign({}, type=type_)


@pytest.mark.parametrize("key", [None, "pem", 1])
def test_a_signer_takes_a_private_key_or_a_set(key: Any) -> None:
    with pytest.raises(TypeError, match="key must be PrivateKey or KeySet"):
        tessera.Signer(key)


def test_a_public_key_makes_no_signer(key: tessera.PrivateKey) -> None:
    public: Any = key.public_key
    with pytest.raises(TypeError, match="key must be PrivateKey or KeySet"):
        tessera.Signer(public)


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(payload=st.binary(max_size=200))
def test_plain_jws_carry_any_payload_under_any_header(key: tessera.PrivateKey, payload: bytes) -> None:
    header = b'{"alg":"RS256","x":[1]}'
    assert tessera.verify_jws(tessera.sign_jws(key, header, payload), key.public_key) == (header, payload)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"", "header_malformed"),
        (b"[]", "header_malformed"),
        (b'{"alg":"RS256","alg":"RS256"}', "header_malformed"),
        (b"{}", "algorithm_not_allowed"),
        (b'{"alg":"none"}', "algorithm_not_allowed"),
        (b'{"alg":"RS256","crit":["x"],"x":1}', "header_forbidden"),
    ],
)
def test_a_header_that_would_be_refused_is_not_signed(key: tessera.PrivateKey, header: bytes, code: str) -> None:
    with pytest.raises(tessera.TokenError) as caught:
        tessera.sign_jws(key, header, b"")
    assert caught.value.code == code


def test_plain_jws_take_bytes_only(key: tessera.PrivateKey) -> None:
    changing: Any = bytearray(b'{"alg":"RS256"}')
    with pytest.raises(TypeError, match="header must be bytes, not bytearray"):
        tessera.sign_jws(key, changing, b"")
    with pytest.raises(TypeError, match="payload must be bytes, not bytearray"):
        tessera.sign_jws(key, b'{"alg":"RS256"}', changing)
