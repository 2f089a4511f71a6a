# SPDX-License-Identifier: Apache-2.0
"""What the directory promises."""

from collections.abc import Sequence
from typing import Protocol

from tessera_service.models import AccessKeyRecord, GatewayKey, Revocation, ServiceToken, SigningKey, Tenant
from tessera_service.storage.base.codes import OneTimeCodes
from tessera_service.storage.base.counters import HitCounters
from tessera_service.storage.base.log import RevocationLog
from tessera_service.storage.base.outbox import Outbox
from tessera_service.storage.base.users import UserDirectory


class Directory(RevocationLog, Outbox, UserDirectory, HitCounters, OneTimeCodes, Protocol):
    """Tenants, service tokens, keys of clients, signing keys and users: what outlives sessions. Where sessions live in
    the same database, its log is the sessions' log."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None: ...

    async def directory_id(self) -> str:
        """One life of the directory; a session store records it and refuses another."""
        ...

    async def add_tenant(self, tenant: Tenant) -> bool:
        """False if it exists already."""
        ...

    async def get_tenant(self, tenant_id: str) -> Tenant | None: ...

    async def list_tenants(self) -> Sequence[Tenant]:
        """All, by id."""
        ...

    async def add_service_token(self, token: ServiceToken) -> bool:
        """Atomic: False, and nothing is stored, if the subject is a user of the tenant that is not active. `jti` has to
        be new (ValueError)."""
        ...

    async def get_service_token(self, jti: str) -> ServiceToken | None: ...

    async def list_service_tokens(
        self, *, tenant_id: str | None = None, after: ServiceToken | None = None
    ) -> Sequence[ServiceToken]:
        """By created_ms, then jti, newest first, at most LISTED; `after`: those that follow that one."""
        ...

    async def revoke_service_token(self, jti: str, *, revocation: Revocation) -> ServiceToken | None:
        """Atomic: sets `revoked_at`, writes REVOKED and appends JTI. None if unknown; a second call changes nothing."""
        ...

    async def add_access_key(self, key: AccessKeyRecord) -> None:
        """`access_key_id` has to be new (ValueError)."""
        ...

    async def get_access_key(self, access_key_id: str) -> AccessKeyRecord | None:
        """The key, also when it is disabled."""
        ...

    async def list_access_keys(
        self,
        *,
        tenant_id: str | None = None,
        enabled_of: str | None = None,
        not_under: str | None = None,
        after: AccessKeyRecord | None = None,
    ) -> Sequence[AccessKeyRecord]:
        """By created_at, then id, newest first, at most LISTED; `enabled_of`: only keys of that subject that are not
        disabled; `not_under`: only keys under another master key than that which are not disabled; `after`: those that
        follow that one."""
        ...

    async def disable_access_key(self, access_key_id: str, *, revocation: Revocation) -> AccessKeyRecord | None:
        """Atomic: sets `disabled_at` and appends CHANGED under the key's id. None if unknown; a second call changes
        nothing. Its sessions are not touched."""
        ...

    async def rotate_access_key(
        self, access_key_id: str, *, secret_hash: bytes, master_key_id: str, revocation: Revocation
    ) -> bool:
        """Atomic: replaces the secret and appends CHANGED under the key's id; live session tokens go on. False if the
        key is unknown or disabled."""
        ...

    async def add_gateway_key(self, key: GatewayKey) -> None:
        """`key_id` has to be new (ValueError)."""
        ...

    async def get_gateway_key(self, key_id: str) -> GatewayKey | None:
        """The key, also when it is disabled."""
        ...

    async def list_gateway_keys(
        self, *, tenant_id: str | None = None, not_under: str | None = None, after: GatewayKey | None = None
    ) -> Sequence[GatewayKey]:
        """By created_at, then id, newest first, at most LISTED; `not_under` and `after` as for access keys."""
        ...

    async def disable_gateway_key(self, key_id: str, *, revocation: Revocation) -> GatewayKey | None:
        """Atomic: sets `disabled_at` and appends CHANGED under the key's id. None if unknown; a second call changes
        nothing."""
        ...

    async def list_signing_keys(self) -> Sequence[SigningKey]:
        """All, by activates_at, then kid."""
        ...

    async def add_signing_key(self, key: SigningKey, *, after: str | None) -> bool:
        """Atomic: inserts the key only if the newest unrevoked key (by activates_at, then kid) is `after` (None: there
        is none), so that however many processes rotate at once one of them wins. False if not. `kid` has to be new
        (ValueError)."""
        ...

    async def revoke_signing_key(self, kid: str, *, revocation: Revocation) -> bool:
        """Atomic: sets `revoked_at`, forgets the private half and appends KEY. False if unknown or revoked already."""
        ...

    async def rewrap_signing_key(self, kid: str, *, old: str, new: str, master_key_id: str) -> bool:
        """Atomic: puts `new`, which is sealed under that master key, in the place of the private half `old`. False if
        that is not what the key has (it was revoked, lost its private half, was rewrapped by another, is gone): then
        nothing changes."""
        ...

    async def forget_private_key(self, kid: str) -> None:
        """Removes the private half of a retired key."""
        ...

    async def delete_signing_key(self, kid: str) -> None:
        """Removes a key whose last token is dead."""
        ...

    async def purge_directory(self, *, now: int, limit: int = 500) -> int:
        """Removes service tokens with `expires_at <= now`, and hits and codes that count for nothing any more: at most
        `limit` of each kind of row, by index, in short transactions. Returns how many rows went: whoever wants all of
        it calls until 0."""
        ...
