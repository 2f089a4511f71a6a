# SPDX-License-Identifier: Apache-2.0
"""Verifying with what is followed: a token that is genuine and not revoked, or none, or no answer."""

import uuid
from collections.abc import Mapping
from typing import Any

from tessera import _core
from tessera.follower.keys import RemoteKeySet
from tessera.follower.revocations import RevocationFollower


class NotFreshError(_core.Error):
    """What is known is too old to tell (`revocations_stale`, `keys_stale`): says nothing of the token."""

    def __init__(self, code: str) -> None:
        super().__init__(code.replace("_", " "))
        self.code = code


class LocalVerifier:
    """Threads may share it. Tokens of a tenant that `revocations` is not told of are refused (`tenant_not_followed`).

    `wait_for_keys`: a token under an unknown key waits for the keys to be fetched (a few seconds at most, and not more
    often than the key set allows); False: it is refused while they are fetched, for event loops.
    """

    def __init__(
        self,
        keys: RemoteKeySet,
        policy: _core.Policy,
        *,
        revocations: RevocationFollower,
        cache: _core.TokenCache | None = None,
        wait_for_keys: bool = True,
    ) -> None:
        self._keys = keys
        self._follower = revocations
        self._wait = wait_for_keys
        self._verifier = _core.Verifier(keys.key_set, policy, cache=cache, revocations=revocations.revocations)
        keys.follow(wait=False)

    def verify(
        self, token: str | bytes, *, now: int | None = None, allow_staleness_seconds: float | None = None
    ) -> dict[str, Any]:
        """The claims. TokenError (of it ExpiredTokenError, RevokedTokenError) for a token that does not count,
        NotFreshError when what is known is older than the follower's bound, or than `allow_staleness_seconds` for this
        call; without any snapshot it is always raised."""
        self._keys.follow(wait=self._wait)
        self._check_fresh(allow_staleness_seconds)
        claims = self._verify(token, now)
        self._check_tenant(claims)
        return claims

    def _check_fresh(self, allowed: float | None) -> None:
        follower, keys = self._follower, self._keys
        bound = follower.max_staleness_seconds if allowed is None else allowed
        if not follower.is_followed or not follower.staleness_seconds <= bound:
            raise NotFreshError("revocations_stale")
        if not keys.is_fresh:
            raise NotFreshError("keys_stale")

    def _verify(self, token: str | bytes, now: int | None) -> dict[str, Any]:
        try:
            return self._verifier.verify(token, now=now)
        except _core.TokenError as error:
            if error.code != "key_unknown":
                raise
        self._keys.refresh(wait=self._wait)
        return self._verifier.verify(token, now=now)

    def _check_tenant(self, claims: Mapping[str, Any]) -> None:
        tenant_id, subject = claims.get("tenant_id"), claims.get("sub")
        followed = self._follower.tenant_id
        if followed is not None and tenant_id != followed:
            raise _refusal(_core.TokenError, "tenant_not_followed")
        if isinstance(tenant_id, str) and isinstance(subject, str) and "sid" in claims:
            created_ms = _created_ms(claims)
            if self._follower.revocations.is_cut_off(tenant_id, subject, created_ms=created_ms):
                raise _refusal(_core.RevokedTokenError, "subject_cut_off")


def _created_ms(claims: Mapping[str, Any]) -> int:
    """When the session was opened, or earlier: a token does not say. The id of a session has its time (RFC 9562
    section 5.7); no session is younger than its token."""
    issued_at = claims.get("iat")
    latest = issued_at * 1000 + 999 if isinstance(issued_at, int) else 0
    try:
        session_id = uuid.UUID(str(claims["sid"]))
    except ValueError:
        return latest - 999
    return min(session_id.int >> 80, latest) if session_id.version == 7 else latest - 999


def _refusal(kind: type[_core.TokenError], code: str) -> _core.TokenError:
    error = kind(code.replace("_", " "))
    error.code = code
    return error
