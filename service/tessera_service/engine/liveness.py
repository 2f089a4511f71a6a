# SPDX-License-Identifier: Apache-2.0
"""Is a token alive? From memory where the mirror may answer and from the stores where it may not.

Its signature and claims have to be right, its jti not revoked, its record there and active, and no cut-off of its
subject at or after its session's creation: what is lost ends sessions and never revives one."""

import tessera
from tessera_service.clock import Clock
from tessera_service.engine.alive import Alive, alive, read_alive
from tessera_service.engine.claims import Claims, read_claims
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ids import is_uuid7
from tessera_service.engine.key_follower import KeyFollower
from tessera_service.engine.revocation import Mirror
from tessera_service.engine.snapshots import (
    NEVER_CUT_OFF_MS,
    Snapshot,
    read_snapshot,
    service_snapshot,
    session_snapshot,
)
from tessera_service.engine.standing import may_have_sessions, under
from tessera_service.engine.verifiers import BEARER, REFRESH, Dead, StrictVerifiers, cached_verifier
from tessera_service.models import ServiceToken, Session, SessionStatus, TokenKind, User
from tessera_service.storage.base import Directory, SessionStore

_ENDED = {
    SessionStatus.REVOKED: "session_revoked",
    SessionStatus.LOCKED: "session_revoked",
    SessionStatus.EXPIRED: "session_expired",
}


