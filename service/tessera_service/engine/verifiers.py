# SPDX-License-Identifier: Apache-2.0
"""The policies of the engine's verifiers, and the one table from a cause of the core to why a token is dead."""

import tessera
from tessera_service.engine.claims import TYPES, Claims, read_claims
from tessera_service.engine.config import EngineConfig
from tessera_service.models import TokenKind

REQUIRED = ("sub", "iat", "nbf", "jti", "tenant_id", "token_type")
BEARER = TYPES[TokenKind.ACCESS]
REFRESH = TYPES[TokenKind.REFRESH]
SESSION = TYPES[TokenKind.SESSION]

_REASONS = {
    "token_expired": "expired",
    "session_expired": "expired",
    "token_revoked": "revoked",
    "session_revoked": "revoked",
    "subject_cut_off": "revoked",
}


class Dead(Exception):
    """A token does not count. `cause` is the core's stable code, or one that the engine found in its words."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause

    @property
    def reason(self) -> str:
        """One of "expired", "revoked" and "invalid"."""
        return _REASONS.get(self.cause, "invalid")


def cached_verifier(keys: tessera.KeySet, config: EngineConfig, token_type: str) -> tessera.Verifier:
    """For tokens of that header typ that come again and again, with a cache of their own."""
    cache = tessera.TokenCache(max_bytes=config.token_cache_bytes)
    return tessera.Verifier(keys, _policy(config, types=(token_type,)), cache=cache)


class StrictVerifiers:
    """Verifies outside the hot path, one token type at a time."""

    def __init__(self, keys: tessera.KeySet, config: EngineConfig) -> None:
        self._verifiers = {
            (token_type, ignore_expiry): tessera.Verifier(
                keys, _policy(config, types=(token_type,), ignore_expiry=ignore_expiry)
            )
            for token_type in (BEARER, REFRESH, SESSION)
            for ignore_expiry in (False, True)
        }

    def verify(self, token: str | bytes, token_type: str, *, now: int, ignore_expiry: bool = False) -> Claims:
        """The claims of a token of that header typ whose kind agrees with it, or Dead."""
        try:
            payload = self._verifiers[token_type, ignore_expiry].verify_bytes(token, now=now)
        except (tessera.TokenError, tessera.LimitError) as error:
            raise Dead(error.code) from None
        claims = read_claims(payload, token_type)
        if claims is None:
            raise Dead("claim_invalid")
        return claims


def _policy(config: EngineConfig, *, types: tuple[str, ...], ignore_expiry: bool = False) -> tessera.Policy:
    return tessera.Policy(
        issuer=config.issuer,
        audience=config.audience,
        types=types,
        required_claims=REQUIRED,
        skew_seconds=config.clock_skew,
        ignore_expiry=ignore_expiry,
    )
