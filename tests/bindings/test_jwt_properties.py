# SPDX-License-Identifier: Apache-2.0
"""Hypothesis invents the payloads, headers and times; PyJWT says what is right."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jwt as pyjwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

import tessera
from bindings.jwt_peer import both, is_same
from tessera import jwt

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
TREES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=8,
)
REGISTERED = {"iss", "aud", "sub", "jti", "exp", "iat", "nbf"}
OWN = st.dictionaries(TEXT.filter(lambda name: name not in REGISTERED), TREES, max_size=5)
HEADERS = st.dictionaries(st.sampled_from(["x", "cty", "a"]), TREES, max_size=3)
# Near the present nothing is drawn: both sides read their own clock.
TIMES = st.integers(-(10**6), -60) | st.integers(60, 10**6)
NAMES = st.sampled_from(["a", "b", "c", ""])


@lru_cache
def _cryptography(pem: str) -> Any:
    """Read once: PyJWT reads a PEM at each call."""
    return load_pem_private_key(pem.encode(), None)


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(payload=OWN, headers=HEADERS)
def test_either_reads_what_the_other_wrote(
    key: tessera.PrivateKey, payload: dict[str, Any], headers: dict[str, Any]
) -> None:
    private, public = _cryptography(key.to_pem()), key.public_key.to_pem()
    theirs = pyjwt.encode(payload, private, algorithm="RS256", headers=headers)
    mine = jwt.encode(payload, key, headers=headers)
    assert theirs == mine
    ours_of_theirs = jwt.decode_complete(theirs, public, ["RS256"])
    theirs_of_ours = pyjwt.decode_complete(mine, public, ["RS256"])
    assert repr(ours_of_theirs) == repr(theirs_of_ours)
    assert ours_of_theirs["payload"] == payload


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(
    offsets=st.dictionaries(st.sampled_from(["exp", "iat", "nbf"]), TIMES | st.floats(60.5, 10**6), max_size=3),
    claims=st.fixed_dictionaries(
        {}, optional={"iss": NAMES | NUMBERS, "aud": NAMES | st.lists(NAMES, max_size=3), "sub": NAMES, "jti": NAMES}
    ),
    leeway=st.sampled_from([0, 30, -30, 0.25]),
    audience=st.none() | NAMES | st.lists(NAMES, max_size=3),
    issuer=st.none() | NAMES | st.lists(NAMES, max_size=3),
    subject=st.none() | NAMES,
    switches=st.dictionaries(
        st.sampled_from(["verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss", "strict_aud"]),
        st.booleans(),
        max_size=3,
    ),
)
def test_claims_are_judged_alike(
    key: tessera.PrivateKey,
    offsets: dict[str, float],
    claims: dict[str, Any],
    leeway: float,
    switches: dict[str, bool],
    **expected: Any,
) -> None:
    now = time.time()
    payload = {**claims, **{name: type(offset)(now + offset) for name, offset in offsets.items()}}
    token = tessera.sign_jws(key, b'{"alg":"RS256"}', pyjwt.PyJWT()._encode_payload(payload))
    theirs, mine = both(
        "decode", token, key.public_key.to_pem(), algorithms=["RS256"], leeway=leeway, options=switches, **expected
    )
    assert is_same(theirs, mine)


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(text=st.text(max_size=60) | st.binary(max_size=60))
def test_no_text_makes_anything_but_a_refusal(key: tessera.PrivateKey, text: str | bytes) -> None:
    calls: tuple[Callable[[], object], ...] = (
        lambda: jwt.decode(text, key.public_key, ["RS256"]),
        lambda: jwt.decode(text, options={"verify_signature": False}),
        lambda: jwt.get_unverified_header(text),
    )
    for call in calls:
        try:
            call()
        except jwt.DecodeError:
            continue
        raise AssertionError("accepted")


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(position=st.integers(0, 10**6), character=st.sampled_from("AZaz09-_.=+/ \n\x00é"))
def test_no_other_character_anywhere_verifies(key: tessera.PrivateKey, position: int, character: str) -> None:
    token = jwt.encode({"sub": "alice"}, key)
    index = position % len(token)
    other = token[:index] + character + token[index + 1 :]
    if other == token:
        return
    try:
        jwt.decode(other, key.public_key, ["RS256"])
    except jwt.InvalidTokenError:
        return
    raise AssertionError("accepted")
