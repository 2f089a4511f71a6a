# SPDX-License-Identifier: Apache-2.0
"""What the legacy surface asks about sessions, whichever surface made them."""

from dataclasses import replace
from typing import NamedTuple

from tessera_service.clock import Clock
from tessera_service.engine.alive import Alive, SessionView
from tessera_service.engine.claims import Claims
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.revoke import USER_LOGOUT, Revoker
from tessera_service.engine.verifiers import Dead
from tessera_service.errors import Unauthorized
from tessera_service.models import Caller


class LegacySession(NamedTuple):
    """A live access token's session. `expires_in`: seconds that the token still lives."""

    caller: Caller
    session: SessionView
    expires_in: int


class LegacySessions:
    """Takes access tokens that have a session and no others. `tenant_id` is that of the request, None where it names
    none: Unauthorized for a token of another tenant as for a dead one. Every method that awaits raises
    StoreUnavailable when a store fails or is too slow."""

    def __init__(self, *, liveness: Liveness, revoker: Revoker, clock: Clock, config: EngineConfig) -> None:
        self._liveness = liveness
        self._revoker = revoker
        self._clock = clock
        self._config = config

    @property
    def query_token(self) -> bool:
        """Whether a token may stand in the query of a request, where others than this service may log it."""
        return self._config.legacy_query_token

    def session_now(self, token: str | None, *, tenant_id: str | None) -> LegacySession | None:
        """As `session`, from memory; None when only `session` can tell. Awaits nothing."""
        if token is None:
            raise Unauthorized("missing")
        try:
            found = self._liveness.check_now(token)
        except Dead as dead:
            raise Unauthorized(dead.reason) from None
        return None if found is None else self._describe(found, tenant_id)

    async def session(self, token: str | None, *, tenant_id: str | None) -> LegacySession:
        """The session behind a bearer. Unauthorized ("missing", "invalid", "expired", "revoked")."""
        if token is None:
            raise Unauthorized("missing")
        try:
            return self._describe(await self._liveness.check(token), tenant_id)
        except Dead as dead:
            raise Unauthorized(dead.reason) from None

    async def who_logs_out(self, token: str, *, session_id: str, tenant_id: str | None) -> Caller:
        """Who presents the token in order to end that session. A token that is dead by nothing but its time speaks for
        its own session, and for no other. Unauthorized."""
        try:
            caller = (await self.session(token, tenant_id=tenant_id)).caller
        except Unauthorized as refused:
            if refused.reason != "expired":
                raise
            caller = await self._lapsed(token, session_id=session_id, tenant_id=tenant_id)
        return replace(caller, permissions=frozenset())  # of this surface nobody ends another subject's session

    async def logout(self, caller: Caller, session_id: str) -> None:
        """Ends a session of the caller's subject; one that is over already is a success. SessionNotFound,
        SessionForbidden."""
        await self._revoker.session(caller, session_id, USER_LOGOUT)

    async def _lapsed(self, token: str, *, session_id: str, tenant_id: str | None) -> Caller:
        try:
            claims = await self._liveness.check_lapsed(token)
        except Dead as dead:
            raise Unauthorized(dead.reason) from None
        if tenant_id not in (None, claims.tenant_id):
            raise Unauthorized("invalid")
        if claims.session_id != session_id:
            raise Unauthorized("expired")
        return _caller_of(claims)

    def _describe(self, found: Alive, tenant_id: str | None) -> LegacySession:
        if found.session is None or tenant_id not in (None, found.caller.tenant_id):
            raise Unauthorized("invalid")
        return LegacySession(found.caller, found.session, found.caller.expires_at - self._clock.now())


def _caller_of(claims: Claims) -> Caller:
    return Caller(
        tenant_id=claims.tenant_id,
        subject=claims.subject,
        client_id=claims.client_id,
        kind=claims.kind,
        jti=claims.jti,
        session_id=claims.session_id,
        permissions=frozenset(),
        expires_at=claims.expires_at,
    )
