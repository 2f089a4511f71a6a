# SPDX-License-Identifier: Apache-2.0
"""Users of a world, and how they sign in."""

from collections.abc import Awaitable, Callable
from typing import Any

from engine.world import TENANT, World
from tessera_service.engine import Engine, NewUser, PasswordLogin
from tessera_service.errors import CredentialsRefused
from tessera_service.models import Event, EventType, IssuedTokens, User

PASSWORD = "correct horse battery"
WRONG = "wrong horse battery"
ADDRESS = "203.0.113.7"
OTHER_ADDRESS = "198.51.100.9"
Step = Callable[[Engine, str], Awaitable[User | None]]


async def add(world: World, username: str = "alice", *, tenant_id: str = TENANT, **values: Any) -> User:
    await world.engine.tenants.add(tenant_id)
    new = NewUser(tenant_id=tenant_id, username=username, **({"password": PASSWORD} | values))
    return await world.engine.users.add(new)


def login_of(username: str | None = "alice", password: str = PASSWORD, **values: Any) -> PasswordLogin:
    named: dict[str, Any] = {"tenant_id": TENANT, "address": ADDRESS}
    return PasswordLogin(username=username, password=password, **(named | values))


async def sign_in(
    world: World, username: str | None = "alice", password: str = PASSWORD, **values: Any
) -> IssuedTokens:
    return await world.engine.login.with_password(login_of(username, password, **values))


async def refusal(
    world: World, username: str | None = "alice", password: str = WRONG, **values: Any
) -> tuple[int, int | None]:
    """`attempts_left` and `lockout_seconds` of a sign-in that has to be refused."""
    try:
        await sign_in(world, username, password, **values)
    except CredentialsRefused as refused:
        return refused.attempts_left, refused.lockout_seconds
    raise AssertionError("signed in")


async def lock(engine: Engine, user_id: str) -> User | None:
    return await engine.users.lock(TENANT, user_id)


async def disable(engine: Engine, user_id: str) -> User | None:
    return await engine.users.disable(TENANT, user_id)


async def unlock(engine: Engine, user_id: str) -> User | None:
    return await engine.users.unlock(TENANT, user_id)


async def enable(engine: Engine, user_id: str) -> User | None:
    return await engine.users.enable(TENANT, user_id)


def stored(world: World, user: User) -> User:
    found: User = world.directory.store.users[user.tenant_id, user.user_id]
    return found


def told(world: World) -> list[str | None]:
    return [event.data["change"] for event in user_events(world)]


def user_events(world: World) -> list[Event]:
    rows = world.directory.store.outbox.read(after=0, limit=100)
    return [row.event for row in rows if row.event.type is EventType.USER_SYNC]
