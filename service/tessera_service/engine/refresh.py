# SPDX-License-Identifier: Apache-2.0
"""Rotating refresh tokens: one successor for everybody who presents a token inside its grace, the end of the session
for who comes later."""

import asyncio
import json

from tessera_service.clock import Clock
from tessera_service.engine.claims import Claims
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.key_follower import KeyFollower, SigningPair
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.pairs import draft_pair, sign_pair
from tessera_service.engine.signing import SigningPool
from tessera_service.engine.verifiers import REFRESH, Dead
from tessera_service.errors import RefreshInvalid, SessionEnded, SessionNotFound
from tessera_service.models import (
    IssuedTokens,
    Rotation,
    RotationResult,
    RotationStatus,
    Session,
    SessionStatus,
    Successor,
)
from tessera_service.storage.base import SessionStore

_Flight = tuple[str, str | None, str | None]


class Refresher:
    """Identical refreshes at the same time share one flight: they cannot differ in anything."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        keys: KeyFollower,
        pool: SigningPool,
        ends: Ends,
        liveness: Liveness,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._keys = keys
        self._pool = pool
        self._ends = ends
        self._liveness = liveness
        self._clock = clock
        self._config = config
        self._flights: dict[_Flight, asyncio.Task[IssuedTokens]] = {}

    async def refresh(self, token: str, *, tenant_id: str | None, session_id: str | None = None) -> IssuedTokens:
        """See `TokenEngine.refresh`."""
        name = (token, tenant_id, session_id)
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.create_task(self._refresh(*name), name="tessera-refresh")
            self._flights[name] = flight
            flight.add_done_callback(lambda done: self._landed(name, done))
        return await asyncio.shield(flight)

    def _landed(self, name: _Flight, flight: asyncio.Task[IssuedTokens]) -> None:
        del self._flights[name]
        if not flight.cancelled():
            flight.exception()  # the one who asked may be gone

    async def close(self) -> None:
        """Lets flights under way end: each is bounded by the store's timeout."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    async def _refresh(self, token: str, tenant_id: str | None, session_id: str | None) -> IssuedTokens:
        now_ms = self._clock.now_ms()
        async with answered_within(self._config.store_timeout):
            claims = await self._verify(token, tenant_id=tenant_id, session_id=session_id)
            successor = await self._rotate(claims, now_ms=now_ms)
            key = await self._key(successor)
        return await sign_pair(self._pool, key, successor, session_id=claims.session_id, now=now_ms // 1000)

    async def _rotate(self, claims: Claims, *, now_ms: int) -> Successor:
        session = await self._sessions.get(claims.session_id)
        if session is None:
            raise SessionNotFound
        if (session.tenant_id, session.subject) != (claims.tenant_id, claims.subject):
            raise RefreshInvalid
        try:
            session = await self._liveness.stand(session)  # the new tokens say what its user may now
        except Dead:
            raise SessionEnded("inactive") from None
        key = await self._keys.signing()
        self._pool.check_room()  # before the token is spent
        result = await self._sessions.rotate(self._rotation(session, claims, kid=key.kid, now_ms=now_ms))
        successor = self._successor(result, session)
        if result.status is RotationStatus.REPLAYED:
            await self._check_access(successor, session)
        return successor

    async def _check_access(self, successor: Successor, session: Session) -> None:
        """SessionEnded if the access token of a pair that was handed out before was revoked since: the token that was
        spent for it does not bring it back. Revoking the refresh token has ended the session."""
        jti: str = json.loads(successor.access_payload)["jti"]
        state = await self._sessions.read_state(session_id=session.session_id, jti=jti)
        if state.jti_revoked:
            raise SessionEnded("revoked")

    async def _verify(self, token: str, *, tenant_id: str | None, session_id: str | None) -> Claims:
        try:
            claims = await self._liveness.verify(token, REFRESH)
        except Dead as dead:
            raise RefreshInvalid("expired" if dead.reason == "expired" else "invalid") from None
        if tenant_id not in (None, claims.tenant_id) or session_id not in (None, claims.session_id):
            raise RefreshInvalid
        return claims

    def _rotation(self, session: Session, claims: Claims, *, kid: str, now_ms: int) -> Rotation:
        pair = draft_pair(session, now=now_ms // 1000, config=self._config)
        return Rotation(
            session_id=session.session_id,
            presented_jti=claims.jti,
            now_ms=now_ms,
            grace_ms=self._config.refresh_reuse_grace_ms,
            successor=Successor(pair.access_payload, pair.refresh_payload, kid),
            refresh_jti=pair.refresh.jti,
            tokens=(pair.access, pair.refresh),
            expires_at=pair.expires_at,
            reuse=self._ends.of_session(session, reason="refresh_reuse", revoked_by=session.subject),
        )

    def _successor(self, result: RotationResult, session: Session) -> Successor:
        match result.status:
            case RotationStatus.ROTATED | RotationStatus.REPLAYED:
                assert result.successor is not None
                return result.successor
            case RotationStatus.SUPERSEDED:
                raise RefreshInvalid
            case RotationStatus.REUSE_REVOKED:
                self._ends.apply_session(result.session or session)
                raise SessionEnded("revoked", reused=True)
            case RotationStatus.ENDED:
                raise SessionEnded("inactive" if _is_locked(result.session) else "revoked")
            case RotationStatus.EXPIRED:
                raise SessionEnded("inactive")
            case RotationStatus.NOT_FOUND:
                raise SessionNotFound

    async def _key(self, successor: Successor) -> SigningPair:
        """The key of the stored successor. RefreshInvalid once it was revoked: the pair that it signed is dead."""
        key = await self._keys.signing_again(successor.kid)
        if key is None:
            raise RefreshInvalid
        return key


def _is_locked(session: Session | None) -> bool:
    return session is not None and session.status(0) is SessionStatus.LOCKED
