# SPDX-License-Identifier: Apache-2.0
"""Revoking, in every form: one token, one session, every session of a subject. Each returns only when the store has it
and this process refuses."""

from typing import Final, NamedTuple

from tessera_service.clock import Clock
from tessera_service.engine.claims import Claims
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.ids import is_uuid7
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.permissions import REVOKE, REVOKE_SESSIONS, check_acting_on
from tessera_service.engine.verifiers import BEARER, REFRESH, SESSION, Dead
from tessera_service.errors import RevokeInvalid, SessionNotFound, UnknownJti
from tessera_service.models import Caller, RevokedOthers, ServiceToken, Session, TokenKind, TokenRecord
from tessera_service.storage.base import Directory, SessionStore

_LONG_DEAD: Final = 86_400  # by how much this process's clock may be ahead of another's


class Ground(NamedTuple):
    """On what ground something is revoked: the permission that others' sessions demand, and the reason to be kept."""

    permission: str
    reason: str


TOKEN_REVOKE: Final = Ground(REVOKE, "token_revoke")
USER_LOGOUT: Final = Ground(REVOKE_SESSIONS, "user_logout")
MANUAL: Final = Ground(REVOKE_SESSIONS, "manual")


class Revoker:
    """The steps behind `TokenEngine.revoke_*`, and of the surfaces that end sessions on other grounds."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        directory: Directory,
        liveness: Liveness,
        ends: Ends,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._liveness = liveness
        self._ends = ends
        self._clock = clock
        self._config = config

    async def current(self, caller: Caller, ground: Ground) -> None:
        """The caller's own session."""
        if caller.session_id is None:
            raise RevokeInvalid
        await self.session(caller, caller.session_id, ground)

    async def session(self, caller: Caller, session_id: str, ground: Ground) -> None:
        """A session of the caller's tenant."""
        if not is_uuid7(session_id):
            raise SessionNotFound
        async with answered_within(self._config.store_timeout):
            session = await self._sessions.get(session_id)
            if session is None or session.tenant_id != caller.tenant_id:
                raise SessionNotFound
            check_acting_on(caller, session.subject, ground.permission)
            if not await self._end(caller, session, ground):
                raise SessionNotFound

    async def subject(self, caller: Caller, subject: str | None, ground: Ground) -> int:
        """Every session of a subject in the caller's tenant; None: the caller's own. How many it ended."""
        subject = caller.subject if subject is None else subject
        check_acting_on(caller, subject, ground.permission)
        revocation = self._ends.of_subject(reason=ground.reason, revoked_by=caller.subject)
        async with answered_within(self._config.store_timeout):
            done = await self._sessions.revoke_subject(caller.tenant_id, subject, revocation=revocation)
        self._ends.apply_subject(caller.tenant_id, subject, cutoff_ms=done.cutoff_ms, revocation=revocation)
        return done.ended

    async def others(self, caller: Caller, subject: str, ground: Ground) -> RevokedOthers:
        """As `subject`, but the caller's own session goes on."""
        check_acting_on(caller, subject, ground.permission)
        revocation = self._ends.of_subject(reason=ground.reason, revoked_by=caller.subject)
        async with answered_within(self._config.store_timeout):
            revoked = await self._sessions.revoke_others(
                caller.tenant_id, subject, keep=caller.session_id or "", revocation=revocation
            )
        for session in revoked.ended:
            self._ends.apply_session(session)
        return revoked

    async def token(self, caller: Caller, token: str) -> None:
        """A genuine access, refresh or service token of the caller's tenant, dead or alive."""
        async with answered_within(self._config.store_timeout):
            claims = await self._genuine(token)
            if claims.tenant_id != caller.tenant_id:
                raise RevokeInvalid
            if claims.kind is TokenKind.SESSION:
                raise RevokeInvalid(other_kind=True)
            check_acting_on(caller, claims.subject, REVOKE)
            await self._kill(caller, _record_of(claims))

    async def jti(self, caller: Caller, jti: str) -> None:
        """A token of the caller's tenant by its id."""
        async with answered_within(self._config.store_timeout):
            record = await self._sessions.find_token(jti)
            if record is None:
                service_token = await self._directory.get_service_token(jti)
                record = None if service_token is None else _record_of_service(service_token)
            if record is None or record.tenant_id != caller.tenant_id:
                raise UnknownJti
            check_acting_on(caller, record.subject, REVOKE)
            await self._kill(caller, record)

    async def service_token(self, jti: str, *, revoked_by: str) -> bool:
        """A service token, by the operator; False if unknown."""
        async with answered_within(self._config.store_timeout):
            token = await self._directory.get_service_token(jti)
            return token is not None and await self._kill_service_token(jti, token.expires_at, revoked_by)

    async def _genuine(self, token: str) -> Claims:
        for token_type in (BEARER, REFRESH, SESSION):
            try:
                return await self._liveness.verify(token, token_type, ignore_expiry=True)
            except Dead as dead:
                if dead.cause != "type_not_allowed":
                    break
        raise RevokeInvalid

    async def _kill(self, caller: Caller, token: TokenRecord) -> None:
        match token.kind:
            case TokenKind.REFRESH:  # ends its session, which may outlive it; without a record both are dead already
                session = await self._sessions.get(token.session_id)
                if session is not None:
                    await self._end(caller, session, TOKEN_REVOKE)
            case _ if self._clock.now() >= token.expires_at + _LONG_DEAD:
                return  # dead by itself, by any clock: nothing to remember
            case TokenKind.SERVICE:
                await self._kill_service_token(token.jti, token.expires_at, caller.subject)
            case _:
                revocation = self._ends.of_token(
                    token.expires_at, reason=TOKEN_REVOKE.reason, revoked_by=caller.subject
                )
                await self._sessions.revoke_token(token, revocation=revocation)
                self._ends.apply_token(token.jti, expires_at=token.expires_at)

    async def _end(self, caller: Caller, session: Session, ground: Ground) -> bool:
        revocation = self._ends.of_session(session, reason=ground.reason, revoked_by=caller.subject)
        ended = await self._sessions.revoke_session(session.session_id, revocation=revocation)
        self._ends.apply_session(ended or session)  # also what another process ended: this one has to refuse now
        return ended is not None

    async def _kill_service_token(self, jti: str, expires_at: int, revoked_by: str) -> bool:
        revocation = self._ends.of_token(expires_at, reason=TOKEN_REVOKE.reason, revoked_by=revoked_by)
        revoked = await self._directory.revoke_service_token(jti, revocation=revocation)
        self._ends.apply_token(jti, expires_at=expires_at)
        return revoked is not None


def _record_of(claims: Claims) -> TokenRecord:
    return TokenRecord(
        jti=claims.jti,
        session_id=claims.session_id,
        tenant_id=claims.tenant_id,
        subject=claims.subject,
        kind=claims.kind,
        expires_at=claims.expires_at,
    )


def _record_of_service(token: ServiceToken) -> TokenRecord:
    return TokenRecord(
        jti=token.jti,
        session_id="",
        tenant_id=token.tenant_id,
        subject=token.subject,
        kind=TokenKind.SERVICE,
        expires_at=token.expires_at,
    )
