# SPDX-License-Identifier: Apache-2.0
"""Users, their events, and directories for the tests of what is stored about signing in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from storage.examples import NOW, NOW_MS
from storage.stores import database_url
from tessera_service.models import Event, EventType, User, UserStatus
from tessera_service.storage.sql import SqlDirectory


def make_user(
    user_id: str = "u1",
    *,
    tenant_id: str = "tenant-a",
    username: str | None = "alice",
    email: str | None = "alice@example.com",
    phone: str | None = "+84912345678",
    password_hash: str | None = "$argon2id$1",
    version: int = 1,
    created_at: int = NOW,
) -> User:
    """A user that is active, with every name unless told otherwise."""
    return User(
        tenant_id=tenant_id,
        user_id=user_id,
        username=username,
        email=email,
        phone=phone,
        password_hash=password_hash,
        roles=("teacher", "ä"),
        permissions=("session.read:any",),
        status=UserStatus.ACTIVE,
        version=version,
        created_at=created_at,
    )


def event(user: User, change: str = "added") -> Event:
    """What is told about a change that led to this version of the user."""
    data = {"user_id": user.user_id, "tenant_id": user.tenant_id, "change": change}
    event_id = f"{user.tenant_id}.{user.user_id}.{user.version}"
    return Event(event_id, EventType.USER_SYNC, user.tenant_id, None, user.user_id, NOW_MS, data)


async def events(directory: SqlDirectory) -> list[Event]:
    """Everything in the outbox."""
    return [row.event for row in await directory.read_outbox(after=0, limit=1000)]


@asynccontextmanager
async def directories(folder: Path, count: int = 1, *, product: str = "sqlite") -> AsyncIterator[list[SqlDirectory]]:
    """Directories with connections of their own on one database, as several processes have. Patient."""
    with database_url(product, folder) as url:
        opened = [SqlDirectory(url, timeout_ms=60_000) for _ in range(count)]
        for directory in opened:
            await directory.open()
        yield opened
        for directory in opened:
            await directory.close()
