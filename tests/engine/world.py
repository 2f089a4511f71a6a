# SPDX-License-Identifier: Apache-2.0
"""One installation in memory, and what its clients do."""

import base64
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import tessera
from engine.doubles import FakeClock, Fragile, MemoryDirectory
from tessera_service.engine import Engine, EngineConfig, KeyState, MasterKeys
from tessera_service.engine.claims import TYPES, Draft, payload_of
from tessera_service.engine.ids import uuid7
from tessera_service.errors import Unauthorized
from tessera_service.models import Caller, IssuedTokens, IssueRequest, Session, SigningKey, TokenKind
from tessera_service.storage.memory import MemorySessionStore

TENANT = "tenant-a"
OTHER_TENANT = "tenant-b"
MASTER_KEY = bytes(range(32))
GATEWAY = ("token.generate", "token.introspect", "token.revoke")


def config(**changes: Any) -> EngineConfig:
    """The defaults, with bounds of real time that a busy machine keeps."""
    values: dict[str, Any] = {
        "issuer": "https://tokens.example",
        "default_tenant": TENANT,
        "max_freshness_ms": 60_000,
        "store_timeout_ms": 60_000,
        "password_memory_kib": 64,
        "password_passes": 1,
    }
    return EngineConfig(**(values | changes))


@dataclass
class World:
    """An engine over two fragile stores, and the clock of all of them."""

    config: EngineConfig
    row: SigningKey
    clock: FakeClock = field(default_factory=FakeClock)
    directory: Fragile = field(default_factory=lambda: Fragile(MemoryDirectory()))
    sessions: Fragile = field(default_factory=lambda: Fragile(MemorySessionStore(directory_id="directory-a")))
    engines: list[Engine] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        """The first process."""
        return self.engines[0]

    async def start(self, *, background: bool = False, clock: FakeClock | None = None) -> Engine:
        """One more process over the same stores."""
        engine = Engine(
            config=self.config,
            directory=self.directory,
            sessions=self.sessions,
            master_keys=MasterKeys(current=MASTER_KEY),
            clock=clock or self.clock,
            background=background,
        )
        await engine.start()
        self.engines.append(engine)
        return engine

    @contextmanager
    def impatient(self, timeout_ms: int = 250) -> Iterator[None]:
        """For as long as it lasts, steps that begin give their stores up soon: what has to succeed stays outside."""
        patient_ms = self.config.store_timeout_ms
        object.__setattr__(self.config, "store_timeout_ms", timeout_ms)
        try:
            yield
        finally:
            object.__setattr__(self.config, "store_timeout_ms", patient_ms)

    async def stop(self) -> None:
        for engine in self.engines:
            await engine.stop()

    async def service_token(self, *permissions: str, tenant_id: str = TENANT, subject: str = "gateway") -> str:
        await self.engine.tenants.add(tenant_id)
        return await self.engine.service_tokens.mint(
            tenant_id=tenant_id, subject=subject, permissions=permissions, ttl_seconds=86_400
        )

    async def caller(self, *permissions: str, tenant_id: str = TENANT, subject: str = "gateway") -> Caller:
        """A service with those permissions."""
        token = await self.service_token(*(permissions or GATEWAY), tenant_id=tenant_id, subject=subject)
        return await self.engine.tokens.authenticate(token, tenant_id=tenant_id)

    async def issue(self, subject: str = "alice", *, tenant_id: str = TENANT, **request: Any) -> IssuedTokens:
        """A session of that subject."""
        caller = await self.caller(tenant_id=tenant_id)
        body = IssueRequest(tenant_id=tenant_id, subject=subject, **({"client_id": "dx-vas"} | request))
        return await self.engine.tokens.issue(caller, body)

    async def who(self, token: str, *, tenant_id: str | None = TENANT) -> Caller:
        return await self.engine.tokens.authenticate(token, tenant_id=tenant_id)

    async def lives(self, token: str, *, tenant_id: str | None = TENANT) -> bool:
        """Whether the bearer is accepted."""
        try:
            await self.who(token, tenant_id=tenant_id)
        except Unauthorized:
            return False
        return True

    async def introspect(self, token: str, *, tenant_id: str = TENANT) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.engine.tokens.introspect(token.encode(), tenant_id=tenant_id))
        return answer

    async def session(self, session_id: str) -> Session:
        session: Session | None = await self.sessions.store.get(session_id)
        assert session is not None
        return session

    @property
    def active_kid(self) -> str:
        """The key that signs now."""
        return next(info.kid for info in self.engine.keys.infos() if info.state is KeyState.ACTIVE)

    def forge(
        self,
        kind: TokenKind,
        *,
        typ: str | None = None,
        change: Callable[[dict[str, Any]], Any] | None = None,
        **draft: Any,
    ) -> str:
        """A token that the active key of this installation signed: genuine but for what a test makes of it."""
        values: dict[str, Any] = {
            "kind": kind,
            "issuer": self.config.issuer,
            "audience": self.config.audience,
            "subject": "alice",
            "tenant_id": TENANT,
            "jti": uuid7(),
            "issued_at": self.clock.now(),
            "expires_at": self.clock.now() + 900,
            "session_id": None if kind is TokenKind.SERVICE else uuid7(),
        }
        payload = payload_of(Draft(**(values | draft)))
        if change is not None:
            members = json.loads(payload)
            change(members)
            payload = json.dumps(members).encode()
        pair = self.engine.keys.signing_with(self.active_kid)
        assert pair is not None
        return pair.signer.sign(payload, type=typ or TYPES[kind])


MakeWorld = Callable[..., Awaitable[World]]  # the fixture `make_world`


def claims_of(token: str) -> dict[str, Any]:
    """The payload, unverified."""
    return part(token, 1)


def part(token: str, index: int) -> dict[str, Any]:
    """One segment as JSON."""
    segment = token.split(".")[index]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return value


def genuine(token: str, world: World) -> bool:
    """Whether a stranger with the published JWKS and nothing else accepts the token's signature."""
    keys = tessera.KeySet.from_jwks(world.engine.keys.export_jwks())
    policy = tessera.Policy(ignore_issuer=True, ignore_audience=True, allow_any_type=True, ignore_expiry=True)
    try:
        tessera.Verifier(keys, policy).verify(token, now=world.clock.now())
    except tessera.TokenError:
        return False
    return True
