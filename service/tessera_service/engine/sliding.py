# SPDX-License-Identifier: Apache-2.0
"""Sliding: in the last minutes of its time a token of a gateway session has one successor, the same for everybody.

The first who comes makes it in one atomic step of the store; the others of this process wait for the same flight or
read it from memory, those of other processes sign the stored payload again (RS256 is deterministic)."""

import asyncio
from typing import Final, NamedTuple

from tessera_service.clock import Clock
from tessera_service.engine.alive import Alive, SessionView
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.key_follower import KeyFollower
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.pairs import draft_token
from tessera_service.engine.signing import SigningPool, Unsigned
from tessera_service.engine.verifiers import Dead
from tessera_service.errors import StoreUnavailable
from tessera_service.models import Caller, Newest, Session, Slide, SlideResult, SlideStatus, TokenKind
from tessera_service.storage.base import SessionStore

MAX_SUCCESSORS: Final = 100_000

_DEAD: Final = {
    SlideStatus.ENDED: "session_revoked",
    SlideStatus.EXPIRED: "session_expired",
    SlideStatus.NOT_FOUND: "record_missing",
}


class Slid(NamedTuple):
    """The successor of a token, and the end that its session has with it."""

    token: str
    session_expires_at: int
    until: int  # the presented token's exp: after it nobody asks
    kid: str  # the key that signed the successor


class SuccessorRevoked(Exception):
    """The token had its successor, and that was revoked: there is no other."""


class Slider:
    """One per process. `successor_now` awaits nothing."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        keys: KeyFollower,
        pool: SigningPool,
        liveness: Liveness,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._keys = keys
        self._pool = pool
        self._liveness = liveness
        self._clock = clock
        self._config = config
        self._known: dict[str, Slid] = {}  # by the presented jti, the oldest first
        self._flights: dict[str, asyncio.Task[Slid]] = {}

    def is_due(self, found: Alive) -> bool:
        """Whether that live token is to have a successor: its session slides and has not reached its last end, and the
        token is inside the threshold (at `exp - now == threshold` it is)."""
        session, expires_at = found.session, found.caller.expires_at
        if session is None or session.span_seconds == 0 or expires_at >= session.ends_at:
            return False
        return expires_at - self._clock.now() <= self._config.jwt_refresh_threshold

    def successor_now(self, jti: str) -> Slid | None:
        """The successor of a token, if this process knows it and that it lives: with its key, and not revoked."""
        known = self._known.get(jti)
        return known if known is not None and known.kid in self._keys.keyset and self._lives(known) else None

    def _lives(self, known: Slid) -> bool:
        try:
            return self._liveness.check_now(known.token) is not None
        except Dead:
            return False

    async def successor(self, found: Alive) -> Slid:
        """The successor of a token that is due. Dead if its session turns out to be over; SuccessorRevoked;
        StoreUnavailable and Overloaded if it cannot be made now."""
        jti = found.caller.jti
        known = self.successor_now(jti)
        if known is not None:
            return known
        flight = self._flights.get(jti)
        if flight is None:
            flight = asyncio.create_task(self._slide(found.caller), name="tessera-slide")
            self._flights[jti] = flight
            flight.add_done_callback(lambda done: self._landed(jti, done))
        return await asyncio.shield(flight)

    async def close(self) -> None:
        """Lets flights under way end: each is bounded by the store's timeout."""
        await asyncio.gather(*self._flights.values(), return_exceptions=True)

    def _landed(self, jti: str, flight: asyncio.Task[Slid]) -> None:
        del self._flights[jti]
        if not flight.cancelled() and flight.exception() is None:  # the one who asked may be gone
            self._remember(jti, flight.result())

    def _remember(self, jti: str, slid: Slid) -> None:
        """Drops two whose time is over (so that they go faster than they come), or the oldest when full."""
        now = self._clock.now()
        for _ in range(2):
            oldest = next(iter(self._known), None)
            if oldest is None or (self._known[oldest].until > now and len(self._known) < MAX_SUCCESSORS):
                break
            del self._known[oldest]
        self._known[jti] = slid

    async def _slide(self, caller: Caller) -> Slid:
        async with answered_within(self._config.store_timeout):
            ticket = self._liveness.ticket()
            newest, session = await self._store(caller, presented_jti=caller.jti)
            key = await self._keys.signing_again(newest.kid)
            if key is None:  # the newest token died with its key: it gets a successor itself
                newest, session = await self._store(caller, presented_jti=newest.jti)
                key = await self._keys.signing_again(newest.kid)
            if key is None:
                raise StoreUnavailable
            await self._liveness.recall(session, ticket=ticket)
            (token,) = await self._pool.sign(key.signer, [Unsigned(newest.payload, TokenKind.ACCESS)])
        return Slid(token, min(session.expires_at, session.ends_at), until=caller.expires_at, kid=key.kid)

    async def _store(self, caller: Caller, *, presented_jti: str) -> tuple[Newest, Session]:
        session = await self._sessions.get(caller.session_id or "")
        if session is None or (session.tenant_id, session.subject) != (caller.tenant_id, caller.subject):
            raise Dead("record_missing")
        key = await self._keys.signing()
        self._pool.check_room()  # before the session moves
        result = await self._sessions.slide(self._draft(session, presented_jti, kid=key.kid))
        newest, session = _outcome(result)
        if result.status is SlideStatus.REPLAYED:  # somebody has had it
            state = await self._sessions.read_state(session_id=session.session_id, jti=newest.jti)
            if state.jti_revoked:
                raise SuccessorRevoked
        return newest, session

    def _draft(self, session: Session, presented_jti: str, *, kid: str) -> Slide:
        """By its own duration from now on; a first span that was given and is longer is not cut short."""
        now = self._clock.now()
        end = max(now + session.span_seconds, session.expires_at)
        token = draft_token(session, TokenKind.ACCESS, expires_at=end, now=now, config=self._config)
        expires_at = token.record.expires_at
        return Slide(
            session_id=session.session_id,
            presented_jti=presented_jti,
            newest=Newest(jti=token.record.jti, expires_at=expires_at, payload=token.payload, kid=kid),
            token=token.record,
            expires_at=expires_at,
            now=now,
        )


def _outcome(result: SlideResult) -> tuple[Newest, Session]:
    if result.newest is None or result.session is None:
        raise Dead(_DEAD[result.status])
    return result.newest, result.session


def extended(session: SessionView, slid: Slid) -> SessionView:
    """The session as it is with the successor."""
    return session._replace(expires_at=max(session.expires_at, slid.session_expires_at))
