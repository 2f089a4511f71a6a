# SPDX-License-Identifier: Apache-2.0
import hashlib
import hmac
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tessera

PEPPER = bytes(range(32))


def test_a_pair_has_an_id_of_20_and_a_secret_of_40_characters() -> None:
    pairs = [tessera.AccessKey.generate() for _ in range(100)]
    assert all(re.fullmatch("TSRA[A-Z2-7]{16}", pair.id) for pair in pairs)
    assert all(re.fullmatch("[A-Za-z0-9+/]{40}", pair.secret) for pair in pairs)
    assert len({pair.id for pair in pairs}) == len({pair.secret for pair in pairs}) == 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TSRA" + "A" * 16, True),
        ("TSRA" + "7" * 16, True),
        ("TSRA" + "A" * 15, False),
        ("TSRA" + "A" * 17, False),
        ("AKIA" + "A" * 16, False),
        ("TSRA" + "a" * 16, False),
        ("TSRA" + "1" * 16, False),
        ("TSRA" + "A" * 15 + "\n", False),
        ("", False),
        ("\ud800", False),
    ],
)
def test_an_id_is_judged_by_length_and_alphabet(text: str, expected: bool) -> None:
    assert tessera.AccessKey.is_well_formed_id(text) is expected


def test_the_repr_shows_the_id_alone_and_a_pair_is_not_pickled() -> None:
    pair = tessera.AccessKey.generate()
    assert repr(pair) == f"<tessera.AccessKey id='{pair.id}'>"
    with pytest.raises(TypeError, match="cannot pickle or copy"):
        pickle.dumps(pair)


@settings(deadline=None)  # the machine may be busy; nothing here is timed
@given(
    key_id=st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=40),
    secret=st.binary(max_size=80),
    pepper=st.binary(min_size=32, max_size=200),
)
def test_a_hash_is_the_hmac_of_id_and_secret(key_id: str, secret: bytes, pepper: bytes) -> None:
    hasher: Any = tessera.AccessKeyHasher(pepper)
    expected = hmac.new(pepper, key_id.encode() + b"\x00" + secret, hashlib.sha256).digest()
    assert hasher.hash(key_id, secret) == expected
    assert hasher.verify(key_id, secret, expected=expected)


def test_only_the_same_pair_under_the_same_pepper_verifies() -> None:
    pair, other = tessera.AccessKey.generate(), tessera.AccessKey.generate()
    hasher = tessera.AccessKeyHasher(PEPPER)
    stored = hasher.hash(pair.id, pair.secret)
    assert hasher.verify(pair.id, pair.secret, expected=stored)
    assert not hasher.verify(other.id, pair.secret, expected=stored)
    assert not hasher.verify(pair.id, other.secret, expected=stored)
    assert not hasher.verify(pair.id, pair.secret[0] + other.secret[1:], expected=stored)
    assert not hasher.verify(pair.id, "", expected=stored)
    assert not tessera.AccessKeyHasher(PEPPER[::-1]).verify(pair.id, pair.secret, expected=stored)


def test_an_id_with_a_nul_is_refused_since_it_could_stand_for_two_pairs() -> None:
    hasher = tessera.AccessKeyHasher(PEPPER)
    with pytest.raises(tessera.LimitError):
        hasher.hash("a\x00b", "c")
    assert not hasher.verify("a\x00b", "c", expected=hasher.hash("a", "b\x00c"))


def test_a_pepper_has_at_least_32_bytes() -> None:
    assert len(tessera.AccessKeyHasher(bytes(32)).hash("id", "secret")) == 32
    with pytest.raises(tessera.LimitError) as caught:
        tessera.AccessKeyHasher(bytes(31))
    assert caught.value.code == "limit_exceeded"


@pytest.mark.parametrize("expected", [b"", bytes(31), bytes(33)])
def test_a_stored_hash_has_32_bytes(expected: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        tessera.AccessKeyHasher(PEPPER).verify("id", "secret", expected=expected)


def test_wrong_types_are_refused_without_quoting_the_secret() -> None:
    hasher: Any = tessera.AccessKeyHasher(PEPPER)
    calls: tuple[Callable[[], object], ...] = (
        lambda: hasher.hash("id", bytearray(b"hunter2")),
        lambda: hasher.hash(1, "hunter2"),
        lambda: hasher.hash("id", "hunter2", "hunter2"),
        lambda: hasher.verify("id", "hunter2", expected="hunter2"),
        lambda: hasher.verify("id", "hunter2", bytes(32)),
    )
    for call in calls:
        with pytest.raises(TypeError) as caught:
            call()
        assert "hunter2" not in str(caught.value)
    pepper: Any = "x" * 32
    with pytest.raises(TypeError, match="pepper must be bytes"):
        tessera.AccessKeyHasher(pepper)
