# SPDX-License-Identifier: Apache-2.0
"""`Directory` over SQL."""

from collections.abc import Sequence
from functools import partial

from tessera_service.models import AccessKeyRecord, GatewayKey, Revocation, ServiceToken, SigningKey, Tenant
from tessera_service.storage.sql import client_key_steps as client_keys
from tessera_service.storage.sql import directory_steps as steps
from tessera_service.storage.sql.database import Database
from tessera_service.storage.sql.store import SqlStore


class SqlDirectory(SqlStore):
    """Tenants, service tokens and keys in a database. ValueError for a URL that cannot be used."""

    def __init__(self, url: str, *, timeout_ms: int = 1500) -> None:
        super().__init__(Database(url, timeout_ms=timeout_ms))

    async def directory_id(self) -> str:
        return await self._read(steps.directory_id)

    async def add_tenant(self, tenant: Tenant) -> bool:
        return await self._write(partial(steps.add_tenant, tenant=tenant))

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        return await self._read(partial(steps.get_tenant, tenant_id=tenant_id))

    async def list_tenants(self) -> Sequence[Tenant]:
        return await self._read(steps.list_tenants)

    async def add_service_token(self, token: ServiceToken) -> None:
        await self._write(partial(steps.add_service_token, token=token))

    async def get_service_token(self, jti: str) -> ServiceToken | None:
        return await self._read(partial(steps.get_service_token, jti=jti))

    async def list_service_tokens(self, *, tenant_id: str | None = None) -> Sequence[ServiceToken]:
        return await self._read(partial(steps.list_service_tokens, tenant_id=tenant_id))

    async def revoke_service_token(self, jti: str, *, revocation: Revocation) -> ServiceToken | None:
        return await self._write(partial(steps.revoke_service_token, jti=jti, revocation=revocation))

    async def add_access_key(self, key: AccessKeyRecord) -> None:
        await self._write(partial(client_keys.add_access_key, key=key))

    async def get_access_key(self, access_key_id: str) -> AccessKeyRecord | None:
        return await self._read(partial(client_keys.get_access_key, access_key_id=access_key_id))

    async def list_access_keys(self, *, tenant_id: str | None = None) -> Sequence[AccessKeyRecord]:
        return await self._read(partial(client_keys.list_access_keys, tenant_id=tenant_id))

    async def disable_access_key(self, access_key_id: str, *, revocation: Revocation) -> AccessKeyRecord | None:
        step = partial(client_keys.disable_access_key, access_key_id=access_key_id, revocation=revocation)
        return await self._write(step)

    async def rotate_access_key(
        self, access_key_id: str, *, secret_hash: bytes, master_key_id: str, revocation: Revocation
    ) -> bool:
        step = partial(
            client_keys.rotate_access_key,
            access_key_id=access_key_id,
            secret_hash=secret_hash,
            master_key_id=master_key_id,
            revocation=revocation,
        )
        return await self._write(step)

    async def add_gateway_key(self, key: GatewayKey) -> None:
        await self._write(partial(client_keys.add_gateway_key, key=key))

    async def get_gateway_key(self, key_id: str) -> GatewayKey | None:
        return await self._read(partial(client_keys.get_gateway_key, key_id=key_id))

    async def list_gateway_keys(self, *, tenant_id: str | None = None) -> Sequence[GatewayKey]:
        return await self._read(partial(client_keys.list_gateway_keys, tenant_id=tenant_id))

    async def disable_gateway_key(self, key_id: str, *, revocation: Revocation) -> GatewayKey | None:
        return await self._write(partial(client_keys.disable_gateway_key, key_id=key_id, revocation=revocation))

    async def list_signing_keys(self) -> Sequence[SigningKey]:
        return await self._read(steps.list_signing_keys)

    async def add_signing_key(self, key: SigningKey, *, after: str | None) -> bool:
        return await self._write(partial(steps.add_signing_key, key=key, after=after))

    async def revoke_signing_key(self, kid: str, *, revocation: Revocation) -> bool:
        return await self._write(partial(steps.revoke_signing_key, kid=kid, revocation=revocation))

    async def forget_private_key(self, kid: str) -> None:
        await self._write(partial(steps.forget_private_key, kid=kid))

    async def delete_signing_key(self, kid: str) -> None:
        await self._write(partial(steps.delete_signing_key, kid=kid))

    async def purge_directory(self, *, now: int, limit: int = 500) -> int:
        return await self._write(partial(steps.purge_service_tokens, now=now, limit=limit))
