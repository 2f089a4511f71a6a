# SPDX-License-Identifier: Apache-2.0
"""One-time codes over a real directory, without the rest of an engine."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.doubles import FakeClock, Fragile, as_any
from engine.world import MASTER_KEY, TENANT, config
from sqlite_file import made_sqlite
from tessera_service.engine.code_delivery import CodeNotSent
from tessera_service.engine.codes import CodeLogin, Codes
from tessera_service.engine.ids import uuid7
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.errors import CodeRefused, Forbidden, ServiceError
from tessera_service.models import Event, EventType, IssuedTokens, Revocation, User, UserStatus
from tessera_service.storage.sql import SqlDirectory

ALICE, BOB, NOBODY = "+84912345678", "+84912345679", "+84912345670"
ADDRESS = "192.0.2.1"
HOUR = 3600


@dataclass
class Provider:
    """Remembers what it was asked to send."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    failing: bool = False

    async def send(self, phone_number: str, code: str) -> None:
        if self.failing:
            raise CodeNotSent("status 500")
        self.sent.append((phone_number, code))

    async def close(self) -> None:
        return


@dataclass
class Login:
    """Signs everybody in who is not `refused`, unless it is `failing`."""

    refused: bool = False
    failing: type[ServiceError] | None = None
    issued: list[tuple[User, dict[str, Any]]] = field(default_factory=list)

    async def issue_for(self, user: User, **named: Any) -> IssuedTokens:
        if self.refused:
            raise Forbidden
        if self.failing is not None:
            raise self.failing
        self.issued.append((user, named))
        return IssuedTokens("access", "refresh", 900, uuid7())


@dataclass
class Rig:
    """One process: codes over a real directory."""

    directory: Fragile
    clock: FakeClock
    provider: Provider
    login: Login
    codes: Codes

    async def request(self, number: str = ALICE, *, address: str = ADDRESS, tenant_id: str = TENANT) -> str | None:
        """The code that was sent; None if none was."""
        before = len(self.provider.sent)
        await self.codes.request(tenant_id, number, address)
        await asyncio.gather(*self.codes._delivery._under_way.values())
        sent = self.provider.sent[before:]
        assert len(sent) <= 1
        return sent[0][1] if sent else None

    async def sign_in(
        self, code: str, number: str = ALICE, *, address: str = ADDRESS, tenant_id: str = TENANT
    ) -> IssuedTokens:
        return await self.codes.sign_in(CodeLogin(tenant_id, number, code, address))

    async def outcome(self, code: str, number: str = ALICE, **where: str) -> str:
        """Of an attempt to sign in, in one word, with the guesses that are left."""
        try:
            await self.sign_in(code, number, **where)
        except CodeRefused as refused:
            return f"refused, {refused.attempts_left} left"
        except ServiceError as error:
            return error.code
        return "in"

    async def outcomes(self, codes: Sequence[str], number: str = ALICE, **where: str) -> list[str]:
        """Of one attempt after another."""
        return [await self.outcome(code, number, **where) for code in codes]

    async def requested(self) -> str:
        """A code that was sent to alice."""
        code = await self.request()
        assert code is not None
        return code

    async def add(self, phone: str, *, tenant_id: str = TENANT, status: UserStatus = UserStatus.ACTIVE) -> User:
        user = User(
            tenant_id=tenant_id,
            user_id=uuid7(),
            username=None,
            email=None,
            phone=phone,
            password_hash=None,
            roles=(),
            permissions=(),
            status=status,
            version=1,
            created_at=self.clock.now(),
        )
        assert await self.directory.add_user(user, event=synced(user)) is None
        return user

    async def set_status(self, user: User, status: UserStatus) -> User:
        """The user as it is from now on."""
        changed = replace(user, status=status, version=user.version + 1)
        revocation = Revocation(self.clock.now_ms(), "user_changed", "operator", log_expires_at=2**40)
        assert await self.directory.update_user(
            changed, ends_sessions=False, revocation=revocation, event=synced(changed)
        )
        return changed


def synced(user: User) -> Event:
    return Event(
        event_id=f"{user.user_id}.{user.version}",
        type=EventType.USER_SYNC,
        tenant_id=user.tenant_id,
        session_id=None,
        user_id=user.user_id,
        at_ms=0,
        data={},
    )


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


MakeRig = Callable[..., Awaitable[Rig]]  # the fixture `make_rig`


@asynccontextmanager
async def rigs_over(folder: Path) -> AsyncIterator[MakeRig]:
    """Makes processes over one database, with changes of the configuration; all have the clock of the first."""
    rigs: list[Rig] = []

    async def make(**changes: Any) -> Rig:
        directory = Fragile(SqlDirectory(made_sqlite(folder), timeout_ms=60_000))
        await directory.open()
        clock = rigs[0].clock if rigs else FakeClock()
        provider, login = Provider(), Login()
        codes = Codes(
            directory=as_any(directory),
            login=login,
            provider=provider,
            master_keys=MasterKeys(current=MASTER_KEY),
            clock=clock,
            config=config(**changes),
        )
        rigs.append(Rig(directory, clock, provider, login, codes))
        return rigs[-1]

    yield make
    for rig in rigs:
        await rig.codes.close()
        await rig.directory.close()
