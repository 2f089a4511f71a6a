# SPDX-License-Identifier: Apache-2.0
"""tessera.jwt answers what PyJWT answers: result by result, exception by exception."""

import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import product
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

import tessera
from bindings.jwt_peer import both, is_same
from tessera import jwt

NOW = int(time.time())
BASE: dict[str, Any] = {
    "iss": "me",
    "aud": "api",
    "sub": "alice",
    "jti": "1",
    "iat": NOW - 60,
    "nbf": NOW - 60,
    "exp": NOW + 3600,
}
ABSENT = object()

# One claim changed (or taken away). Times keep away from now: both read their own clock.
CHANGES: list[tuple[str, Any]] = [
    *(
        ("exp", value)
        for value in (ABSENT, NOW - 100, NOW - 5.5, NOW + 100.5, 0, -1, 2**53, 2**70, 1e30, None, [], {}, "x", "")
    ),
    *(("nbf", value) for value in (ABSENT, NOW + 100, NOW + 100.5, NOW - 0.5, 0, -1, 2**70, None, [], {}, "x")),
    *(("iat", value) for value in (ABSENT, NOW + 100, NOW + 100.5, 0, -1, 2**70, None, [], {}, "x")),
    *(("iss", value) for value in (ABSENT, "other", "", "m", "mee", 1, None, ["me"], {"a": "me"})),
    *(
        ("aud", value)
        for value in (ABSENT, "other", "", [], ["api"], ["x", "api"], ["x"], [1], ["api", 1], {"api": 1}, 1, None, "ap")
    ),
    *(("sub", value) for value in (ABSENT, "bob", "", 1, None, ["alice"])),
    *(("jti", value) for value in (ABSENT, "", 1, None, ["1"])),
    *(("extra", value) for value in (None, True, 1.5, "é", "\u0000", [1, {"a": [None]}], 10**400)),
]

