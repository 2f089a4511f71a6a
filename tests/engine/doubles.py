# SPDX-License-Identifier: Apache-2.0
"""What the tests of the engine put in place of time, of a database and of a healthy store."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from engine.memory_users import MemoryUsers, following
from tessera_service.errors import StoreUnavailable
from tessera_service.models import (
    AccessKeyRecord,
    GatewayKey,
    LogKind,
    LogPage,
    OutboxRow,
    OutboxSize,
    RelayClaim,
    Revocation,
    ServiceToken,
    SigningKey,
    Tenant,
    UserStatus,
)

START_MS = 1_800_000_000_000


class FakeClock:
    """A clock that moves when it is told to."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.time_ms = now_ms

    def now_ms(self) -> int:
        return self.time_ms

    def now(self) -> int:
        return self.time_ms // 1000

    def advance(self, seconds: float = 0, *, ms: int = 0) -> None:
        self.time_ms += round(seconds * 1000) + ms


class MemoryDirectory(MemoryUsers):
    """The Directory without a database: one process, nothing awaited inside a step."""

    def __init__(self) -> None:
        super().__init__()
        self.tenants: dict[str, Tenant] = {}
        self.keys: dict[str, SigningKey] = {}
        self.access_keys: dict[str, AccessKeyRecord] = {}
        self.gateway_keys: dict[str, GatewayKey] = {}
        self.opened = 0

    @property
    def log_key(self) -> str:
        return f"directory:{id(self):x}"

    @property
    def outbox_key(self) -> str:
        return self.log_key

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.opened = 0

    async def ping(self) -> None:
        if not self.opened:
            raise StoreUnavailable

    async def directory_id(self) -> str:
        return "directory-a"

    async def add_tenant(self, tenant: Tenant) -> bool:
        return self.tenants.setdefault(tenant.tenant_id, tenant) is tenant

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        return self.tenants.get(tenant_id)

    async def list_tenants(self) -> Sequence[Tenant]:
        return [self.tenants[name] for name in sorted(self.tenants)]

    async def add_service_token(self, token: ServiceToken) -> bool:
        user = self.users.get((token.tenant_id, token.subject))
        if user is not None and user.status is not UserStatus.ACTIVE:
            return False
        self.service_tokens[token.jti] = token
        return True

    async def get_service_token(self, jti: str) -> ServiceToken | None:
        return self.service_tokens.get(jti)

    async def list_service_tokens(
        self, *, tenant_id: str | None = None, after: ServiceToken | None = None
    ) -> Sequence[ServiceToken]:
        tokens = [token for token in self.service_tokens.values() if tenant_id in (None, token.tenant_id)]
        return following(after, sorted(tokens, key=lambda token: (token.created_ms, token.jti), reverse=True))

    async def revoke_service_token(self, jti: str, *, revocation: Revocation) -> ServiceToken | None:
        token = self.service_tokens.get(jti)
        if token is None or token.revoked_at is not None:
            return token
        self.end_service_token(token, revocation)
        return self.service_tokens[jti]

    async def add_access_key(self, key: AccessKeyRecord) -> None:
        self.access_keys[key.access_key_id] = key

    async def get_access_key(self, access_key_id: str) -> AccessKeyRecord | None:
        return self.access_keys.get(access_key_id)

    async def list_access_keys(
        self,
        *,
        tenant_id: str | None = None,
        enabled_of: str | None = None,
        not_under: str | None = None,
        after: AccessKeyRecord | None = None,
    ) -> Sequence[AccessKeyRecord]:
        found = [
            key
            for key in self.access_keys.values()
            if tenant_id in (None, key.tenant_id) and _is_not_under(key, not_under)
        ]
        of_subject = [key for key in found if enabled_of is None or (key.subject == enabled_of and not key.disabled_at)]
        return following(after, of_subject)

    async def disable_access_key(self, access_key_id: str, *, revocation: Revocation) -> AccessKeyRecord | None:
        key = self.access_keys.get(access_key_id)
        if key is None or key.disabled_at is not None:
            return key
        self.access_keys[access_key_id] = replace(key, disabled_at=revocation.at_ms // 1000)
        self.log.append(LogKind.CHANGED, key.tenant_id, access_key_id, revocation)
        return self.access_keys[access_key_id]

    async def rotate_access_key(
        self, access_key_id: str, *, secret_hash: bytes, master_key_id: str, revocation: Revocation
    ) -> bool:
        key = self.access_keys.get(access_key_id)
        if key is None or key.disabled_at is not None:
            return False
        self.access_keys[access_key_id] = replace(key, secret_hash=secret_hash, master_key_id=master_key_id)
        self.log.append(LogKind.CHANGED, key.tenant_id, access_key_id, revocation)
        return True

    async def add_gateway_key(self, key: GatewayKey) -> None:
        self.gateway_keys[key.key_id] = key

    async def get_gateway_key(self, key_id: str) -> GatewayKey | None:
        return self.gateway_keys.get(key_id)

    async def list_gateway_keys(
        self, *, tenant_id: str | None = None, not_under: str | None = None, after: GatewayKey | None = None
    ) -> Sequence[GatewayKey]:
        found = [key for key in self.gateway_keys.values() if tenant_id in (None, key.tenant_id)]
        return following(after, [key for key in found if _is_not_under(key, not_under)])

    async def disable_gateway_key(self, key_id: str, *, revocation: Revocation) -> GatewayKey | None:
        key = self.gateway_keys.get(key_id)
        if key is None or key.disabled_at is not None:
            return key
        self.gateway_keys[key_id] = replace(key, disabled_at=revocation.at_ms // 1000)
        self.log.append(LogKind.CHANGED, key.tenant_id, key_id, revocation)
        return self.gateway_keys[key_id]

    async def list_signing_keys(self) -> Sequence[SigningKey]:
        return sorted(self.keys.values(), key=lambda key: (key.activates_at, key.kid))

    async def add_signing_key(self, key: SigningKey, *, after: str | None) -> bool:
        unrevoked = [row.kid for row in await self.list_signing_keys() if row.revoked_at is None]
        if (unrevoked[-1] if unrevoked else None) != after:
            return False
        self.keys[key.kid] = key
        return True

    async def revoke_signing_key(self, kid: str, *, revocation: Revocation) -> bool:
        key = self.keys.get(kid)
        if key is None or key.revoked_at is not None:
            return False
        self.keys[kid] = replace(key, revoked_at=revocation.at_ms // 1000, private_pem=None)
        self.log.append(LogKind.KEY, "", kid, revocation)
        return True

    async def rewrap_signing_key(self, kid: str, *, old: str, new: str, master_key_id: str) -> bool:
        key = self.keys.get(kid)
        if key is None or key.private_pem != old:
            return False
        self.keys[kid] = replace(key, private_pem=new, master_key_id=master_key_id)
        return True

    async def forget_private_key(self, kid: str) -> None:
        self.keys[kid] = replace(self.keys[kid], private_pem=None)

    async def delete_signing_key(self, kid: str) -> None:
        del self.keys[kid]

    async def purge_directory(self, *, now: int, limit: int = 500) -> int:
        over = [token.jti for token in self.service_tokens.values() if token.expires_at <= now][:limit]
        for jti in over:
            del self.service_tokens[jti]
        return len(over)

    async def read_log(self, *, after: int, limit: int = 1000) -> LogPage:
        return self.log.page(after=after, limit=limit)

    async def read_log_snapshot(self) -> AsyncIterator[LogPage]:
        yield LogPage(self.log.log_id, self.log.head, tuple(self.log.snapshot()))

    async def purge_log(self, *, now: int, limit: int = 1000) -> int:
        return len(self.log.purge(now=now, limit=limit))

    async def renew_log(self, *, log_id: str) -> None:
        self.log.log_id = log_id

    async def read_outbox(self, *, after: int, limit: int = 100) -> Sequence[OutboxRow]:
        return self.outbox.read(after=after, limit=limit)

    async def claim_relay(self, sink: str, *, holder: str, now_ms: int, lease_ms: int) -> RelayClaim | None:
        return self.outbox.claim(sink, holder=holder, now_ms=now_ms, lease_ms=lease_ms)

    async def advance_relay(self, sink: str, *, fence: int, position: int, now_ms: int, lease_ms: int) -> bool:
        return self.outbox.advance(sink, fence=fence, position=position, now_ms=now_ms, lease_ms=lease_ms)

    async def outbox_size(self) -> OutboxSize:
        return self.outbox.size()

    async def purge_outbox(self, *, before_ms: int, limit: int = 500) -> int:
        return self.outbox.purge(before_ms=before_ms, limit=limit)

    async def erase_events(self, tenant_id: str, user_id: str, *, limit: int = 500) -> int:
        return self.outbox.erase(tenant_id, user_id, limit=limit)


def _is_not_under(key: AccessKeyRecord | GatewayKey, master_key_id: str | None) -> bool:
    return master_key_id is None or (key.disabled_at is None and key.master_key_id != master_key_id)


class Pause:
    """Holds one call of a store between its answer and its caller."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()


class Fragile:
    """A store that can be told to fail, to hang, or to pause after a method's work is done. Counts its calls."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.failing = False
        self.hanging = False
        self.fails: set[str] = set()
        self.fails_times: dict[str, int] = {}  # how many more calls of a method fail
        self.pauses: dict[str, Pause] = {}
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.store, name)
        if inspect.isasyncgenfunction(attribute):
            return self._pages(attribute)
        return self._step(name, attribute) if inspect.iscoroutinefunction(attribute) else attribute

    def pause_after(self, name: str) -> Pause:
        """The next call of that method does its work, then waits for `go_on`."""
        self.pauses[name] = Pause()
        return self.pauses[name]

    def _step(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*arguments: Any, **named: Any) -> Any:
            self.calls.append(name)
            if name in self.fails or any(isinstance(text, str) and "\0" in text for text in arguments):
                raise StoreUnavailable  # PostgreSQL fails at any text with a NUL in it
            await self._be_ill(name)
            answer = await step(*arguments, **named)
            pause = self.pauses.pop(name, None)
            if pause is not None:
                pause.reached.set()
                await pause.go_on.wait()
            return answer

        return call

    def _pages(self, pages: Callable[..., Any]) -> Callable[..., Any]:
        async def call() -> AsyncIterator[LogPage]:
            self.calls.append("read_log_snapshot")
            await self._be_ill("read_log_snapshot")
            async for page in pages():
                yield page

        return call

    async def _be_ill(self, name: str) -> None:
        if self.fails_times.get(name, 0):
            self.fails_times[name] -= 1
            raise StoreUnavailable
        if name in ("open", "close"):
            return  # told to fail by name
        if self.failing:
            raise StoreUnavailable
        if self.hanging:
            await asyncio.Event().wait()


async def until(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds; TimeoutError after 30 s."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 (what is waited for has no event of its own)
            await asyncio.sleep(0.01)


def as_any(value: object) -> Any:
    """Lets a test reach what the types do not promise."""
    return cast(Any, value)