class Liveness:
    """Judges the tokens of one header typ, `at+jwt` unless another is named (`check_now`, `check`), and refresh tokens
    (`check_refresh`)."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        directory: Directory,
        keys: KeyFollower,
        mirror: Mirror,
        clock: Clock,
        config: EngineConfig,
        token_type: str = BEARER,
    ) -> None:
        self.verifiers = StrictVerifiers(keys.keyset, config)
        self._sessions = sessions
        self._directory = directory
        self._keys = keys
        self._table = mirror.table
        self._checker = mirror.checker(cached_verifier(keys.keyset, config, token_type))
        self._type = token_type
        self._clock = clock
        self._config = config

    def check_now(self, token: str | bytes) -> Alive | None:
        """The live token, or Dead; None when only `check` can tell. Awaits nothing."""
        verdict = self._checker.check(token, now=self._clock.now())
        if verdict.status == "alive":
            return self._alive(verdict)
        if verdict.status == "dead" and not self._is_news(verdict.cause):
            raise Dead(str(verdict.cause))
        return None

    async def check(self, token: str | bytes) -> Alive:
        """The live token, or Dead; StoreUnavailable when that cannot be known."""
        async with answered_within(self._config.store_timeout):
            verdict = self._checker.check(token, now=self._clock.now())
            if verdict.status == "dead" and self._is_news(verdict.cause):
                await self._keys.reload_for_unknown()
                verdict = self._checker.check(token, now=self._clock.now())
            if verdict.status == "ask_store":
                await self._keys.confirm()  # the mirror would have told of a withdrawn key
                verdict = self._checker.check(token, now=self._clock.now())
            if verdict.status == "alive":
                return self._alive(verdict)
            if verdict.status == "dead":
                raise Dead(str(verdict.cause))
            return await self._read(self._claims(verdict), fill=verdict.status == "no_record")

    async def verify(self, token: str | bytes, token_type: str, *, ignore_expiry: bool = False) -> Claims:
        """The claims of a genuine token, alive or not; Dead, or StoreUnavailable for a key nobody can tell of."""
        try:
            return self.verify_now(token, token_type, ignore_expiry=ignore_expiry)
        except Dead as dead:
            if not self._is_news(dead.cause):
                raise
        await self._keys.reload_for_unknown()
        return self.verify_now(token, token_type, ignore_expiry=ignore_expiry)

    def verify_now(self, token: str | bytes, token_type: str, *, ignore_expiry: bool = False) -> Claims:
        """As `verify`, with the keys that are known."""
        return self.verifiers.verify(token, token_type, now=self._clock.now(), ignore_expiry=ignore_expiry)

    async def check_refresh(self, token: str | bytes) -> tuple[Claims, Session]:
        """A live refresh token: the one that its session may still spend. Always asks the store. Dead."""
        async with answered_within(self._config.store_timeout):
            claims = await self.verify(token, REFRESH)
            session = await self._read_session(claims)
            if session.refresh_jti != claims.jti:
                raise Dead("token_revoked")
            return claims, session

    async def check_lapsed(self, token: str | bytes) -> Claims:
        """An access token of a session that nothing but time has ended, itself or its session. Always asks the store.
        Dead."""
        async with answered_within(self._config.store_timeout):
            claims = await self.verify(token, BEARER, ignore_expiry=True)
            if claims.kind is not TokenKind.ACCESS:
                raise Dead("type_not_allowed")
            try:
                await self._read_session(claims)
            except Dead as dead:
                if dead.reason != "expired":
                    raise
            return claims

    def ticket(self) -> int:
        """To be taken before the stores are asked for what `remember` gets."""
        return self._table.ticket()

    async def stand(self, session: Session) -> Session:
        """The session as the record of its user lets it be seen now. Dead if the user may have none."""
        return _under(session, await self._directory.get_user(session.tenant_id, session.subject))

    async def recall(self, session: Session, *, ticket: int) -> None:
        """Puts a session that the store just returned into the table, as `stand` sees it, unless it or its user changed
        since `ticket`. Dead."""
        self._fill(await self.stand(session), ticket=ticket)

    def remember(self, session: Session, user: User | None, *, ticket: int) -> None:
        """Puts a session that the store just returned into the table as the record of its user, just read, lets it be
        seen, unless one of the two changed since `ticket`. Dead."""
        self._fill(_under(session, user), ticket=ticket)

    def _fill(self, session: Session, *, ticket: int) -> Snapshot:
        data = session_snapshot(session)
        self._table.put(
            ticket,
            id=session.session_id,
            tenant_id=session.tenant_id,
            subject=session.subject,
            created_ms=session.created_ms,
            expires_at=min(session.expires_at, session.ends_at),
            data=data,
        )
        return read_snapshot(data)

    def _is_news(self, cause: str | None) -> bool:
        return cause == "key_unknown" and self._keys.may_ask()

    async def _read(self, claims: Claims, *, fill: bool) -> Alive:
        ticket = self._table.ticket()
        if claims.kind is TokenKind.SERVICE:
            token = await self._read_service_token(claims)
            return alive(claims, self._remember_service(token, ticket=ticket, fill=fill))
        session = await self._read_session(claims)
        if fill:
            return alive(claims, self._fill(session, ticket=ticket))
        return alive(claims, read_snapshot(session_snapshot(session)))

    async def _read_session(self, claims: Claims) -> Session:
        state = await self._sessions.read_state(session_id=claims.session_id, jti=claims.jti)
        session = state.session
        if state.jti_revoked:
            raise Dead("token_revoked")
        if session is None or (session.tenant_id, session.subject) != (claims.tenant_id, claims.subject):
            raise Dead("record_missing")
        status = session.status(self._clock.now())
        if status is not SessionStatus.ACTIVE:
            raise Dead(_ENDED[status])
        return await self.stand(session)

    async def _read_service_token(self, claims: Claims) -> ServiceToken:
        token = await self._directory.get_service_token(claims.jti)
        if token is None or (token.tenant_id, token.subject) != (claims.tenant_id, claims.subject):
            raise Dead("record_missing")
        if token.revoked_at is not None:
            raise Dead("token_revoked")
        if self._clock.now() >= token.expires_at:
            raise Dead("token_expired")
        if not await self._may_have_tokens(token.tenant_id, token.subject):
            raise Dead("token_revoked")
        return token

    async def _may_have_tokens(self, tenant_id: str, subject: str) -> bool:
        """False for a user that is not active: one that was stopped by a release that left its service tokens. Most
        subjects of service tokens are programs, and no user has an id like theirs."""
        return not is_uuid7(subject) or may_have_sessions(await self._directory.get_user(tenant_id, subject))

    def _remember_service(self, token: ServiceToken, *, ticket: int, fill: bool) -> Snapshot:
        data = service_snapshot(token)
        if fill:
            self._table.put(
                ticket,
                id=token.jti,
                tenant_id=token.tenant_id,
                subject=token.subject,
                created_ms=NEVER_CUT_OFF_MS,
                expires_at=token.expires_at,
                data=data,
            )
        return read_snapshot(data)

    def _alive(self, verdict: tessera.Verdict) -> Alive:
        payload, snapshot = verdict.claims, verdict.session
        assert payload is not None
        assert snapshot is not None
        found = read_alive(payload, self._type, snapshot)
        if found is None:
            raise Dead("claim_invalid")
        return found

    def _claims(self, verdict: tessera.Verdict) -> Claims:
        assert verdict.claims is not None
        claims = read_claims(verdict.claims, self._type)
        if claims is None:
            raise Dead("claim_invalid")
        return claims


def _under(session: Session, user: User | None) -> Session:
    found = under(session, user)
    if found is None:
        raise Dead("session_revoked")
    return found