# Arguments of decode beside the key and the algorithms.
CALLS: list[dict[str, Any]] = [
    {},
    {"audience": "api"},
    {"audience": ["x", "api"]},
    {"audience": {"api"}},
    {"audience": []},
    {"audience": ""},
    {"audience": 1},
    {"audience": "api", "issuer": "me"},
    {"audience": "api", "issuer": ["me", "you"]},
    {"audience": "api", "issuer": {"me": 1}},
    {"audience": "api", "issuer": "you"},
    {"audience": "api", "issuer": 1},
    {"audience": "api", "subject": "alice"},
    {"audience": "api", "subject": "bob"},
    {"audience": "api", "leeway": 3600},
    {"audience": "api", "leeway": 0.5},
    {"audience": "api", "leeway": timedelta(minutes=5)},
    {"audience": "api", "leeway": -7200},
    {"audience": "api", "options": {"require": ["exp", "iat", "nbf", "iss", "aud", "sub", "jti"]}},
    {"audience": "api", "options": {"require": ["extra"]}},
    {"audience": "api", "options": {"strict_aud": True}},
    {"audience": ["api"], "options": {"strict_aud": True}},
    {"issuer": "you", "subject": "bob", "options": {"verify_aud": False, "verify_iss": False, "verify_sub": False}},
    {
        "audience": "api",
        "options": {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_jti": False},
    },
    {"audience": "api", "options": {"verify_exp": False}},
    {"options": {"verify_signature": False}},
    {"options": {"verify_signature": False, "verify_exp": True, "verify_aud": True}},
    {"audience": "api", "options": {"unknown": True}},
]


@pytest.fixture(scope="module")
def public_key(key: tessera.PrivateKey) -> object:
    """Read once: PyJWT reads a PEM at each call."""
    return load_pem_public_key(key.public_key.to_pem().encode())


@pytest.fixture(scope="module")
def public_pem(key: tessera.PrivateKey) -> str:
    return key.public_key.to_pem()


def changed(name: str, value: object) -> dict[str, Any]:
    claims = {**BASE, name: value}
    return {other: kept for other, kept in claims.items() if kept is not ABSENT}


def told(value: object) -> str:
    """A name that is the same in every process that collects the tests."""
    if value is ABSENT:
        return "absent"
    if isinstance(value, int | float) and abs(value - NOW) < 86_400:
        return f"now{value - NOW:+}"
    return repr(value)[:20]


@pytest.mark.parametrize(("name", "value"), CHANGES, ids=told)
def test_each_claim_is_judged_alike_under_every_call(
    key: tessera.PrivateKey, public_key: object, name: str, value: object
) -> None:
    token = tessera.sign_jws(key, b'{"alg":"RS256","typ":"JWT"}', pyjwt.PyJWT()._encode_payload(changed(name, value)))
    for call in CALLS:
        theirs, mine = both("decode", token, public_key, algorithms=["RS256"], **call)
        assert is_same(theirs, mine), (call, theirs, mine)


def test_the_table_has_hundreds_of_rows_with_every_exception() -> None:
    assert len(CHANGES) * len(CALLS) > 1500


@pytest.mark.parametrize(
    ("headers", "sort"),
    list(
        product(
            [
                None,
                {},
                {"kid": "k1"},
                {"typ": None},
                {"typ": "at+jwt", "a": 1},
                {"alg": "RS256"},
                {"b64": True},
            ],
            [True, False],
        )
    ),
)
@pytest.mark.parametrize(
    "payload",
    [{}, BASE, {"name": "Nguyễn", "b": [1.5, None, True, {"z": "\u0000"}]}, {"exp": datetime(2030, 1, 1, tzinfo=UTC)}],
)
def test_both_write_the_same_token_byte_for_byte(
    key: tessera.PrivateKey, payload: dict[str, Any], headers: dict[str, Any] | None, sort: bool
) -> None:
    theirs, mine = both("encode", payload, key.to_pem(), algorithm="RS256", headers=headers, sort_headers=sort)
    assert theirs[0] == "value"
    assert theirs == mine


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2030, 1, 1, tzinfo=UTC),
        datetime(2030, 1, 1),  # noqa: DTZ001 (read as UTC)
        datetime(2030, 1, 1, 12, 30, 15, 999, tzinfo=timezone(timedelta(hours=7))),
    ],
)
def test_datetimes_become_the_same_seconds(key: tessera.PrivateKey, moment: datetime) -> None:
    payload = {"exp": moment, "iat": moment, "nbf": moment}
    theirs, mine = both("encode", payload, key.to_pem(), algorithm="RS256")
    assert theirs == mine
    assert isinstance(payload["exp"], datetime)


@pytest.mark.parametrize(
    ("payload", "options"),
    [
        (None, {}),
        ([], {}),
        ("text", {}),
        (b"{}", {}),
        ({"iss": 1}, {}),
        ({"iss": None}, {}),
        ({"a": object()}, {}),
        ({"a": {1}}, {}),
        ({"other": datetime(2030, 1, 1, tzinfo=UTC)}, {}),
        ({(1,): 1}, {}),
        ({}, {"headers": {"kid": 1}}),
        ({}, {"headers": {"kid": None}}),
        ({}, {"headers": {"x": object()}}),
        ({}, {"algorithm": "XX256"}),
        ({}, {"algorithm": ""}),
        ({}, {"headers": {"alg": "XX256"}}),
    ],
)
def test_bad_arguments_of_encode_raise_alike(key: tessera.PrivateKey, payload: Any, options: dict[str, Any]) -> None:
    theirs, mine = both("encode", payload, key.to_pem(), **{"algorithm": "RS256", **options})
    assert theirs[0] == "error"
    assert theirs == mine


