# SPDX-License-Identifier: Apache-2.0
"""What PyJWT checks of claims, with its options, in its order."""

import time
from collections.abc import Container, Iterable
from datetime import timedelta
from typing import Any, TypedDict

from tessera.jwt.exceptions import (
    DecodeError,
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAudienceError,
    InvalidIssuedAtError,
    InvalidIssuerError,
    InvalidJTIError,
    InvalidSubjectError,
    MissingRequiredClaimError,
)

Claims = dict[str, Any]


class Options(TypedDict, total=False):
    """Each check is on unless it is switched off, or verify_signature is off and the check is not named."""

    verify_signature: bool
    verify_exp: bool
    verify_nbf: bool
    verify_iat: bool
    verify_aud: bool
    verify_iss: bool
    verify_sub: bool
    verify_jti: bool
    require: list[str]
    strict_aud: bool
    enforce_minimum_key_length: bool  # always enforced here


class Expected:
    """What the caller of decode expects, and which of it is checked. `leeway`: seconds, or a timedelta."""

    def __init__(
        self,
        options: Options | None,
        *,
        audience: str | Iterable[str] | None,
        issuer: str | Container[str] | None,
        subject: str | None,
        leeway: float | timedelta,
    ) -> None:
        self._options: dict[str, Any] = dict(options or {})
        self._audience = audience
        self._issuer = issuer
        self._subject = subject
        self._leeway = leeway.total_seconds() if isinstance(leeway, timedelta) else leeway

    def check(self, claims: Claims) -> None:
        """Raises the exception of the first check that fails."""
        if self._audience is not None and not isinstance(self._audience, str | Iterable):
            raise TypeError("audience must be a string, iterable or None")
        for name in self._options.get("require", ()):
            if claims.get(name) is None:
                raise MissingRequiredClaimError(name)
        self._check_times(claims, time.time())
        if self._checks("iss"):
            self._check_issuer(claims)
        if self._checks("aud"):
            self._check_audience(claims)
        if self._checks("sub") and "sub" in claims:
            self._check_subject(claims["sub"])
        if self._checks("jti") and not isinstance(claims.get("jti", ""), str):
            raise InvalidJTIError("JWT ID must be a string")

    def _checks(self, name: str) -> bool:
        return bool(self._options.get(f"verify_{name}", self._options.get("verify_signature", True)))

    def _check_times(self, claims: Claims, now: float) -> None:
        if self._checks("iat") and "iat" in claims:
            issued_at = _seconds(claims["iat"], InvalidIssuedAtError("Issued At claim (iat) must be an integer."))
            if issued_at > now + self._leeway:
                raise ImmatureSignatureError("The token is not yet valid (iat)")
        if self._checks("nbf") and "nbf" in claims:
            not_before = _seconds(claims["nbf"], DecodeError("Not Before claim (nbf) must be an integer."))
            if not_before > now + self._leeway:
                raise ImmatureSignatureError("The token is not yet valid (nbf)")
        if self._checks("exp") and "exp" in claims:
            expires_at = _seconds(claims["exp"], DecodeError("Expiration Time claim (exp) must be an integer."))
            if expires_at <= now - self._leeway:
                raise ExpiredSignatureError("Signature has expired")

    def _check_issuer(self, claims: Claims) -> None:
        if self._issuer is None:
            return
        if "iss" not in claims:
            raise MissingRequiredClaimError("iss")
        if not isinstance(claims["iss"], str):
            raise InvalidIssuerError("Payload Issuer (iss) must be a string")
        if not _is_one_of(claims["iss"], self._issuer):
            raise InvalidIssuerError("Invalid issuer")

    def _check_audience(self, claims: Claims) -> None:
        found = claims.get("aud")
        if self._audience is None:
            if found:
                raise InvalidAudienceError("Invalid audience")
            return
        if not found:
            raise MissingRequiredClaimError("aud")
        if self._options.get("strict_aud", False):
            _check_strict_audience(found, self._audience)
            return
        names = [found] if isinstance(found, str) else found
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InvalidAudienceError("Invalid claim format in token")
        expected = [self._audience] if isinstance(self._audience, str) else self._audience
        if not any(name in names for name in expected):
            raise InvalidAudienceError("Audience doesn't match")

    def _check_subject(self, subject: object) -> None:
        if not isinstance(subject, str):
            raise InvalidSubjectError("Subject must be a string")
        if self._subject is not None and subject != self._subject:
            raise InvalidSubjectError("Invalid subject")


def _check_strict_audience(found: object, expected: str | Iterable[str]) -> None:
    """One name on either side, and the same."""
    if not isinstance(expected, str):
        raise InvalidAudienceError("Invalid audience (strict)")
    if not isinstance(found, str):
        raise InvalidAudienceError("Invalid claim format in token (strict)")
    if found != expected:
        raise InvalidAudienceError("Audience doesn't match (strict)")


def _is_one_of(name: str, expected: str | Container[str]) -> bool:
    if isinstance(expected, str):
        return name == expected
    try:
        return name in expected
    except TypeError:
        raise InvalidIssuerError('Issuer param must be "str" or "Container[str]"') from None


def _seconds(value: object, refusal: Exception) -> int:
    """A JSON number as whole seconds (RFC 7519 section 2: NumericDate may have a fraction), else the refusal."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal
    try:
        return int(value)
    except (ValueError, OverflowError):
        raise refusal from None
