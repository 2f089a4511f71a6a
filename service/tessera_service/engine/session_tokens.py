# SPDX-License-Identifier: Apache-2.0
"""Session tokens: what an access key is exchanged for, so that the key itself need not travel."""

from dataclasses import replace
from typing import Final, NamedTuple

from tessera_service.clock import Clock
from tessera_service.engine.access_keys import DISABLED, OPERATOR, AccessKeys
from tessera_service.engine.alive import Alive
from tessera_service.engine.births import Births
from tessera_service.engine.claims import Claims
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.grants import KeySnapshot
from tessera_service.engine.issue import new_session
from tessera_service.engine.key_follower import KeyFollower
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.pairs import draft_token
from tessera_service.engine.signing import SigningPool, Unsigned
from tessera_service.engine.verifiers import SESSION, Dead
from tessera_service.errors import Forbidden, InvalidInput, RevokeInvalid, Unauthorized
from tessera_service.models import AccessKeyRecord, IssueRequest, Session, TokenKind, User
from tessera_service.storage.base import SessionStore

SURFACE: Final = "session_token"
_REVOKED: Final = "session_token_revoke"


class SessionToken(NamedTuple):
    """A signed session token, and the second from which it is dead."""

    token: str
    expires_at: int


class Validity(NamedTuple):
    """Whether a session token is alive, and whether it permits what was asked for."""

    is_valid: bool
    has_permission: bool


DEAD: Final = Validity(is_valid=False, has_permission=False)


class SessionTokens:
    """A session token is alive if its session is and its access key is not disabled. Each session has one token, and
    its client is the access key. `tenant_id` is that of the request, None where it names none. Every method that
    awaits raises StoreUnavailable."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        access_keys: AccessKeys,
        keys: KeyFollower,
        pool: SigningPool,
        births: Births,
        liveness: Liveness,
        ends: Ends,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._sessions = sessions
        self._access_keys = access_keys
        self._keys = keys
        self._pool = pool
        self._births = births
        self._liveness = liveness  # of session tokens
        self._ends = ends
        self._clock = clock
        self._config = config

    async def create(self, key: AccessKeyRecord, *, duration_seconds: int) -> SessionToken:
        """A session for the subject of a key that `AccessKeys.check` found. InvalidInput for more than
        SESSION_MAX_LIFETIME; Unauthorized if the key was disabled meanwhile or its user is not active; Overloaded."""
        if duration_seconds > self._config.session_max_lifetime:
            raise InvalidInput("duration_seconds", out_of_range=True)
        user = await self._expect(key)
        now_ms = self._clock.now_ms()
        now = now_ms // 1000
        signer = await self._keys.signing()
        wanted = new_session(_request_of(key), sessions=self._sessions, now_ms=now_ms, ends_at=now + duration_seconds)
        session = replace(wanted, access_key_id=key.access_key_id)
        draft = draft_token(session, TokenKind.SESSION, expires_at=session.ends_at, now=now, config=self._config)
        (token,) = await self._pool.sign(signer.signer, [Unsigned(draft.payload, TokenKind.SESSION)])
        await self._store(replace(session, tokens=(draft.record,)), key.access_key_id, user)
        return SessionToken(token, session.ends_at)

    def validate_now(self, token: str, *, resource: str, permission: str, tenant_id: str | None) -> Validity | None:
        """As `validate`, from memory; None when only `validate` can tell. Awaits nothing."""
        try:
            found = self._liveness.check_now(token)
        except Dead:
            return DEAD
        if found is None:
            return None
        key = self._access_keys.read_now(found.caller.client_id)
        return None if key is None else _judge(found, key, resource, permission, tenant_id)

    async def validate(self, token: str, *, resource: str, permission: str, tenant_id: str | None) -> Validity:
        """Whether the token counts, and whether a grant of its access key, as it is now, allows that permission on that
        resource; an empty name is never allowed."""
        try:
            found = await self._liveness.check(token)
        except Dead:
            return DEAD
        key = await self._access_keys.read(found.caller.client_id)
        return DEAD if key is None else _judge(found, key, resource, permission, tenant_id)

    async def revoke(self, token: str, *, tenant_id: str | None) -> Session | None:
        """Ends the session of a genuine session token, expired or not, and returns it (None: its record is gone, it was
        dead already); again is a success. RevokeInvalid for any other token and for another tenant's."""
        async with answered_within(self._config.store_timeout):
            try:
                claims = await self._liveness.verify(token, SESSION, ignore_expiry=True)
            except Dead:
                raise RevokeInvalid from None
            if tenant_id not in (None, claims.tenant_id):
                raise RevokeInvalid
            session = await self._sessions.get(claims.session_id)
            if session is not None:
                _demand_own(session, claims)
                await self._end(session, reason=_REVOKED, revoked_by=claims.subject)
            return session

    async def _expect(self, key: AccessKeyRecord) -> User | None:
        try:
            return await self._births.expect(key.tenant_id, key.subject)
        except Forbidden:
            raise Unauthorized from None

    async def _store(self, session: Session, access_key_id: str, user: User | None) -> None:
        ticket = self._liveness.ticket()
        async with answered_within(self._config.store_timeout):
            session = await self._sessions.create(session)
            # Whoever disables the key meanwhile either sees this session or is seen here.
            if await self._access_keys.read(access_key_id) is None:
                await self._end(session, reason=DISABLED, revoked_by=OPERATOR)
                raise Unauthorized
            try:
                await self._births.settle(session, user, ticket=ticket)
            except Forbidden:
                raise Unauthorized from None

    async def _end(self, session: Session, *, reason: str, revoked_by: str) -> None:
        revocation = self._ends.of_session(session, reason=reason, revoked_by=revoked_by)
        ended = await self._sessions.revoke_session(session.session_id, revocation=revocation)
        self._ends.apply_session(ended or session)


def _request_of(key: AccessKeyRecord) -> IssueRequest:
    return IssueRequest(
        tenant_id=key.tenant_id,
        subject=key.subject,
        client_id=key.access_key_id,
        surface=SURFACE,
        auth_method="access_key",
    )


def _demand_own(session: Session, claims: Claims) -> None:
    """What a token may not be validated for, it may not end either. RevokeInvalid."""
    holder = (session.tenant_id, session.subject)
    if session.access_key_id is None or holder != (claims.tenant_id, claims.subject):
        raise RevokeInvalid


def _judge(found: Alive, key: KeySnapshot, resource: str, permission: str, tenant_id: str | None) -> Validity:
    holder = (found.caller.tenant_id, found.caller.subject)
    if holder != (key.tenant_id, key.subject) or tenant_id not in (None, key.tenant_id):
        return DEAD
    return Validity(is_valid=True, has_permission=key.permits(resource, permission))