@pytest.mark.parametrize(
    "algorithms", [None, [], (), ["HS256"], ["none"], ["RS384", "PS256"], {"RS256"}, ("HS256", "RS256"), "RS256"]
)
def test_algorithms_are_required_and_decide_alike(public_pem: str, key: tessera.PrivateKey, algorithms: Any) -> None:
    token = pyjwt.encode({"sub": "alice"}, key.to_pem(), algorithm="RS256")
    theirs, mine = both("decode", token, public_pem, algorithms=algorithms)
    assert theirs == mine
    theirs, mine = both("decode", token + "x", public_pem, algorithms=algorithms)
    assert theirs == mine


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a", "a.b", "a.b.c", "a.b.c.d", None, 1, [], bytearray(b"a.b.c"), b"a.b.c", "é", b"\xff.\xff.\xff"],
)
def test_what_is_no_token_is_refused_alike(public_pem: str, token: Any) -> None:
    for name, options in (
        ("decode", {"key": public_pem, "algorithms": ["RS256"]}),
        ("decode_complete", {"options": {"verify_signature": False}}),
        ("get_unverified_header", {}),
    ):
        theirs, mine = both(name, token, **options)
        assert theirs == mine
        assert theirs[0] == "error"


def test_the_whole_token_comes_back_alike(key: tessera.PrivateKey, public_pem: str) -> None:
    token = jwt.encode(BASE, key, headers={"kid": "k1", "x": [1]})
    for options in ({"algorithms": ["RS256"], "audience": "api"}, {"options": {"verify_signature": False}}):
        theirs, mine = both("decode_complete", token, public_pem, **options)
        assert theirs[0] == "value"
        assert theirs == mine
    assert both("get_unverified_header", token)[0] == both("get_unverified_header", token.encode())[1]


def exceptions_of(module: Any) -> Iterator[type[Exception]]:
    for member in vars(module).values():
        if isinstance(member, type) and issubclass(member, Exception) and member.__module__ == module.__name__:
            yield member


def test_names_and_tree_of_the_exceptions_are_pyjwts() -> None:
    from jwt import exceptions as their_exceptions
    from jwt import warnings as their_warnings

    def tree(*modules: Any) -> dict[str, list[str]]:
        return {
            kind.__name__: [base.__name__ for base in kind.__mro__]
            for module in modules
            for kind in exceptions_of(module)
        }

    assert tree(jwt.exceptions, jwt.warnings) == tree(their_exceptions, their_warnings)
    shown = {
        name
        for name in dir(pyjwt)
        if isinstance(getattr(pyjwt, name), type) and issubclass(getattr(pyjwt, name), Exception)
    }
    assert shown <= set(jwt.__all__)


def test_a_missing_claim_is_named_alike(key: tessera.PrivateKey, public_pem: str) -> None:
    token = jwt.encode({}, key)
    with pytest.raises(jwt.MissingRequiredClaimError) as mine:
        jwt.decode(token, public_pem, ["RS256"], options={"require": ["exp"]})
    with pytest.raises(pyjwt.MissingRequiredClaimError) as theirs:
        pyjwt.decode(token, public_pem, ["RS256"], options={"require": ["exp"]})
    assert (mine.value.claim, str(mine.value)) == (theirs.value.claim, str(theirs.value))


def test_arguments_stand_in_the_same_places(key: tessera.PrivateKey, public_pem: str) -> None:
    token = jwt.encode(BASE, key.to_pem(), "RS256", {"kid": "k"}, None, True)
    assert token == pyjwt.encode(BASE, key.to_pem(), "RS256", {"kid": "k"}, None, True)
    for name, tail in (("decode", ("alice", "me")), ("decode_complete", ("me", "alice"))):
        theirs, mine = both(name, token, public_pem, ["RS256"], None, None, None, "api", *tail, 5)
        assert theirs[0] == "value"
        assert theirs == mine


@pytest.mark.parametrize(
    "options", [{"verify": False}, {"verify": True, "options": {"verify_signature": False}}, {"nonsense": 1}]
)
def test_outdated_arguments_warn_alike(key: tessera.PrivateKey, public_pem: str, options: dict[str, Any]) -> None:
    token = jwt.encode({}, key)
    seen = []
    for module in (pyjwt, jwt):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            decode: Any = module.decode
            assert decode(token, public_pem, algorithms=["RS256"], **options) == {}
        seen.append([warning.category.__name__ for warning in caught])
    assert seen[0] == seen[1]
    assert len(seen[0]) == 1
