# SPDX-License-Identifier: Apache-2.0
"""Service tokens: bearers of programs such as a gateway. They have no session and live while their record does;
one whose subject is a user of its tenant ends with the user."""

from collections.abc import Sequence

from tessera_service.clock import Clock
from tessera_service.engine.claims import Draft, check_size, payload_of
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ids import uuid7
from tessera_service.engine.key_follower import KeyFollower
from tessera_service.engine.names import MAX_NAMES, is_name, is_subject
from tessera_service.engine.signing import SigningPool, Unsigned
from tessera_service.engine.tenants import Tenants
from tessera_service.engine.tokens import TokenEngine
from tessera_service.errors import Forbidden, InvalidInput, UnknownTenant
from tessera_service.models import ServiceToken, TokenKind
from tessera_service.storage.base import Directory


class ServiceTokens:
    """For operators: whoever may call these may hand on every permission."""

    def __init__(
        self,
        *,
        directory: Directory,
        tenants: Tenants,
        tokens: TokenEngine,
        keys: KeyFollower,
        pool: SigningPool,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._directory = directory
        self._tenants = tenants
        self._tokens = tokens
        self._keys = keys
        self._pool = pool
        self._clock = clock
        self._config = config

    async def mint(
        self,
        *,
        tenant_id: str,
        subject: str,
        permissions: Sequence[str],
        ttl_seconds: int,
        client_id: str | None = None,
        all_tenants: bool = False,
    ) -> str:
        """The bare token. Its time is at most REFRESH_TOKEN_TTL: a retired key stays published that long, no longer.
        Where the subject is a user of the tenant, it ends with the user. UnknownTenant, Forbidden (that user is not
        active), InvalidInput, TokenTooLarge."""
        _check(subject=subject, client_id=client_id, permissions=permissions)
        if not 0 < ttl_seconds <= self._config.longest_token_ttl:
            raise InvalidInput("ttl", out_of_range=True)
        if not await self._tenants.exists(tenant_id):
            raise UnknownTenant
        now_ms = self._clock.now_ms()
        record = ServiceToken(
            jti=uuid7(),
            tenant_id=tenant_id,
            subject=subject,
            client_id=client_id or subject,
            permissions=tuple(dict.fromkeys(permissions)),
            all_tenants=all_tenants,
            created_ms=now_ms,
            expires_at=now_ms // 1000 + ttl_seconds,
        )
        token = await self._sign(record)
        async with answered_within(self._config.store_timeout):
            added = await self._directory.add_service_token(record)
        if not added:
            raise Forbidden
        return token

    async def list(self, tenant_id: str | None = None, *, after: ServiceToken | None = None) -> Sequence[ServiceToken]:
        """A page of the records, newest first: LISTED, fewer at the end. `after`: the last one of the page before."""
        async with answered_within(self._config.store_timeout):
            return await self._directory.list_service_tokens(tenant_id=tenant_id, after=after)

    async def revoke(self, jti: str, *, revoked_by: str = "operator") -> bool:
        """Ends a service token; False if unknown. Again is a success."""
        return await self._tokens.revoke_service_token(jti, revoked_by=revoked_by)

    async def _sign(self, record: ServiceToken) -> str:
        key = await self._keys.signing()
        draft = Draft(
            kind=TokenKind.SERVICE,
            issuer=self._config.issuer,
            audience=self._config.audience,
            subject=record.subject,
            tenant_id=record.tenant_id,
            jti=record.jti,
            issued_at=record.created_ms // 1000,
            expires_at=record.expires_at,
            client_id=record.client_id,
            permissions=record.permissions,
        )
        payload = payload_of(draft)
        check_size(payload, kind=TokenKind.SERVICE, kid=key.kid, key_bits=key.bits)
        (token,) = await self._pool.sign(key.signer, [Unsigned(payload, TokenKind.SERVICE)])
        return token


def _check(*, subject: str, client_id: str | None, permissions: Sequence[str]) -> None:
    if not is_subject(subject):
        raise InvalidInput("subject", out_of_range=True)
    if client_id is not None and not is_subject(client_id):
        raise InvalidInput("client_id", out_of_range=True)
    if len(permissions) > MAX_NAMES or not all(map(is_name, permissions)):
        raise InvalidInput("permission", out_of_range=True)
