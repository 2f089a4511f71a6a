# SPDX-License-Identifier: Apache-2.0
"""Sessions that a gateway makes, validates and ends. They slide; those of others do not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from tessera_service.clock import Clock
from tessera_service.engine.activity import Activity
from tessera_service.engine.alive import Alive, SessionView
from tessera_service.engine.births import Births
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.key_follower import KeyFollower
from tessera_service.engine.limited import SURFACE, GatewayClient, GatewayRequest, LimitedIssuer
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.permissions import READ_SESSIONS, check_acting_on
from tessera_service.engine.revoke import MANUAL, USER_LOGOUT, Revoker
from tessera_service.engine.signing import SigningPool
from tessera_service.engine.sliding import Slid, Slider, SuccessorRevoked, extended
from tessera_service.engine.verifiers import BEARER, Dead
from tessera_service.errors import DeathReason, Overloaded, StoreUnavailable, TokenDead
from tessera_service.models import Caller, Session, SessionCounts, TokenKind
from tessera_service.storage.base import SessionStore

MAX_LISTED: Final = 1000

_REASONS: Final[dict[str, DeathReason]] = {"expired": "expired", "revoked": "inactive", "invalid": "not_found"}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Validation:
    """A live token's session. `new_token`: its successor, to be used from now on; None: it is not time."""

    session: SessionView
    last_activity_ms: int
    new_token: str | None

    @property
    def should_refresh(self) -> bool:
        """Whether there is a new token."""
        return self.new_token is not None


