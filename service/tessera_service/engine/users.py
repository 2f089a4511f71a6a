# SPDX-License-Identifier: Apache-2.0
"""The users of tenants, for operators: who may sign in, with what rights, and who may not any more."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tessera_service.clock import Clock
from tessera_service.engine.access_keys import AccessKeys
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.ends import Ends
from tessera_service.engine.ids import uuid7
from tessera_service.engine.names import MAX_NAMES, is_name, normal_email, normal_username
from tessera_service.engine.passwords import Passwords, read_new_password
from tessera_service.engine.phones import parse_phone
from tessera_service.engine.revocation import Mirror
from tessera_service.engine.tenants import Tenants
from tessera_service.engine.user_sessions import OPERATOR, UserSessions
from tessera_service.errors import InvalidInput, NameTaken, StoreUnavailable, UnknownTenant
from tessera_service.models import Event, EventType, LogEntry, User, UserStatus
from tessera_service.storage.base import Directory

LOCKED: Final = "user_locked"
DISABLED: Final = "user_disabled"
DELETED: Final = "user_deleted"
PASSWORD_SET: Final = "password_set"  # noqa: S105 (a reason)
_CHANGED: Final = "user_changed"

_TRIES: Final = 10  # somebody else may change the same user at the same time


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be added: with a name of at least one kind. Without a password nobody signs in with one."""

    tenant_id: str
    username: str | None = None
    email: str | None = None
    phone: str | None = None
    password: str | None = field(default=None, repr=False)
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different about a user. None: as it is; "": without any (e-mail, phone)."""

    email: str | None = None
    phone: str | None = None
    roles: tuple[str, ...] | None = None
    permissions: tuple[str, ...] | None = None


class Users:
    """The directory's step comes first: it alone ends the user's service tokens, and makes the sessions of a user that
    is not active dead. Then they are ended; whoever hears of the change from the log does that too. Every method raises
    StoreUnavailable, and those that name a user give None if there is none."""

    def __init__(
        self,
        *,
        directory: Directory,
        sessions: UserSessions,
        tenants: Tenants,
        access_keys: AccessKeys,
        passwords: Passwords,
        mirror: Mirror,
        ends: Ends,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self.changed = asyncio.Event()  # set when the log told of a user: `end_inactive` has work
        self._directory = directory
        self._sessions = sessions
        self._tenants = tenants
        self._access_keys = access_keys
        self._passwords = passwords
        self._mirror = mirror
        self._ends = ends
        self._clock = clock
        self._config = config
        self._to_look_at: dict[tuple[str, str], int] = {}  # until when sessions were made that have to end (ms)
        mirror.on_change(self._notice)

    async def add(self, new: NewUser) -> User:
        """UnknownTenant, InvalidInput ("username", "email", "phone", "password", "role", "permission"), NameTaken,
        Overloaded."""
        user = User(
            tenant_id=new.tenant_id,
            user_id=uuid7(),
            username=_named("username", new.username, normal_username),
            email=_named("email", new.email, normal_email),
            phone=_named("phone", new.phone, parse_phone),
            password_hash=None,
            roles=_names("role", new.roles),
            permissions=_names("permission", new.permissions),
            status=UserStatus.ACTIVE,
            version=1,
            created_at=self._clock.now(),
        )
        if user.username is None and user.email is None and user.phone is None:
            raise InvalidInput("username", missing=True)
        password = None if new.password is None else read_new_password(new.password)
        if not await self._tenants.exists(new.tenant_id):
            raise UnknownTenant
        if password is not None:
            user = replace(user, password_hash=await self._passwords.hash(password))
        async with answered_within(self._config.store_timeout):
            taken = await self._directory.add_user(user, event=self._event(user, "added"))
        if taken is not None:
            raise NameTaken(taken)
        return user

    async def list(self, tenant_id: str, *, after: User | None = None) -> Sequence[User]:
        """A page of the tenant's, newest first: LISTED, fewer at the end. `after`: the last one of the page before."""
        async with answered_within(self._config.store_timeout):
            return await self._directory.list_users(tenant_id, after=after)

    async def find(self, tenant_id: str, name: str) -> User | None:
        """By id, or by username."""
        username = normal_username(name)
        async with answered_within(self._config.store_timeout):
            user = await self._directory.get_user(tenant_id, name) if _is_id(name) else None
            if user is None and username is not None:
                user = await self._directory.find_user(tenant_id, username=username)
        return user

    async def set(self, tenant_id: str, user_id: str, change: UserChange) -> User | None:
        """New roles, permissions, e-mail or phone; live sessions that the user signed in to have them at once here, and
        within a second everywhere. InvalidInput, NameTaken."""
        values: dict[str, object] = {}
        if change.email is not None:
            values["email"] = _named("email", change.email or None, normal_email)
        if change.phone is not None:
            values["phone"] = _named("phone", change.phone or None, parse_phone)
        if change.roles is not None:
            values["roles"] = _names("role", change.roles)
        if change.permissions is not None:
            values["permissions"] = _names("permission", change.permissions)
        return await self._change(tenant_id, user_id, "changed", lambda user: _still_named(replace(user, **values)))  # type: ignore[arg-type] # by field

    async def set_password(self, tenant_id: str, user_id: str, password: str) -> User | None:
        """Another password; whoever signed in with the old one is signed out. InvalidInput, Overloaded."""
        password_hash = await self._passwords.hash(read_new_password(password))
        user = await self._change(
            tenant_id, user_id, "changed", lambda user: replace(user, password_hash=password_hash)
        )
        if user is not None:
            await self._sessions.end(tenant_id, user_id, reason=PASSWORD_SET, locked=False)
        return user

    async def lock(self, tenant_id: str, user_id: str) -> User | None:
        """Ends every session and service token of the user and lets nobody sign in until `unlock`. A user that is
        disabled stays so."""
        return await self._stop(tenant_id, user_id, "locked", UserStatus.LOCKED, only=UserStatus.ACTIVE)

    async def disable(self, tenant_id: str, user_id: str) -> User | None:
        """As `lock`, until `enable`; also a user that is locked."""
        return await self._stop(tenant_id, user_id, "disabled", UserStatus.DISABLED, only=None)

    async def unlock(self, tenant_id: str, user_id: str) -> User | None:
        """Lets a user that is locked sign in again; what ended stays so. Others are left as they are."""
        return await self._resume(tenant_id, user_id, "unlocked", UserStatus.LOCKED, LOCKED)

    async def enable(self, tenant_id: str, user_id: str) -> User | None:
        """As `unlock`, for a user that is disabled."""
        return await self._resume(tenant_id, user_id, "enabled", UserStatus.DISABLED, DISABLED)

    async def delete(self, tenant_id: str, user_id: str) -> bool:
        """Ends every session and every access key of the user and removes what is known of the person: the record, and
        what sessions and events tell of where they came from; ids stay. False if there is none. The record goes after
        that, so that what was interrupted can be done again."""
        for _ in range(_TRIES):
            user = await self.disable(tenant_id, user_id)
            if user is None:
                return False
            await self._access_keys.disable_all(tenant_id, user_id)
            await self._sessions.erase(tenant_id, user_id)
            if await self._remove(user):
                self._mirror.changed(tenant_id, user_id)
                await self._sessions.erase(tenant_id, user_id)  # what was being made meanwhile
                return True
        raise StoreUnavailable

    # What a change leaves behind

    async def end_inactive(self) -> None:
        """Ends what sessions are left of users that the log told of: all of one that is not active, and of others those
        that were made before a change that ends sessions. Whoever made it may not have reached them: they may be in
        this process alone. Of a user that is gone it also erases what is left. Done again it changes nothing."""
        for name in tuple(self._to_look_at):
            cutoff_ms = self._to_look_at.pop(name)  # first: what the log tells meanwhile has to be looked at, too
            try:
                await self._look_at(*name, cutoff_ms)
            except BaseException:
                self._note(name, cutoff_ms)
                raise

    async def _look_at(self, tenant_id: str, user_id: str, cutoff_ms: int) -> None:
        user = await self._get(tenant_id, user_id)
        if user is not None and user.status is not UserStatus.ACTIVE:
            await self._sessions.end(tenant_id, user_id, reason=_REASONS[user.status], locked=True)
        elif cutoff_ms:
            reason = DELETED if user is None else _CHANGED
            await self._sessions.end_older(tenant_id, user_id, cutoff_ms=cutoff_ms, reason=reason, locked=user is None)
        if user is None:
            await self._sessions.erase(tenant_id, user_id)

    def _notice(self, entry: LogEntry) -> None:
        if _is_id(entry.key):
            self._note((entry.tenant_id, entry.key), entry.cutoff_ms)
            self.changed.set()

    def _note(self, name: tuple[str, str], cutoff_ms: int) -> None:
        self._to_look_at[name] = max(cutoff_ms, self._to_look_at.get(name, 0))

    # Steps

    async def _stop(
        self, tenant_id: str, user_id: str, what: str, status: UserStatus, *, only: UserStatus | None
    ) -> User | None:
        user = await self._change(
            tenant_id, user_id, what, lambda user: replace(user, status=status) if only in (None, user.status) else user
        )
        if user is not None:
            await self._sessions.end(tenant_id, user_id, reason=_REASONS[user.status], locked=True)
        return user

    async def _resume(self, tenant_id: str, user_id: str, what: str, status: UserStatus, reason: str) -> User | None:
        """What was born while the user was not active is ended first: that is final."""
        user = await self._get(tenant_id, user_id)
        if user is None or user.status is not status:
            return user
        await self._sessions.end(tenant_id, user_id, reason=reason, locked=True)
        return await self._change(
            tenant_id,
            user_id,
            what,
            lambda user: replace(user, status=UserStatus.ACTIVE) if user.status is status else user,
        )

    async def _change(self, tenant_id: str, user_id: str, what: str, change: Callable[[User], User]) -> User | None:
        for _ in range(_TRIES):
            before = await self._get(tenant_id, user_id)
            if before is None:
                return None
            after = change(before)
            if after == before:
                return before
            after = replace(after, version=before.version + 1)
            if await self._update(after, what, ends_sessions=_ends_sessions(before, after)):
                self._mirror.changed(tenant_id, user_id)
                return after
        raise StoreUnavailable

    async def _update(self, user: User, what: str, *, ends_sessions: bool) -> bool:
        revocation = self._ends.of_subject(reason=_REASONS.get(user.status, what), revoked_by=OPERATOR)
        try:
            async with answered_within(self._config.store_timeout):
                return await self._directory.update_user(
                    user, ends_sessions=ends_sessions, revocation=revocation, event=self._event(user, what)
                )
        except ValueError as taken:
            raise NameTaken(str(taken)) from None

    async def _remove(self, user: User) -> bool:
        gone = replace(user, version=user.version + 1)
        async with answered_within(self._config.store_timeout):
            return await self._directory.delete_user(
                user.tenant_id,
                user.user_id,
                version=user.version,
                revocation=self._ends.of_subject(reason=DELETED, revoked_by=OPERATOR),
                event=self._event(gone, "deleted"),
            )

    async def _get(self, tenant_id: str, user_id: str) -> User | None:
        async with answered_within(self._config.store_timeout):
            return await self._directory.get_user(tenant_id, user_id)

    def _event(self, user: User, what: str) -> Event:
        return Event(
            event_id=f"{user.user_id}.{user.version}",
            type=EventType.USER_SYNC,
            tenant_id=user.tenant_id,
            session_id=None,
            user_id=user.user_id,
            at_ms=self._clock.now_ms(),
            data={"user_id": user.user_id, "tenant_id": user.tenant_id, "change": what},
        )


_REASONS: Final = {UserStatus.LOCKED: LOCKED, UserStatus.DISABLED: DISABLED}


def _ends_sessions(before: User, after: User) -> bool:
    """Whether sessions that were made until then may not go on: also when the user may have new ones now."""
    stays_active = before.status is after.status is UserStatus.ACTIVE
    return not stays_active or before.password_hash != after.password_hash


def _named(kind: str, text: str | None, normal: Callable[[str], str | None]) -> str | None:
    if text is None:
        return None
    name = normal(text)
    if name is None:
        raise InvalidInput(kind, out_of_range=True)
    return name


def _names(kind: str, names: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(names))
    if len(found) > MAX_NAMES or not all(map(is_name, found)):
        raise InvalidInput(kind, out_of_range=True)
    return found


def _still_named(user: User) -> User:
    if user.username is None and user.email is None and user.phone is None:
        raise InvalidInput("username", missing=True)
    return user


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
