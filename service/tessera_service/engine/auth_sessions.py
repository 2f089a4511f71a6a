# SPDX-License-Identifier: Apache-2.0
"""Signing out, and the sessions of a tenant for those who look after them, whichever surface made them."""

from typing import Final, NamedTuple

from tessera_service.clock import Clock
from tessera_service.engine.claims import Claims
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.permissions import READ_SESSIONS, REVOKE_SESSIONS, check_acting_on, demand
from tessera_service.engine.revoke import Ground, Revoker
from tessera_service.engine.verifiers import BEARER, REFRESH, Dead
from tessera_service.errors import SessionNotFound, TenantMismatch, TokenAlreadyRevoked, Unauthorized
from tessera_service.models import Caller, Session, SessionStatus, TokenKind
from tessera_service.storage.base import SessionStore

_TYPES: Final = {BEARER: TokenKind.ACCESS, REFRESH: TokenKind.REFRESH}


class ListedSession(NamedTuple):
    """A session and its status as of the moment that the list was read."""

    session: Session
    status: SessionStatus


class SessionList(NamedTuple):
    """Part of a subject's sessions, newest first, and how many there are in all."""

    sessions: tuple[ListedSession, ...]
    total: int


class AuthSessions:
    """Every method that awaits raises StoreUnavailable when a store fails or is too slow."""

    def __init__(
        self, *, sessions: SessionStore, liveness: Liveness, revoker: Revoker, clock: Clock, config: EngineConfig
    ) -> None:
        self._sessions = sessions
        self._liveness = liveness
        self._revoker = revoker
        self._clock = clock
        self._config = config

    async def who_logs_out(self, bearer: str | None, *, tenant_id: str) -> Caller:
        """Whose session a live access or refresh token is to end. Unauthorized ("missing", "invalid", "expired",
        "revoked"); TenantMismatch for a genuine token of another tenant, dead or alive; TokenAlreadyRevoked for one
        that nothing but a revocation has ended, its own or its session's."""
        if bearer is None:
            raise Unauthorized("missing")
        try:
            async with answered_within(self._config.store_timeout):
                claims = await self._genuine(bearer)
        except Dead as dead:
            raise Unauthorized(dead.reason) from None
        if claims.tenant_id != tenant_id:
            raise TenantMismatch
        if claims.kind is TokenKind.REFRESH:
            return await self._refreshing(bearer)
        return await self._bearing(bearer)

    async def logout(self, caller: Caller, *, reason: str) -> None:
        """Ends the caller's session. Unauthorized if there is none any more."""
        try:
            await self._revoker.current(caller, Ground(REVOKE_SESSIONS, reason))
        except SessionNotFound:
            raise Unauthorized("invalid") from None

    async def list(
        self, caller: Caller, *, subject: str | None, status: SessionStatus | None, limit: int, offset: int
    ) -> SessionList:
        """Sessions of a subject (None: the caller's own) in the caller's tenant. SessionForbidden: another's, without
        session.read:any."""
        subject = caller.subject if subject is None else subject
        check_acting_on(caller, subject, READ_SESSIONS)
        now = self._clock.now()
        async with answered_within(self._config.store_timeout):
            page = await self._sessions.page_sessions(
                caller.tenant_id, subject=subject, status=status, now=now, limit=limit, offset=offset
            )
        return SessionList(tuple(ListedSession(session, session.status(now)) for session in page.sessions), page.total)

    async def revoke(self, caller: Caller, session_id: str, *, reason: str) -> None:
        """Ends a session of the caller's tenant, also the caller's own; one that is over already is a success.
        Forbidden without session.revoke:any; SessionNotFound."""
        demand(caller, REVOKE_SESSIONS)
        await self._revoker.session(caller, session_id, Ground(REVOKE_SESSIONS, reason))

    async def _genuine(self, token: str) -> Claims:
        """The claims of a token of a session that is right in itself: its record was not asked. Dead."""
        for token_type, kind in _TYPES.items():
            try:
                claims = await self._liveness.verify(token, token_type)
            except Dead as dead:
                if dead.cause != "type_not_allowed":
                    raise
                continue
            if claims.kind is kind:
                return claims
        raise Dead("type_not_allowed")

    async def _bearing(self, token: str) -> Caller:
        try:
            return (await self._liveness.check(token)).caller
        except Dead as dead:
            if dead.reason == "revoked":
                raise TokenAlreadyRevoked from None
            raise Unauthorized(dead.reason) from None

    async def _refreshing(self, token: str) -> Caller:
        try:
            claims, session = await self._liveness.check_refresh(token)
        except Dead as dead:
            if dead.cause == "session_revoked":
                raise TokenAlreadyRevoked from None
            raise Unauthorized(dead.reason) from None  # also one that was spent: its session goes on without it
        return _caller_of(claims, session)


def _caller_of(claims: Claims, session: Session) -> Caller:
    return Caller(
        tenant_id=claims.tenant_id,
        subject=claims.subject,
        client_id=session.client_id,
        kind=claims.kind,
        jti=claims.jti,
        session_id=claims.session_id,
        permissions=frozenset(),  # a refresh token stands for its own session and nothing else
        expires_at=claims.expires_at,
    )