class GatewaySessions:
    """Takes every access token that has a session, whichever surface made it, and no other token. `tenant_id` is that
    of the request, None where it names none. TokenDead for a token that does not count; every method that awaits
    raises StoreUnavailable when a store fails or is too slow."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        keys: KeyFollower,
        pool: SigningPool,
        births: Births,
        liveness: Liveness,
        ends: Ends,
        revoker: Revoker,
        activity: Activity,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._liveness = liveness
        self._revoker = revoker
        self._activity = activity
        self._clock = clock
        self._config = config
        self._issuer = LimitedIssuer(
            sessions=sessions,
            keys=keys,
            pool=pool,
            births=births,
            liveness=liveness,
            ends=ends,
            activity=activity,
            clock=clock,
            config=config,
        )
        self._slider = Slider(sessions=sessions, keys=keys, pool=pool, liveness=liveness, clock=clock, config=config)

    @property
    def allow_loopback(self) -> bool:
        """Whether a gateway on this machine may do without a key, in the default tenant."""
        return self._config.gateway_allow_loopback

    @property
    def default_tenant(self) -> str:
        """The tenant of who needs no key."""
        return self._config.default_tenant

    async def create(self, client: GatewayClient, request: GatewayRequest) -> tuple[Session, str]:
        """A session in the client's tenant, and its token. Forbidden (a permission of the service's own is handed on
        that the client does not hold, or the user is not active), InvalidInput (`expires_at` is over), TokenTooLarge,
        SessionLimitReached, Overloaded."""
        return await self._issuer.create(client, request)

    def validate_now(self, token: str | bytes, *, tenant_id: str | None) -> Validation | None:
        """As `validate`, from memory; None when only `validate` can tell. Awaits nothing."""
        try:
            found = self._liveness.check_now(token)
        except Dead as dead:
            raise self._refused(token, dead, tenant_id) from None
        if found is None:
            return None
        session = _session_of(found, tenant_id)
        if not self._slider.is_due(found):
            return self._valid(session, None)
        slid = self._slider.successor_now(found.caller.jti)
        return None if slid is None else self._valid(session, slid)

    async def validate(self, token: str | bytes, *, tenant_id: str | None) -> Validation:
        """The session of a live token, with the token's successor when it is time. A successor that cannot be made or
        stored now is left for the next one who asks; one that was revoked is not handed out again."""
        began = asyncio.get_running_loop().time()
        found = await self._find(token, tenant_id)
        session = _session_of(found, tenant_id)
        if not self._slider.is_due(found):
            return self._valid(session, None)
        left = self._config.store_timeout - (asyncio.get_running_loop().time() - began)
        try:
            async with answered_within(left):
                return self._valid(session, await self._slide(found))
        except SuccessorRevoked:
            return self._valid(session, None)
        except (StoreUnavailable, Overloaded) as error:
            _log.warning("token_not_slid", error=error.code)
            return self._valid(session, None)

    async def identify(self, token: str, *, tenant_id: str | None) -> Caller:
        """Who presents that bearer."""
        found = await self._find(token, tenant_id)
        self._note(_session_of(found, tenant_id))
        return found.caller

    async def refresh(self, token: str, *, tenant_id: str | None) -> tuple[str, bool]:
        """The token's successor and True when it is time, else the same token and False: also when its successor was
        revoked. Overloaded."""
        found = await self._find(token, tenant_id)
        self._note(_session_of(found, tenant_id))
        if not self._slider.is_due(found):
            return token, False
        try:
            return (await self._slide(found)).token, True
        except SuccessorRevoked:
            return token, False

    async def logout(self, token: str, *, tenant_id: str | None) -> None:
        """Ends the token's session."""
        found = await self._find(token, tenant_id)
        await self._revoker.current(found.caller, USER_LOGOUT)

    async def list(self, caller: Caller, user_id: str) -> Sequence[Session]:
        """The active sessions of a user in the caller's tenant, newest first, at most MAX_LISTED. SessionForbidden: not
        the caller's own, without session.read:any."""
        check_acting_on(caller, user_id, READ_SESSIONS)
        async with answered_within(self._config.store_timeout):
            sessions = await self._sessions.list_sessions(
                caller.tenant_id, subject=user_id, now=self._clock.now(), active_only=True, limit=MAX_LISTED
            )
        return [self._with_activity(session) for session in sessions]

    async def revoke(self, caller: Caller, session_id: str) -> None:
        """Ends a session of the caller's tenant; one that is over already is a success. SessionNotFound,
        SessionForbidden (not the caller's own, without session.revoke:any)."""
        await self._revoker.session(caller, session_id, MANUAL)

    async def revoke_user(self, caller: Caller, user_id: str, *, exclude_current: bool) -> tuple[int, int]:
        """Ends the sessions of a user in the caller's tenant, but the caller's own one with `exclude_current`: how many
        it ended, and how many were active before. SessionForbidden."""
        if exclude_current:
            revoked = await self._revoker.others(caller, user_id, MANUAL)
            now = self._clock.now()  # what was over by this clock was ended too, but nobody saw it live
            return sum(_over(session) > now for session in revoked.ended), revoked.active_before
        ended = await self._revoker.subject(caller, user_id, MANUAL)
        return ended, ended

    async def stats(self, tenant_id: str) -> SessionCounts:
        """How many gateway sessions the tenant has."""
        async with answered_within(self._config.store_timeout):
            return await self._sessions.count_sessions(tenant_id, surface=SURFACE, now=self._clock.now())

    async def close(self) -> None:
        """Lets what is under way end, and writes what was noted."""
        await self._slider.close()
        try:
            await self._activity.flush()
        except StoreUnavailable:
            _log.warning("activity_lost")

    async def _find(self, token: str | bytes, tenant_id: str | None) -> Alive:
        try:
            found = await self._liveness.check(token)
        except Dead as dead:
            raise self._refused(token, dead, tenant_id) from None
        _session_of(found, tenant_id)
        return found

    async def _slide(self, found: Alive) -> Slid:
        try:
            return await self._slider.successor(found)
        except Dead as dead:
            raise TokenDead(_reason(dead)) from None

    def _refused(self, token: str | bytes, dead: Dead, tenant_id: str | None) -> TokenDead:
        """Why a dead token is dead, as far as that is the presenter's to know: expired and inactive are said only of
        an access token of the right tenant."""
        if dead.reason == "invalid":
            return TokenDead("not_found")
        try:
            claims = self._liveness.verify_now(token, BEARER, ignore_expiry=True)
        except Dead:
            return TokenDead("not_found")
        if claims.kind is not TokenKind.ACCESS or tenant_id not in (None, claims.tenant_id):
            return TokenDead("not_found")
        return TokenDead(_reason(dead))

    def _valid(self, session: SessionView, slid: Slid | None) -> Validation:
        at_ms = self._note(session)
        if slid is None:
            return Validation(session, at_ms, None)
        return Validation(extended(session, slid), at_ms, slid.token)

    def _note(self, session: SessionView) -> int:
        at_ms = self._clock.now_ms()
        self._activity.note(session.tenant_id, session.subject, session.session_id, at_ms)
        return at_ms

    def _with_activity(self, session: Session) -> Session:
        noted_ms = self._activity.last_ms(session.tenant_id, session.subject, session.session_id)
        return replace(session, last_activity_ms=max(session.last_activity_ms, noted_ms))


def _session_of(found: Alive, tenant_id: str | None) -> SessionView:
    if found.session is None or tenant_id not in (None, found.session.tenant_id):
        raise TokenDead("not_found")
    return found.session


def _over(session: Session) -> int:
    return min(session.expires_at, session.ends_at)


def _reason(dead: Dead) -> DeathReason:
    return _REASONS[dead.reason]
