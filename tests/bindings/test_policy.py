# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

import tessera

ISSUER, AUDIENCE = "https://issuer.example", "dx-vas"


@pytest.fixture
def check(key: tessera.PrivateKey, claims: dict[str, Any], now: int) -> Any:
    """check(policy options, changed claims) -> "accepted", or the code of the refusal. None takes a claim away."""

    def run(options: dict[str, Any] | None = None, *, type: str = "at+jwt", at: int = now, **changes: Any) -> str:  # noqa: A002
        merged = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        policy = tessera.Policy(**{"issuer": ISSUER, "audience": AUDIENCE, **(options or {})})
        token = tessera.Signer(key).sign(merged, type=type)
        try:
            tessera.Verifier(key.public_key, policy).verify(token, now=at)
        except tessera.TokenError as error:
            return error.code
        return "accepted"

    return run


def test_exp_is_exclusive(check: Any, now: int) -> None:
    assert check(exp=now + 1) == "accepted"
    assert check(exp=now) == "token_expired"
    assert check(exp=now - 1) == "token_expired"


def test_leeway_moves_exp_and_is_exclusive_too(check: Any, now: int) -> None:
    assert check({"leeway_seconds": 10}, exp=now - 9) == "accepted"
    assert check({"leeway_seconds": 10}, exp=now - 10) == "token_expired"


@pytest.mark.parametrize(("claim", "code"), [("nbf", "token_not_yet_valid"), ("iat", "token_issued_in_future")])
def test_nbf_and_iat_may_lie_ahead_by_the_skew(check: Any, now: int, claim: str, code: str) -> None:
    assert check(**{claim: now + 5}) == "accepted"
    assert check(**{claim: now + 6}) == code
    assert check({"skew_seconds": 0}, **{claim: now}) == "accepted"
    assert check({"skew_seconds": 0}, **{claim: now + 1}) == code


def test_a_lifetime_may_be_bounded(check: Any, now: int) -> None:
    assert check({"max_lifetime_seconds": 900}, iat=now, exp=now + 900) == "accepted"
    assert check({"max_lifetime_seconds": 900}, iat=now, exp=now + 901) == "lifetime_too_long"
    assert check({"max_lifetime_seconds": 0}, iat=now, exp=now + 10**9) == "accepted"


def test_only_expiry_is_ignored_when_it_is_ignored(check: Any, now: int) -> None:
    assert check({"ignore_expiry": True}, exp=1) == "accepted"
    assert check({"ignore_expiry": True}, exp=1, iss="other") == "issuer_mismatch"
    assert check({"ignore_expiry": True}, exp="never") == "claim_invalid"


def test_the_issuer_is_compared_whole_unless_it_is_ignored(check: Any) -> None:
    assert check(iss=ISSUER + "/") == "issuer_mismatch"
    assert check(iss=None) == "claim_missing"
    assert check({"ignore_issuer": True}, iss="other") == "accepted"
    assert check({"ignore_issuer": True}, iss=None) == "accepted"


def test_one_common_audience_is_enough(check: Any) -> None:
    assert check(aud=["other", AUDIENCE]) == "accepted"
    assert check({"audience": ["first", AUDIENCE]}) == "accepted"
    assert check({"audience": ["first", "second"]}) == "audience_mismatch"
    assert check(aud=None) == "claim_missing"
    assert check({"ignore_audience": True}, aud="other") == "accepted"


def test_the_type_is_compared_exactly_unless_any_is_allowed(check: Any) -> None:
    assert check(type="rt+jwt") == "type_not_allowed"
    assert check(type="AT+JWT") == "type_not_allowed"
    assert check({"types": ["at+jwt", "rt+jwt"]}, type="rt+jwt") == "accepted"
    assert check({"allow_any_type": True}, type="anything") == "accepted"


def test_required_claims_are_named(check: Any) -> None:
    assert check(sub=None) == "claim_missing"
    assert check({"required_claims": []}, sub=None, jti=None, iat=None) == "accepted"
    assert check({"required_claims": ["scope"]}) == "claim_missing"
    assert check({"required_claims": ["scope"]}, scope="a b") == "accepted"
    assert check({"required_claims": []}, exp=None) == "claim_missing"


def test_a_token_may_be_as_long_as_the_policy_says(key: tessera.PrivateKey, token: str, now: int) -> None:
    def verify(limit: int) -> dict[str, Any]:
        policy = tessera.Policy(issuer=ISSUER, audience=AUDIENCE, max_token_bytes=limit)
        return tessera.Verifier(key.public_key, policy).verify(token, now=now)

    assert verify(len(token))["sub"] == "alice"
    with pytest.raises(tessera.TokenError) as caught:
        verify(len(token) - 1)
    assert caught.value.code == "token_too_large"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"issuer": ISSUER},
        {"audience": AUDIENCE},
        {"issuer": "", "audience": AUDIENCE},
        {"issuer": ISSUER, "audience": []},
        {"issuer": ISSUER, "audience": ""},
        {"issuer": ISSUER, "audience": [""]},
        {"ignore_issuer": True},
        {"ignore_audience": True},
    ],
)
def test_issuer_and_audience_are_demanded_unless_they_are_ignored(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"issuer|audience"):
        tessera.Policy(**options)


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("types", "at+jwt", TypeError),
        ("types", [1], TypeError),
        ("types", [], ValueError),
        ("types", [""], ValueError),
        ("required_claims", "sub", TypeError),
        ("audience", b"a", TypeError),
        ("audience", 1, TypeError),
        ("issuer", 1, TypeError),
        ("issuer", b"i", TypeError),
        ("issuer", "\ud800", ValueError),
        ("leeway_seconds", -1, ValueError),
        ("leeway_seconds", 1.5, TypeError),
        ("leeway_seconds", True, TypeError),
        ("leeway_seconds", 2**64, OverflowError),
        ("skew_seconds", -1, ValueError),
        ("max_lifetime_seconds", -1, ValueError),
        ("max_token_bytes", 0, ValueError),
        ("ignore_expiry", 1, TypeError),
        ("ignore_expiry", "no", TypeError),
        ("ignore_everything", True, TypeError),
    ],
)
def test_a_wrong_option_is_refused(option: str, value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        tessera.Policy(**{"issuer": ISSUER, "audience": AUDIENCE, option: value})


def test_options_have_to_be_named() -> None:
    positional: Any = (ISSUER, AUDIENCE)
    with pytest.raises(TypeError):
        tessera.Policy(*positional)
