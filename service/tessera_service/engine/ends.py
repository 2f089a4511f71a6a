# SPDX-License-Identifier: Apache-2.0
"""Ending things: how long the log has to remember each end, and applying it here before it is acknowledged."""

from tessera_service.clock import Clock
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.revocation import Mirror
from tessera_service.models import Revocation, Session


class Ends:
    """Makes the `Revocation` of each step and applies it to the mirror once the store has it.

    An entry outlives every token that it kills by skew and margin, so that it never lapses first, whatever is born
    while the step waits for its lock: so it is counted from now, with the longest lifetimes, not from the tokens that
    are known.
    """

    def __init__(self, *, mirror: Mirror, clock: Clock, config: EngineConfig) -> None:
        self._mirror = mirror
        self._clock = clock
        self._config = config

    # What the store is told

    def of_token(self, expires_at: int, *, reason: str, revoked_by: str) -> Revocation:
        """For one token that dies at `expires_at`."""
        return self._revocation(expires_at, reason=reason, revoked_by=revoked_by)

    def of_session(self, session: Session, *, reason: str, revoked_by: str, locked: bool = False) -> Revocation:
        """For a session and every token that it may still get; `locked`: because its user may not have any."""
        return self._revocation(self._session_over(session), reason=reason, revoked_by=revoked_by, locked=locked)

    def of_subject(self, *, reason: str, revoked_by: str, locked: bool = False) -> Revocation:
        """For every session that a subject has now; `locked`: because it may not have any."""
        over = self._clock.now() + max(self._config.session_max_lifetime, self._config.longest_token_ttl)
        return self._revocation(over, reason=reason, revoked_by=revoked_by, locked=locked)

    # What the mirror is told

    def apply_token(self, jti: str, *, expires_at: int) -> None:
        """The token is revoked in the store."""
        self._mirror.killed(jti, expires_at=self._kept(expires_at))

    def apply_session(self, session: Session) -> None:
        """The session is over in the store."""
        self._mirror.ended(session.session_id, expires_at=self._kept(self._session_over(session)))

    def apply_subject(self, tenant_id: str, subject: str, *, cutoff_ms: int, revocation: Revocation) -> None:
        """The subject's cut-off is `cutoff_ms` in the store (0: it has none), which ends every session created until
        then."""
        if not cutoff_ms:
            return
        self._mirror.cut_off(tenant_id, subject, cutoff_ms=cutoff_ms, expires_at=revocation.log_expires_at)

    def _session_over(self, session: Session) -> int:
        longest = max(self._config.longest_token_ttl, session.span_seconds)
        return max(session.expires_at, self._clock.now() + longest)

    def _kept(self, over: int) -> int:
        return over + self._config.clock_skew + self._config.revocation_margin

    def _revocation(self, over: int, *, reason: str, revoked_by: str, locked: bool = False) -> Revocation:
        return Revocation(
            at_ms=self._clock.now_ms(),
            reason=reason,
            revoked_by=revoked_by,
            log_expires_at=self._kept(over),
            locked=locked,
        )
