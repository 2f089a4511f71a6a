# SPDX-License-Identifier: Apache-2.0
"""Making a gateway session: how long it lives, and what gives way to it."""

from dataclasses import dataclass, replace
from typing import Final

import structlog

from tessera_service.clock import Clock
from tessera_service.engine.activity import Activity
from tessera_service.engine.births import Births
from tessera_service.engine.claims import check_size
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.issue import new_session
from tessera_service.engine.key_follower import KeyFollower, SigningPair
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.pairs import draft_token
from tessera_service.engine.permissions import check_handing_on
from tessera_service.engine.signing import SigningPool, Unsigned
from tessera_service.errors import InvalidInput, SessionLimitReached
from tessera_service.models import IssueRequest, Newest, Session, SessionLimit, TokenKind, User
from tessera_service.storage.base import SessionStore

SURFACE: Final = "gateway"  # what `Session.surface` and `Session.auth_method` say
EVICTED: Final = "concurrent_limit"
_CLIENT: Final = "dx-vas"  # whoever the gateway serves

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayClient:
    """Who makes a session: its tenant, its name in the records, and the permissions that it may hand on."""

    tenant_id: str
    name: str
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """What a gateway session is to be made of; limits were checked at the edge. `expires_at`: the end of its first
    span, in seconds."""

    user_id: str
    username: str
    role_name: str
    permissions: tuple[str, ...] = ()
    remember_me: bool = False
    expires_at: int | None = None


class LimitedIssuer:
    """Signs first, then stores, as `Issuer` does."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        keys: KeyFollower,
        pool: SigningPool,
        births: Births,
        liveness: Liveness,
        ends: Ends,
        activity: Activity,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._keys = keys
        self._pool = pool
        self._births = births
        self._liveness = liveness
        self._ends = ends
        self._activity = activity
        self._clock = clock
        self._config = config

    async def create(self, client: GatewayClient, request: GatewayRequest) -> tuple[Session, str]:
        """See `GatewaySessions.create`."""
        check_handing_on(client.permissions, request.permissions)
        user = await self._births.expect(client.tenant_id, request.user_id)
        key = await self._keys.signing()
        session, payload = self._draft(client, request, key)
        (token,) = await self._pool.sign(key.signer, [Unsigned(payload, TokenKind.ACCESS)])
        return await self._store(session, client, user), token

    def _draft(self, client: GatewayClient, request: GatewayRequest, key: SigningPair) -> tuple[Session, bytes]:
        now_ms = self._clock.now_ms()
        now = now_ms // 1000
        if request.expires_at is not None and request.expires_at <= now:
            raise InvalidInput("expires_at", out_of_range=True)
        config = self._config
        span = config.session_remember_me_expiration if request.remember_me else config.session_default_expiration
        ends_at = now + config.session_max_lifetime
        wanted = _of_session(client, request)
        session = new_session(wanted, sessions=self._sessions, now_ms=now_ms, ends_at=ends_at)
        token = draft_token(
            session, TokenKind.ACCESS, expires_at=request.expires_at or now + span, now=now, config=config
        )
        check_size(token.payload, kind=TokenKind.ACCESS, kid=key.kid, key_bits=key.bits)
        expires_at = token.record.expires_at
        session = replace(
            session,
            expires_at=expires_at,
            last_activity_ms=now_ms,
            span_seconds=span,
            tokens=(token.record,),
            newest=Newest(jti=token.record.jti, expires_at=expires_at, payload=token.payload, kid=key.kid),
        )
        return session, token.payload

    async def _store(self, session: Session, client: GatewayClient, user: User | None) -> Session:
        config = self._config
        if config.session_limit_policy == "evict":
            await self._activity.flush_subject(session.tenant_id, session.subject)
        limit = SessionLimit(
            max_sessions=config.session_max_concurrent,
            policy=config.session_limit_policy,
            scope=config.session_limit_scope,
            now=self._clock.now(),
        )
        eviction = self._ends.of_subject(reason=EVICTED, revoked_by=client.name)
        ticket = self._liveness.ticket()
        async with answered_within(config.store_timeout):
            created = await self._sessions.create_limited(session, limit=limit, eviction=eviction)
        for evicted in created.evicted:
            self._ends.apply_session(evicted)
            told = {"tenant": evicted.tenant_id, "revoked_by": client.name, "session_id": evicted.session_id}
            _log.info("revoked", what="session", reason=EVICTED, **told)
        if created.session is None:
            raise SessionLimitReached
        async with answered_within(config.store_timeout):
            await self._births.settle(created.session, user, ticket=ticket)
        return created.session


def _of_session(client: GatewayClient, request: GatewayRequest) -> IssueRequest:
    return IssueRequest(
        tenant_id=client.tenant_id,
        subject=request.user_id,
        client_id=_CLIENT,
        permissions=request.permissions,
        roles=(request.role_name,),
        username=request.username,
        surface=SURFACE,
        auth_method=SURFACE,
    )
