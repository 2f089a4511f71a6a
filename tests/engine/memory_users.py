# SPDX-License-Identifier: Apache-2.0
"""Users and counters of the directory without a database: one process, nothing awaited inside a step."""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from tessera_service.models import Event, HitLimit, LogKind, Revocation, ServiceToken, Taken, User, UserStatus
from tessera_service.storage.memory_log import MemoryLog
from tessera_service.storage.memory_outbox import MemoryOutbox
from tessera_service.storage.rules import events

NAMES = ("username", "email", "phone")
T = TypeVar("T")


def following(after: T | None, found: Sequence[T]) -> Sequence[T]:
    """What follows `after` in a list; None: all."""
    return found if after is None else found[found.index(after) + 1 :]


class MemoryUsers:
    """What `storage.base` promises of users and counters."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.service_tokens: dict[str, ServiceToken] = {}
        self.users: dict[tuple[str, str], User] = {}
        self.outbox = MemoryOutbox()
        self.hits: dict[bytes, dict[str, int]] = {}  # key -> hit id -> until when (ms)
        self.held: dict[bytes, dict[str, int]] = {}  # what a hold made longer, as it was

    async def add_user(self, user: User, *, event: Event) -> str | None:
        taken = self._taken(user)
        if taken is None:
            self.users[user.tenant_id, user.user_id] = user
            self.outbox.append(event)
        return taken

    async def get_user(self, tenant_id: str, user_id: str) -> User | None:
        return self.users.get((tenant_id, user_id))

    async def find_user(
        self, tenant_id: str, *, username: str | None = None, email: str | None = None, phone: str | None = None
    ) -> User | None:
        ((name, value),) = [pair for pair in zip(NAMES, (username, email, phone), strict=True) if pair[1] is not None]
        found = (one for one in self.users.values() if one.tenant_id == tenant_id and getattr(one, name) == value)
        return next(found, None)

    async def list_users(self, tenant_id: str, *, after: User | None = None) -> Sequence[User]:
        found = [one for one in self.users.values() if one.tenant_id == tenant_id]
        return following(after, sorted(found, key=lambda one: (one.created_at, one.user_id), reverse=True))

    async def update_user(self, user: User, *, ends_sessions: bool, revocation: Revocation, event: Event) -> bool:
        before = self.users.get((user.tenant_id, user.user_id))
        if before is None or before.version != user.version - 1:
            return False
        taken = self._taken(user)
        if taken is not None:
            raise ValueError(taken)
        self.users[user.tenant_id, user.user_id] = user
        if before.status is not UserStatus.ACTIVE or user.status is not UserStatus.ACTIVE:
            self._end_service_tokens(user.tenant_id, user.user_id, revocation)
        self._tell(user.tenant_id, user.user_id, revocation, event, ends_sessions=ends_sessions)
        return True

    async def set_password_hash(self, tenant_id: str, user_id: str, *, old: str, new: str) -> bool:
        user = self.users.get((tenant_id, user_id))
        if user is None or user.password_hash != old:
            return False
        self.users[tenant_id, user_id] = replace(user, password_hash=new)
        return True

    async def delete_user(
        self, tenant_id: str, user_id: str, *, version: int, revocation: Revocation, event: Event
    ) -> bool:
        user = self.users.get((tenant_id, user_id))
        if user is None or user.version != version:
            return False
        del self.users[tenant_id, user_id]
        self._end_service_tokens(tenant_id, user_id, revocation)
        self._tell(tenant_id, user_id, revocation, event, ends_sessions=True)
        return True

    async def take(self, limits: Sequence[HitLimit], *, now_ms: int) -> Taken:
        for limit in limits:
            hits = self.hits.setdefault(limit.key, {})
            for hit_id in [one for one, until in hits.items() if until <= now_ms]:
                del hits[hit_id]
        if any(len(self.hits[limit.key]) >= limit.max_hits for limit in limits):
            return self._state(None, limits, now_ms)
        hit_id = secrets.token_hex(8)
        for limit in limits:
            hits = self.hits[limit.key]
            hits[hit_id] = now_ms + limit.window_seconds * 1000
            if limit.hold_seconds is not None and len(hits) == limit.max_hits:
                self.held[limit.key] = dict(hits)
                hits.update(dict.fromkeys(hits, now_ms + limit.hold_seconds * 1000))
        return self._state(hit_id, limits, now_ms)

    async def give_back(self, hit_id: str) -> None:
        for key, hits in self.hits.items():
            if hits.pop(hit_id, None) is not None and key in self.held:
                hits.update({one: until for one, until in self.held.pop(key).items() if one in hits})

    async def forget(self, key: bytes) -> None:
        self.hits.pop(key, None)
        self.held.pop(key, None)

    def _state(self, hit_id: str | None, limits: Sequence[HitLimit], now_ms: int) -> Taken:
        untils = [sorted(self.hits[limit.key].values()) for limit in limits]
        left = [limit.max_hits - len(found) for limit, found in zip(limits, untils, strict=True)]
        waits = [0 if room > 0 else -(-(found[0] - now_ms) // 1000) for room, found in zip(left, untils, strict=True)]
        return Taken(hit_id, tuple(left), tuple(waits))

    def _taken(self, user: User) -> str | None:
        others = [one for one in self.users.values() if one.tenant_id == user.tenant_id and one.user_id != user.user_id]
        for name in NAMES:
            value = getattr(user, name)
            if value is not None and any(getattr(one, name) == value for one in others):
                return name
        return None

    def end_service_token(self, token: ServiceToken, revocation: Revocation) -> None:
        self.service_tokens[token.jti] = replace(token, revoked_at=revocation.at_ms // 1000)
        self.outbox.append(events.service_token_revoked(token, revocation))
        self.log.append(LogKind.JTI, token.tenant_id, token.jti, revocation)

    def _end_service_tokens(self, tenant_id: str, subject: str, revocation: Revocation) -> None:
        for token in tuple(self.service_tokens.values()):
            if (token.tenant_id, token.subject, token.revoked_at) == (tenant_id, subject, None):
                self.end_service_token(token, revocation)

    def _tell(self, tenant_id: str, user_id: str, revocation: Revocation, event: Event, *, ends_sessions: bool) -> None:
        cutoff_ms = revocation.at_ms if ends_sessions else 0
        self.log.append(LogKind.CHANGED, tenant_id, user_id, revocation, cutoff_ms=cutoff_ms)
        self.outbox.append(event)
