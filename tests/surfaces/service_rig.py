# SPDX-License-Identifier: Apache-2.0
"""A whole service in one process for tests of surfaces: real engine, real stores, a clock that can be moved."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from unittest import mock

import httpx

from attacks import Forge
from postgres import postgres_server
from redis_server import fresh_database
from tessera_service.app import create_app
from tessera_service.engine import Engine, EngineConfig, MasterKeys
from tessera_service.errors import StoreUnavailable
from tessera_service.http import exchange
from tessera_service.http.limits import RateLimiter
from tessera_service.settings import Settings
from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.redis import RedisSessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore
from tessera_service.web import Service

ISSUER = "https://issuer.example"
TENANT = "tenant-a"
OTHER_TENANT = "tenant-b"
STORES = ("memory", "sqlite")
REAL_MS = EngineConfig(issuer=ISSUER).store_timeout_ms
REAL_SECONDS = exchange.ANSWER_SECONDS
PATIENT_MS = 15_000
MASTER_KEY = bytes(range(32))


class MovableClock:
    """The real time plus `ahead_ms`, or `frozen_ms` while that is set."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self.frozen_ms: int | None = None

    def now_ms(self) -> int:
        return (time.time_ns() // 1_000_000 if self.frozen_ms is None else self.frozen_ms) + self.ahead_ms

    def now(self) -> int:
        return self.now_ms() // 1000

    def freeze(self) -> int:
        """Stands still from now on; the time in seconds."""
        self.frozen_ms = time.time_ns() // 1_000_000
        return self.now()

    def advance(self, seconds: float) -> None:
        self.ahead_ms += int(seconds * 1000)


class FrailStore:
    """A store that works until `failure` says otherwise: "raises", "hangs"."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.failure: str | None = None

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(attribute) or name in ("open", "close"):
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            if self.failure == "raises":
                raise StoreUnavailable
            if self.failure == "hangs":
                await asyncio.get_running_loop().create_future()
            return await attribute(*args, **kwargs)

        return call


@dataclass
class Rig:
    """The service and what a test needs to talk to it."""

    app: Service
    engine: Engine
    clock: MovableClock
    client: httpx.AsyncClient
    stores: tuple[FrailStore, FrailStore]
    bearers: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def fail_stores(self, failure: str | None) -> None:
        """Both stores fail from now on, or work again. One that hangs is waited for no longer than by a real service;
        one that works has time, for a machine that does ten other things is no failing store."""
        object.__setattr__(self.engine._config, "store_timeout_ms", REAL_MS if failure == "hangs" else PATIENT_MS)
        exchange.ANSWER_SECONDS = REAL_SECONDS if failure == "hangs" else PATIENT_MS / 1000
        for store in self.stores:
            store.failure = failure

    def mend(self) -> None:
        """Stores that work and the clock of everybody: as the next test expects it."""
        self.fail_stores(None)
        if self.clock.ahead_ms:
            self.bearers.clear()  # they may be of the future
        self.clock.ahead_ms, self.clock.frozen_ms = 0, None

    @contextmanager
    def at_its_limit(self) -> Iterator[None]:
        """Every client and every peer has used up its requests."""
        if self.app.middleware_stack is None:
            self.app.middleware_stack = self.app.build_middleware_stack()
        edge = cast(Any, self.app.middleware_stack)._app
        with mock.patch.object(edge, "_limiter", RateLimiter(requests=0, seconds=60)):
            yield

    @property
    def forge(self) -> Forge:
        """Signs anything with the key of the service."""
        (kid, key), *_ = self.engine.keys._private.items()
        return Forge(key.to_pem(), kid=kid)

    def claims(self, kind: str, **others: object) -> dict[str, Any]:
        """Claims that are good now, of alice in the first tenant; `others` replace or add some."""
        now = self.clock.now()
        claims: dict[str, Any] = {"iss": ISSUER, "sub": "alice", "aud": "dx-vas", "iat": now - 100, "nbf": now - 100}
        claims |= {"exp": now + 100, "jti": f"forged-{next(self.numbers)}", "tenant_id": TENANT, "token_type": kind}
        return claims | others

    def forge_refresh(self, *, session_id: str, **claims: object) -> str:
        """A refresh token under a right signature."""
        forge = self.forge
        forge.type = "rt+jwt"
        return forge.good(self.claims("refresh", sid=session_id, **claims))

    async def service_bearer(self, *permissions: str, tenant_id: str = TENANT) -> str:
        """A service token with these permissions, made once."""
        key = (tenant_id, permissions)
        if key not in self.bearers:
            self.bearers[key] = await self.mint(*permissions, tenant_id=tenant_id)
        return self.bearers[key]

    async def mint(self, *permissions: str, tenant_id: str = TENANT, ttl_seconds: int = 3600) -> str:
        """A new service token."""
        return await self.engine.service_tokens.mint(
            tenant_id=tenant_id, subject="gateway", permissions=permissions, ttl_seconds=ttl_seconds
        )

    async def post(
        self,
        path: str,
        body: object = None,
        *,
        bearer: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        content: bytes | None = None,
        tenant_id: str = TENANT,
    ) -> httpx.Response:
        """POST with the headers that every call needs; a header that is None in `headers` is left out."""
        sent: dict[str, str | None] = {"X-Request-ID": "req-001", "X-Tenant-ID": tenant_id}
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        if content is not None:
            sent["Content-Type"] = "application/json"
        sent |= headers or {}
        kept = {name: value for name, value in sent.items() if value is not None}
        if body is None:
            return await self.client.post(path, content=content, headers=kept)
        return await self.client.post(path, json=body, headers=kept)

    async def issue(self, subject: str | None = None, *, tenant_id: str = TENANT, **members: object) -> dict[str, Any]:
        """`data` of a new pair."""
        subject = subject or f"user-{next(self.numbers)}"
        bearer = await self.service_bearer("token.generate", "token.introspect", "token.revoke", tenant_id=tenant_id)
        answer = await self.post("/v1/token", {"sub": subject, **members}, bearer=bearer, tenant_id=tenant_id)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json()["data"])

    async def introspect(self, token: str, *, tenant_id: str = TENANT) -> dict[str, Any]:
        """The answer about a token."""
        bearer = await self.service_bearer("token.introspect", tenant_id=tenant_id)
        answer = await self.post("/v1/token/introspect", {"token": token}, bearer=bearer, tenant_id=tenant_id)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json())

    async def is_alive(self, token: str) -> bool:
        """Whether introspection calls it active."""
        return bool((await self.introspect(token))["active"])


async def make_directory(folder: Path) -> None:
    """A directory with a key and two tenants, to be copied: making keys and tables takes a second."""
    async with open_rig("sqlite", folder) as rig:
        for tenant_id in (TENANT, OTHER_TENANT):
            await rig.engine.tenants.add(tenant_id)


@asynccontextmanager
async def open_rig(
    store: str, folder: Path, *, config: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Rig]:
    """A started service over `store` in `folder`; no request limit unless the settings say so."""
    with _directory_url(store, folder) as url:
        async with _open_rig(store, url, folder, config=config, **settings) as rig:
            yield rig


@contextmanager
def _directory_url(store: str, folder: Path) -> Iterator[str]:
    if store != "postgresql":
        yield f"sqlite:///{folder / 'tessera.db'}"
        return
    server = postgres_server()
    with server.database(template=server.template) as url:
        yield url


@asynccontextmanager
async def _open_rig(
    store: str, url: str, folder: Path, *, config: dict[str, Any] | None, **settings: Any
) -> AsyncIterator[Rig]:
    directory = FrailStore(SqlDirectory(url, timeout_ms=PATIENT_MS))
    sessions = FrailStore(_make_sessions(store, directory._store))
    clock = MovableClock()
    engine = Engine(
        config=EngineConfig(issuer=ISSUER, **({"store_timeout_ms": PATIENT_MS} | (config or {}))),
        directory=cast(Any, directory),
        sessions=cast(SessionStore, sessions),
        master_keys=MasterKeys(current=MASTER_KEY),
        clock=clock,
    )
    app = create_app(Settings(**{"data_dir": folder, "issuer": ISSUER, "rate_limit": "off", **settings}), engine=engine)
    await engine.start()
    if store == "postgresql":  # whose directory is not copied from one that has them
        for tenant_id in (TENANT, OTHER_TENANT):
            await engine.tenants.add(tenant_id)
    try:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service.example") as client:
            rig = Rig(app=app, engine=engine, clock=clock, client=client, stores=(directory, sessions))
            rig.fail_stores(None)
            yield rig
    finally:
        exchange.ANSWER_SECONDS = REAL_SECONDS
        await engine.stop()


def _make_sessions(store: str, directory: SqlDirectory) -> SessionStore:
    if store == "memory":
        return MemorySessionStore(directory_id="directory")
    if store == "redis":
        return RedisSessionStore(fresh_database(), directory_id=directory.directory_id)
    return SqlSessionStore(directory)
