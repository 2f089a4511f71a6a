# SPDX-License-Identifier: Apache-2.0
"""`Directory` over SQL."""

from collections.abc import Sequence
from functools import partial

from tessera_service.models import (
    AccessKeyRecord,
    CodeGuess,
    CodeRecord,
    Event,
    GatewayKey,
    HitLimit,
    Revocation,
    ServiceToken,
    SigningKey,
    SpentCode,
    Taken,
    Tenant,
    User,
)
from tessera_service.storage.sql import client_key_steps as client_keys
from tessera_service.storage.sql import codes, counters, users
from tessera_service.storage.sql import directory_steps as steps
from tessera_service.storage.sql.database import Database
from tessera_service.storage.sql.store import SqlStore


class SqlDirectory(SqlStore):
    """Tenants, service tokens, keys and users in a database. ValueError for a URL that cannot be used; `open` refuses
    an older schema unless it `migrates`."""

    def __init__(self, url: str, *, timeout_ms: int = 1500, migrates: bool = True) -> None:
        super().__init__(Database(url, timeout_ms=timeout_ms, migrates=migrates))

    async def directory_id(self) -> str:
        return await self._read(steps.directory_id)

    async def add_tenant(self, tenant: Tenant) -> bool:
        return await self._write(partial(steps.add_tenant, tenant=tenant))

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        return await self._read(partial(steps.get_tenant, tenant_id=tenant_id))

    async def list_tenants(self) -> Sequence[Tenant]:
        return await self._read(steps.list_tenants)

    async def add_service_token(self, token: ServiceToken) -> bool:
        return await self._write(partial(steps.add_service_token, token=token))

    async def get_service_token(self, jti: str) -> ServiceToken | None:
        return await self._read(partial(steps.get_service_token, jti=jti))

    async def list_service_tokens(
        self, *, tenant_id: str | None = None, after: ServiceToken | None = None
    ) -> Sequence[ServiceToken]:
        return await self._read(partial(steps.list_service_tokens, tenant_id=tenant_id, after=after))

    async def revoke_service_token(self, jti: str, *, revocation: Revocation) -> ServiceToken | None:
        return await self._write(partial(steps.revoke_service_token, jti=jti, revocation=revocation))

    async def add_access_key(self, key: AccessKeyRecord) -> None:
        await self._write(partial(client_keys.add_access_key, key=key))

    async def get_access_key(self, access_key_id: str) -> AccessKeyRecord | None:
        return await self._read(partial(client_keys.get_access_key, access_key_id=access_key_id))

    async def list_access_keys(
        self,
        *,
        tenant_id: str | None = None,
        enabled_of: str | None = None,
        not_under: str | None = None,
        after: AccessKeyRecord | None = None,
    ) -> Sequence[AccessKeyRecord]:
        step = partial(
            client_keys.list_access_keys,
            tenant_id=tenant_id,
            enabled_of=enabled_of,
            not_under=not_under,
            after=after,
        )
        return await self._read(step)

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

    async def list_gateway_keys(
        self, *, tenant_id: str | None = None, not_under: str | None = None, after: GatewayKey | None = None
    ) -> Sequence[GatewayKey]:
        step = partial(client_keys.list_gateway_keys, tenant_id=tenant_id, not_under=not_under, after=after)
        return await self._read(step)

    async def disable_gateway_key(self, key_id: str, *, revocation: Revocation) -> GatewayKey | None:
        return await self._write(partial(client_keys.disable_gateway_key, key_id=key_id, revocation=revocation))

    async def add_user(self, user: User, *, event: Event) -> str | None:
        return await self._write(partial(users.add, user=user, event=event))

    async def get_user(self, tenant_id: str, user_id: str) -> User | None:
        return await self._read(partial(users.get, tenant_id=tenant_id, user_id=user_id))

    async def find_user(
        self, tenant_id: str, *, username: str | None = None, email: str | None = None, phone: str | None = None
    ) -> User | None:
        field, value = users.only_name(username=username, email=email, phone=phone)
        return await self._read(partial(users.find, tenant_id=tenant_id, field=field, value=value))

    async def list_users(self, tenant_id: str, *, after: User | None = None) -> Sequence[User]:
        return await self._read(partial(users.list_users, tenant_id=tenant_id, after=after))

    async def update_user(self, user: User, *, ends_sessions: bool, revocation: Revocation, event: Event) -> bool:
        step = partial(users.change, user=user, ends_sessions=ends_sessions, revocation=revocation, event=event)
        return await self._write(step)

    async def set_password_hash(self, tenant_id: str, user_id: str, *, old: str, new: str) -> bool:
        step = partial(users.set_password_hash, tenant_id=tenant_id, user_id=user_id, old=old, new=new)
        return await self._write(step)

    async def delete_user(
        self, tenant_id: str, user_id: str, *, version: int, revocation: Revocation, event: Event
    ) -> bool:
        step = partial(
            users.remove, tenant_id=tenant_id, user_id=user_id, version=version, revocation=revocation, event=event
        )
        return await self._write(step)

    async def take(self, limits: Sequence[HitLimit], *, now_ms: int) -> Taken:
        return await self._write(partial(counters.take, limits=counters.checked(limits), now_ms=now_ms))

    async def give_back(self, hit_id: str) -> None:
        await self._write(partial(counters.give_back, hit_id=hit_id))

    async def forget(self, key: bytes) -> None:
        await self._write(partial(counters.forget, key=key))

    async def put_code(self, code: CodeRecord) -> None:
        await self._write(partial(codes.put, code=code))

    async def guess_code(self, key: bytes, *, code_hash: bytes, now: int, max_guesses: int) -> CodeGuess:
        step = partial(codes.guess, key=key, code_hash=code_hash, now=now, max_guesses=max_guesses)
        return await self._write(step)

    async def restore_code(self, spent: SpentCode) -> None:
        await self._write(partial(codes.restore, spent=spent))

    async def list_signing_keys(self) -> Sequence[SigningKey]:
        return await self._read(steps.list_signing_keys)

    async def add_signing_key(self, key: SigningKey, *, after: str | None) -> bool:
        return await self._write(partial(steps.add_signing_key, key=key, after=after))

    async def revoke_signing_key(self, kid: str, *, revocation: Revocation) -> bool:
        return await self._write(partial(steps.revoke_signing_key, kid=kid, revocation=revocation))

    async def rewrap_signing_key(self, kid: str, *, old: str, new: str, master_key_id: str) -> bool:
        step = partial(steps.rewrap_signing_key, kid=kid, old=old, new=new, master_key_id=master_key_id)
        return await self._write(step)

    async def forget_private_key(self, kid: str) -> None:
        await self._write(partial(steps.forget_private_key, kid=kid))

    async def delete_signing_key(self, kid: str) -> None:
        await self._write(partial(steps.delete_signing_key, kid=kid))

    async def purge_directory(self, *, now: int, limit: int = 500) -> int:
        gone = await self._write(partial(steps.purge_service_tokens, now=now, limit=limit))
        gone += await self._write(partial(counters.purge_hits, now_ms=now * 1000, limit=limit))
        gone += await self._write(partial(counters.purge_keys, now_ms=now * 1000, limit=limit))
        return gone + await self._write(partial(codes.purge, now=now, limit=limit))
