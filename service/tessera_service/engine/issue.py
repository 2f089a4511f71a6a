# SPDX-License-Identifier: Apache-2.0
"""Making a session with its first pair of tokens."""

from dataclasses import replace

from tessera_service.clock import Clock
from tessera_service.engine.births import Births
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ids import uuid7
from tessera_service.engine.key_follower import KeyFollower
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.pairs import check_pair_size, draft_pair, sign_pair
from tessera_service.engine.permissions import GENERATE, check_handing_on, demand
from tessera_service.engine.signing import SigningPool
from tessera_service.errors import TenantMismatch
from tessera_service.models import Caller, IssuedTokens, IssueRequest, Session, Successor, User
from tessera_service.storage.base import SessionStore


class Issuer:
    """Signs first, then stores, then answers: a pair whose session was not stored is dead, so nothing half remains."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        keys: KeyFollower,
        pool: SigningPool,
        births: Births,
        liveness: Liveness,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._keys = keys
        self._pool = pool
        self._births = births
        self._liveness = liveness
        self._clock = clock
        self._config = config

    async def issue(self, caller: Caller, request: IssueRequest) -> IssuedTokens:
        """A session for `request`. Forbidden (also for a user that is not active), TenantMismatch, TokenTooLarge,
        Overloaded, StoreUnavailable."""
        if request.tenant_id != caller.tenant_id:
            raise TenantMismatch
        demand(caller, GENERATE)
        check_handing_on(caller.permissions, request.permissions)
        return await self._make(request, await self._births.expect(request.tenant_id, request.subject))

    async def sign_in(self, user: User, request: IssueRequest) -> IssuedTokens:
        """A session for a user whose record was read before the user proved to be that: it has to be the same when the
        session stands. Forbidden, TokenTooLarge, Overloaded, StoreUnavailable."""
        return await self._make(request, user)

    async def _make(self, request: IssueRequest, user: User | None) -> IssuedTokens:
        now_ms = self._clock.now_ms()
        now = now_ms // 1000
        key = await self._keys.signing()
        ends_at = now + self._config.session_max_lifetime
        session = new_session(request, sessions=self._sessions, now_ms=now_ms, ends_at=ends_at)
        pair = draft_pair(session, now=now, config=self._config)
        check_pair_size(pair, key)
        session = replace(
            session,
            expires_at=pair.expires_at,
            refresh_jti=pair.refresh.jti,
            tokens=(pair.access, pair.refresh),
        )
        payloads = Successor(pair.access_payload, pair.refresh_payload, key.kid)
        tokens = await sign_pair(self._pool, key, payloads, session_id=session.session_id, now=now)
        ticket = self._liveness.ticket()
        async with answered_within(self._config.store_timeout):
            session = await self._sessions.create(session)
            await self._births.settle(session, user, ticket=ticket)
        return tokens


def new_session(request: IssueRequest, *, sessions: SessionStore, now_ms: int, ends_at: int) -> Session:
    """A session without tokens, for that store; it ends at `ends_at`."""
    return Session(
        session_id=uuid7(partition=sessions.partition_of(request.tenant_id, request.subject)),
        tenant_id=request.tenant_id,
        subject=request.subject,
        surface=request.surface,
        auth_method=request.auth_method,
        client_id=request.client_id,
        scope=request.scope,
        permissions=tuple(dict.fromkeys(request.permissions)),
        roles=tuple(dict.fromkeys(request.roles)),
        username=request.username,
        metadata=request.metadata,
        created_ms=now_ms,
        expires_at=ends_at,
        ends_at=ends_at,
        refresh_jti=None,
    )
