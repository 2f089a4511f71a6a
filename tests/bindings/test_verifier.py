# SPDX-License-Identifier: Apache-2.0
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tessera
from attacks import Forge, b64

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=10,
)
OWN_CLAIMS = st.dictionaries(st.text(max_size=12).map(lambda name: f"x-{name}"), JSON_VALUES, max_size=6)


class LyingStr(str):
    """A str whose methods say something else than what it holds."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return b"lies"

    def __str__(self) -> str:
        return "lies"


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(own=OWN_CLAIMS)
def test_what_was_signed_is_what_comes_back(key: tessera.PrivateKey, own: dict[str, Any]) -> None:
    policy = tessera.Policy(ignore_issuer=True, ignore_audience=True, required_claims=[], max_token_bytes=65536)
    claims = {"exp": 2_000_000_000, **own}
    assert tessera.Verifier(key.public_key, policy).verify(tessera.Signer(key).sign(claims), now=1) == claims


def test_a_token_is_read_as_str_and_as_bytes(
    verifier: tessera.Verifier, token: str, claims: dict[str, Any], now: int
) -> None:
    assert verifier.verify(token, now=now) == claims
    assert verifier.verify(token.encode(), now=now) == claims
    assert verifier.verify(LyingStr(token), now=now) == claims


def test_the_payload_comes_back_as_it_was_signed(
    verifier: tessera.Verifier, token: str, claims: dict[str, Any], now: int
) -> None:
    assert verifier.verify_bytes(token, now=now) == json.dumps(claims, separators=(",", ":")).encode()


def test_white_space_around_the_payload_is_json(
    verifier: tessera.Verifier, forge: Forge, claims: dict[str, Any], now: int
) -> None:
    token = forge.sign_bytes(json.dumps(forge.header).encode(), b"\r\n\t " + json.dumps(claims).encode() + b" \n")
    assert verifier.verify(token, now=now) == claims


def test_without_a_time_it_is_now(key: tessera.PrivateKey, policy: tessera.Policy, claims: dict[str, Any]) -> None:
    verifier, signer, present = tessera.Verifier(key.public_key, policy), tessera.Signer(key), int(time.time())
    times = {"iat": present, "nbf": present}
    assert verifier.verify(signer.sign({**claims, **times, "exp": present + 60}))["sub"] == "alice"
    with pytest.raises(tessera.ExpiredTokenError) as caught:
        verifier.verify(signer.sign({**claims, **times, "exp": present}), now=None)
    assert caught.value.code == "token_expired"


@pytest.mark.parametrize("value", [bytearray(b"a.b.c"), memoryview(b"a.b.c"), None, 1, ["a.b.c"]])
def test_a_token_is_str_or_bytes_and_nothing_that_can_change(verifier: tessera.Verifier, value: Any, now: int) -> None:
    for call in (verifier.verify, verifier.verify_bytes):
        with pytest.raises(TypeError, match=f"token must be str or bytes, not {type(value).__name__}"):
            call(value, now=now)
    with pytest.raises(TypeError, match="every token must be str or bytes"):
        verifier.verify_many([value], now=now)


@pytest.mark.parametrize("text", ["é", "\ud800", "a.\udfff.c", "\uff41.b.c", "\U0001f600", "\x00", ""])
def test_text_that_is_no_ascii_is_a_malformed_token(verifier: tessera.Verifier, text: str, now: int) -> None:
    with pytest.raises(tessera.TokenError) as caught:
        verifier.verify(text, now=now)
    assert caught.value.code == "token_malformed"


@pytest.mark.parametrize("now", [1.5, "1", True, b"1"])
def test_a_time_is_a_whole_number(verifier: tessera.Verifier, token: str, now: Any) -> None:
    with pytest.raises(TypeError, match="now must be int"):
        verifier.verify(token, now=now)


def test_a_time_beyond_64_bits_overflows(verifier: tessera.Verifier, token: str) -> None:
    with pytest.raises(OverflowError):
        verifier.verify(token, now=2**63)
    with pytest.raises(tessera.ExpiredTokenError):
        verifier.verify(token, now=2**63 - 1)
    with pytest.raises(tessera.TokenError):
        verifier.verify(token, now=-(2**63))


def test_many_tokens_give_one_entry_each_in_order(
    verifier: tessera.Verifier, key: tessera.PrivateKey, claims: dict[str, Any], now: int
) -> None:
    signer = tessera.Signer(key)
    tokens: list[str | bytes] = [signer.sign({**claims, "jti": str(number)}) for number in range(20)]
    tokens[3] = "broken"
    tokens[5] = signer.sign({**claims, "exp": now})
    tokens[7] = tokens[7].encode() if isinstance(tokens[7], str) else tokens[7]
    tokens[9] = "\ud800"
    entries = verifier.verify_many(tokens, now=now)
    codes = {index: entry.code for index, entry in enumerate(entries) if isinstance(entry, tessera.TokenError)}
    assert codes == {3: "token_malformed", 5: "token_expired", 9: "token_malformed"}
    assert isinstance(entries[5], tessera.ExpiredTokenError)
    assert [entry["jti"] for entry in entries if isinstance(entry, dict)] == [
        str(n) for n in range(20) if n not in codes
    ]


def test_no_tokens_give_no_entries(verifier: tessera.Verifier) -> None:
    assert verifier.verify_many([]) == []
    assert verifier.verify_many(()) == []


def test_tokens_are_a_sequence(verifier: tessera.Verifier) -> None:
    nothing: Any = 5
    with pytest.raises(TypeError):
        verifier.verify_many(nothing)


def test_a_revoked_token_or_session_is_refused(
    key: tessera.PrivateKey, policy: tessera.Policy, token: str, now: int
) -> None:
    revoked = tessera.RevocationSet()
    verifier = tessera.Verifier(key.public_key, policy, cache=tessera.TokenCache(), revocations=revoked)
    assert verifier.verify(token, now=now)["jti"] == "0190-jti"
    revoked.revoke_session("0190-sid", expires_at=now + 1000)
    with pytest.raises(tessera.RevokedTokenError) as session:
        verifier.verify(token, now=now)
    revoked.revoke_jti("0190-jti", expires_at=now + 1000)
    with pytest.raises(tessera.RevokedTokenError) as jti:
        verifier.verify_bytes(token, now=now)
    assert (session.value.code, jti.value.code) == ("session_revoked", "token_revoked")
    assert isinstance(verifier.verify_many([token], now=now)[0], tessera.RevokedTokenError)


def test_a_big_integer_is_exact_up_to_pythons_own_limit(
    verifier: tessera.Verifier, forge: Forge, claims: dict[str, Any], now: int
) -> None:
    most = sys.get_int_max_str_digits()
    text = json.dumps(claims)[:-1].encode()

    def token(digits: int) -> str:
        return forge.sign_bytes(json.dumps(forge.header).encode(), text + b',"x":' + b"9" * digits + b"}")

    assert verifier.verify(token(most), now=now)["x"] == 10**most - 1
    with pytest.raises(tessera.TokenError) as caught:
        verifier.verify(token(most + 1), now=now)
    assert caught.value.code == "claims_malformed"
    entry = verifier.verify_many([token(most + 1)], now=now)[0]
    assert isinstance(entry, tessera.TokenError)
    assert verifier.verify_bytes(token(most + 1), now=now).count(b"9") > most


def test_a_header_without_a_kid_is_refused(
    verifier: tessera.Verifier, forge: Forge, claims: dict[str, Any], now: int
) -> None:
    with pytest.raises(tessera.TokenError) as caught:
        verifier.verify(forge.sign({"alg": "RS256", "typ": "at+jwt"}, claims), now=now)
    assert caught.value.code == "key_id_missing"


def test_plain_jws_need_a_right_signature_only(
    key: tessera.PrivateKey, other_key: tessera.PrivateKey, forge: Forge
) -> None:
    token = forge.sign_bytes(b'{"alg":"RS256"}', b"\x00\xff any bytes")
    assert tessera.verify_jws(token.encode(), key.public_key) == (b'{"alg":"RS256"}', b"\x00\xff any bytes")
    with pytest.raises(tessera.TokenError) as caught:
        tessera.verify_jws(token, other_key.public_key)
    assert caught.value.code == "signature_invalid"
    assert tessera.verify_jws(token, key.public_key, max_bytes=len(token))[1]
    with pytest.raises(tessera.TokenError) as too_large:
        tessera.verify_jws(token, key.public_key, max_bytes=len(token) - 1)
    assert too_large.value.code == "token_too_large"


def test_an_unsigned_token_is_no_jws(key: tessera.PrivateKey) -> None:
    token = ".".join((b64(b'{"alg":"none"}'), b64(b"{}"), ""))
    with pytest.raises(tessera.TokenError) as caught:
        tessera.verify_jws(token, key.public_key)
    assert caught.value.code == "algorithm_not_allowed"


def test_a_verifier_is_made_of_keys_and_a_policy(key: tessera.PrivateKey, policy: tessera.Policy) -> None:
    for arguments in ((key, policy), (key.public_key, None), (None, policy), (policy, key.public_key)):
        wrong: Any = arguments
        with pytest.raises(TypeError):
            tessera.Verifier(*wrong)
    cache: Any = {}
    with pytest.raises(TypeError, match="cache must be TokenCache"):
        tessera.Verifier(key.public_key, policy, cache=cache)
    with pytest.raises(TypeError, match="revocations must be RevocationSet"):
        tessera.Verifier(key.public_key, policy, revocations=cache)


def test_a_mistaken_call_does_not_quote_the_token(verifier: tessera.Verifier, token: str) -> None:
    call: Any = verifier.verify
    for arguments, options in (
        ((token, 5), {}),
        ((token,), {"nwo": 5}),
        ((token,), {"token": token}),
        ((), {"token_": token}),
    ):
        with pytest.raises(TypeError) as caught:
            call(*arguments, **options)
        assert token[:20] not in str(caught.value)


def test_an_object_that_was_never_initialised_holds_nothing(token: str, policy: tessera.Policy) -> None:
    for kind in (tessera.Verifier, tessera.Checker, tessera.KeySet, tessera.TokenCache, tessera.PrivateKey):
        empty: Any = kind.__new__(kind)
        uses: tuple[Callable[[Any], object], ...] = (
            len,
            lambda it: it.kid,
            lambda it: it.verify(token),
            lambda it: it.check(token),
            lambda it: it.replace([]),
            lambda it: it.to_pem(),
            lambda it: tessera.Verifier(it, policy),
            lambda it: tessera.Signer(it),
        )
        for use in uses:
            with pytest.raises((TypeError, AttributeError)):
                use(empty)
