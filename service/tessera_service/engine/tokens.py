# SPDX-License-Identifier: Apache-2.0
"""What the surfaces ask of the engine about tokens: one method for each thing that can be done with one."""

from tessera_service.clock import Clock
from tessera_service.engine.alive import Alive
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.ends import Ends
from tessera_service.engine.introspect import Introspector
from tessera_service.engine.issue import Issuer
from tessera_service.engine.keys import KeyRing
from tessera_service.engine.liveness import Liveness
from tessera_service.engine.refresh import Refresher
from tessera_service.engine.revoke import TOKEN_REVOKE, Revoker
from tessera_service.engine.signing import SigningPool
from tessera_service.engine.verifiers import REFRESH, Dead
from tessera_service.errors import TenantMismatch, Unauthorized
from tessera_service.models import Caller, IssuedTokens, IssueRequest
from tessera_service.storage.base import SessionStore


class TokenEngine:
    """Every method that awaits raises StoreUnavailable when a store fails or is too slow; never "dead" instead."""

    def __init__(
        self,
        *,
        sessions: SessionStore,
        keys: KeyRing,
        pool: SigningPool,
        liveness: Liveness,
        ends: Ends,
        issuer: Issuer,
        revoker: Revoker,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._liveness = liveness
        self._introspector = Introspector(liveness)
        self._revoker = revoker
        self._issuer = issuer
        self._refresher = Refresher(
            sessions=sessions, keys=keys, pool=pool, ends=ends, liveness=liveness, clock=clock, config=config
        )

    def authenticate_now(self, token: str | None, *, tenant_id: str | None) -> Caller | None:
        """As `authenticate`, from memory; None when only `authenticate` can tell. Awaits nothing."""
        if token is None:
            raise Unauthorized("missing")
        try:
            found = self._liveness.check_now(token)
        except Dead as dead:
            raise Unauthorized(dead.reason) from None
        return None if found is None else _caller(found, tenant_id)

    async def authenticate(self, token: str | None, *, tenant_id: str | None) -> Caller:
        """Who presents that bearer, an access or a service token. Unauthorized ("missing", "invalid", "expired",
        "revoked"); TenantMismatch for a live token of another tenant than `tenant_id` (None: the token's own)."""
        if token is None:
            raise Unauthorized("missing")
        try:
            return _caller(await self._liveness.check(token), tenant_id)
        except Dead as dead:
            raise Unauthorized(dead.reason) from None

    async def issue(self, caller: Caller, request: IssueRequest) -> IssuedTokens:
        """Makes a session. TenantMismatch; Forbidden without token.generate, or when one of the service's own
        permissions is handed on that the caller does not hold, or for a user that is not active; TokenTooLarge;
        Overloaded."""
        return await self._issuer.issue(caller, request)

    async def refresh(self, token: str, *, tenant_id: str | None, session_id: str | None = None) -> IssuedTokens:
        """Spends a refresh token for its successor: the same pair for everybody inside the grace. `tenant_id` None: in
        its own tenant. RefreshInvalid ("invalid", "expired": nothing is spent), SessionEnded ("revoked", also where the
        successor's access token was revoked since; "inactive"), SessionNotFound, Overloaded."""
        return await self._refresher.refresh(token, tenant_id=tenant_id, session_id=session_id)

    async def identify_refresh(self, token: str, *, tenant_id: str | None) -> tuple[str, str] | None:
        """Whose refresh token it is: its tenant, and its client_id, else its sub; None unless it is genuine, not
        expired and of that tenant (None: of any). Asks no store: it names a bucket of the rate limits, nothing more."""
        try:
            claims = self._liveness.verify_now(token, REFRESH)
        except Dead:
            return None
        if tenant_id not in (None, claims.tenant_id):
            return None
        return claims.tenant_id, claims.client_id or claims.subject

    async def revoke_current(self, caller: Caller) -> None:
        """Ends the caller's session. RevokeInvalid for a service token."""
        await self._revoker.current(caller, TOKEN_REVOKE)

    async def revoke_session(self, caller: Caller, session_id: str) -> None:
        """Ends a session. SessionNotFound (unknown, or another tenant's), SessionForbidden (not the caller's, without
        token.revoke). A session that is over already is a success."""
        await self._revoker.session(caller, session_id, TOKEN_REVOKE)

    async def revoke_subject(self, caller: Caller, subject: str | None) -> None:
        """Ends every session of a subject (None: the caller's own). SessionForbidden."""
        await self._revoker.subject(caller, subject, TOKEN_REVOKE)

    async def revoke_token(self, caller: Caller, token: str) -> None:
        """Revokes one token; a refresh token ends its session. RevokeInvalid unless it is a genuine access, refresh or
        service token of this tenant; SessionForbidden. One that is dead already is a success."""
        await self._revoker.token(caller, token)

    async def revoke_jti(self, caller: Caller, jti: str) -> None:
        """As `revoke_token`, by the token's id. UnknownJti, SessionForbidden."""
        await self._revoker.jti(caller, jti)

    async def revoke_service_token(self, jti: str, *, revoked_by: str) -> bool:
        """For operators: ends a service token of any tenant; False if unknown."""
        return await self._revoker.service_token(jti, revoked_by=revoked_by)

    def introspect_now(self, token: bytes, *, tenant_id: str) -> bytes | None:
        """The whole JSON answer about a token, from memory; None when only `introspect` can tell. Awaits nothing."""
        return self._introspector.answer_now(token, tenant_id=tenant_id)

    async def introspect(self, token: bytes, *, tenant_id: str) -> bytes:
        """The whole JSON answer: `{"active":false}` for every dead token and every token of another tenant."""
        return await self._introspector.answer(token, tenant_id=tenant_id)

    async def close(self) -> None:
        """Lets what is under way end."""
        await self._refresher.close()


def _caller(found: Alive, tenant_id: str | None) -> Caller:
    if tenant_id is not None and found.caller.tenant_id != tenant_id:
        raise TenantMismatch
    return found.caller
