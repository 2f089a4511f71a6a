# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

import pytest

import tessera
from engine.world import config
from tessera_service.engine.claims import CLAIMS, MAX_TOKEN_CHARS, TYPES, Draft, check_size, payload_of, read_claims
from tessera_service.errors import TokenTooLarge
from tessera_service.models import TokenKind


def draft(kind: TokenKind, **changes: Any) -> Draft:
    values: dict[str, Any] = {
        "kind": kind,
        "issuer": "https://tokens.example",
        "audience": "dx-vas",
        "subject": "alice",
        "tenant_id": "tenant-a",
        "jti": "jti-1",
        "issued_at": 100,
        "expires_at": 1000,
        "session_id": None if kind is TokenKind.SERVICE else "sid-1",
        "client_id": "web",
        "scope": "read write",
        "permissions": ("user.read",),
        "roles": ("teacher",),
        "username": "Alice",
    }
    return Draft(**(values | changes))


EVERY = {"iss", "sub", "aud", "iat", "nbf", "exp", "jti", "tenant_id", "token_type"}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (TokenKind.ACCESS, EVERY | {"sid", "client_id", "scope", "permissions", "roles", "user_id", "username"}),
        (TokenKind.SERVICE, EVERY | {"client_id", "scope", "permissions"}),
        (TokenKind.REFRESH, EVERY | {"sid"}),
        (TokenKind.SESSION, EVERY | {"sid"}),
    ],
)
def test_each_kind_carries_its_claims_and_no_other(kind: TokenKind, names: set[str]) -> None:
    assert set(json.loads(payload_of(draft(kind)))) == names


def test_claims_stand_in_the_order_of_their_rows() -> None:
    names = list(json.loads(payload_of(draft(TokenKind.ACCESS))))
    assert names == [row.name for row in CLAIMS]


def test_the_same_draft_gives_the_same_bytes() -> None:
    assert payload_of(draft(TokenKind.ACCESS)) == payload_of(draft(TokenKind.ACCESS))


def test_times_are_whole_seconds_and_a_token_is_valid_from_its_issue() -> None:
    claims = json.loads(payload_of(draft(TokenKind.ACCESS)))
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (100, 100, 1000)
    assert all(type(claims[name]) is int for name in ("iat", "nbf", "exp"))


def test_a_username_that_is_not_known_is_left_out() -> None:
    assert "username" not in json.loads(payload_of(draft(TokenKind.ACCESS, username=None)))


def test_names_of_people_are_written_as_utf_8() -> None:
    assert "Đặng".encode() in payload_of(draft(TokenKind.ACCESS, username="Đặng"))


@pytest.mark.parametrize("kind", list(TokenKind))
def test_what_was_drafted_is_read_again(kind: TokenKind) -> None:
    claims = read_claims(payload_of(draft(kind)), TYPES[kind])
    assert claims is not None
    assert (claims.kind, claims.subject, claims.tenant_id, claims.jti) == (kind, "alice", "tenant-a", "jti-1")
    assert (claims.session_id, claims.issued_at, claims.expires_at) == ("" if kind == "service" else "sid-1", 100, 1000)


AGREED = {
    ("at+jwt", "access", True),
    ("at+jwt", "service", False),
    ("rt+jwt", "refresh", True),
    ("st+jwt", "session", True),
}


@pytest.mark.parametrize("typ", ["at+jwt", "rt+jwt", "st+jwt", "JWT", ""])
@pytest.mark.parametrize("token_type", ["access", "service", "refresh", "session", "Access", "other"])
@pytest.mark.parametrize("has_session", [True, False])
def test_type_token_type_and_session_have_to_agree(typ: str, token_type: str, has_session: bool) -> None:
    members = json.loads(payload_of(draft(TokenKind.ACCESS))) | {"token_type": token_type}
    if not has_session:
        del members["sid"]
    read = read_claims(json.dumps(members).encode(), typ)
    assert (read is not None) == ((typ, token_type, has_session) in AGREED)


@pytest.mark.parametrize("kind", [TokenKind.ACCESS, TokenKind.REFRESH, TokenKind.SERVICE])
def test_the_limit_counts_the_signed_token_exactly(kind: TokenKind) -> None:
    key = tessera.PrivateKey.generate()

    def token_of(length: int) -> tuple[bytes, str]:
        payload = payload_of(draft(kind, subject="a" * length))
        return payload, tessera.Signer(key).sign(payload, type=TYPES[kind])

    passed = refused = 0
    for length in range(700, 2800):
        payload = payload_of(draft(kind, subject="a" * length))
        try:
            check_size(payload, kind=kind, kid=key.kid, key_bits=key.bits)
            passed = length
        except TokenTooLarge:
            refused = length
            break
    assert refused == passed + 1
    assert len(token_of(passed)[1]) <= MAX_TOKEN_CHARS < len(token_of(refused)[1])


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"issuer": ""}, "ISSUER"),
        ({"access_token_ttl": 0}, "ACCESS_TOKEN_TTL"),
        ({"key_rotation_interval": 0}, "KEY_ROTATION_INTERVAL"),
        ({"key_rotation_interval": 7200, "session_max_lifetime": 7200 * 60}, "KEY_ROTATION_INTERVAL"),
        ({"poll_interval_ms": 1000, "max_freshness_ms": 1000}, "poll_interval_ms"),
    ],
)
def test_values_that_cannot_work_are_refused_by_name(changes: dict[str, Any], setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        config(**changes)
