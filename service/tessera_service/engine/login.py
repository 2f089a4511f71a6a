# SPDX-License-Identifier: Apache-2.0
"""Signing in with a password. Whoever may not is told the same, after the same work, whatever the cause."""

import hmac
import json
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import structlog

from tessera_service.clock import Clock
from tessera_service.engine.addresses import counted_address
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.issue import Issuer
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.engine.names import normal_email, normal_username
from tessera_service.engine.passwords import Passwords, read_password
from tessera_service.engine.standing import LOCAL, cut_scope
from tessera_service.engine.turns import Turns
from tessera_service.errors import CredentialsRefused, Forbidden, InvalidInput, StoreUnavailable
from tessera_service.models import HitLimit, IssuedTokens, IssueRequest, SessionMetadata, Taken, User, UserStatus
from tessera_service.storage.base import Directory

WINDOW_SECONDS: Final = 900  # in which LOGIN_MAX_ATTEMPTS failures lock out, and for how long they do
ACCOUNT_ATTEMPTS: Final = 100  # over all addresses, slow enough that nobody keeps a user out of their account for long
ACCOUNT_SECONDS: Final = 3600
MAX_WAITING: Final = 64  # sign-ins of one name from one address
_CLIENT: Final = "dx-vas"
_PURPOSE: Final = "login-attempts"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """Who signs in, with one of `username` and `email`. `address`: the peer's; `scope`: what is asked for, of which the
    user gets what its permissions cover."""

    tenant_id: str
    password: str = field(repr=False)
    address: str
    username: str | None = None
    email: str | None = None
    metadata: SessionMetadata = field(default_factory=SessionMetadata)
    surface: str = "auth"
    client_id: str = _CLIENT
    scope: str = ""
    auth_method: str = LOCAL


class Login:
    """A try is counted before its password is looked at, so that however many come at once no more are looked at than
    may fail; the right one takes its count back. In one process the tries of one name from one address take turns:
    else a user who signs in on many devices at once would be locked out by being right."""

    def __init__(
        self,
        *,
        directory: Directory,
        issuer: Issuer,
        passwords: Passwords,
        master_keys: MasterKeys,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._directory = directory
        self._issuer = issuer
        self._passwords = passwords
        self._key = master_keys.derive(_PURPOSE)
        self._clock = clock
        self._config = config
        self._turns: Turns[User] = Turns(waiting=MAX_WAITING)

    async def with_password(self, login: PasswordLogin) -> IssuedTokens:
        """A session for the user of that name and password. CredentialsRefused: for an unknown name, a wrong password,
        a lock-out and a user that is not active, all alike. InvalidInput, TokenTooLarge, Overloaded,
        StoreUnavailable."""
        password = read_password(login.password)
        limits = self._limits(login)
        user = await self._turns.run(limits[0].key, partial(self._judge, login, password, limits))
        try:
            return await self.issue_for(
                user,
                surface=login.surface,
                auth_method=login.auth_method,
                client_id=login.client_id,
                scope=login.scope,
                metadata=login.metadata,
            )
        except Forbidden:  # locked since
            raise CredentialsRefused(limits[0].max_hits - 1) from None

    async def issue_for(
        self,
        user: User,
        *,
        surface: str,
        auth_method: str,
        metadata: SessionMetadata,
        client_id: str = _CLIENT,
        scope: str = "",
    ) -> IssuedTokens:
        """A session for a user who has proved to be that, as the record was read before the proof. Forbidden if the
        user is not active; StoreUnavailable also if the record changed since. TokenTooLarge, Overloaded."""
        if user.status is not UserStatus.ACTIVE:
            raise Forbidden
        request = IssueRequest(
            tenant_id=user.tenant_id,
            subject=user.user_id,
            client_id=client_id,
            scope=cut_scope(scope, user.permissions),
            permissions=user.permissions,
            roles=user.roles,
            username=user.username,
            metadata=metadata,
            surface=surface,
            auth_method=auth_method,
        )
        return await self._issuer.sign_in(user, request)

    async def close(self) -> None:
        """Lets tries under way be settled."""
        await self._turns.close()

    async def _judge(self, login: PasswordLogin, password: bytes, limits: tuple[HitLimit, HitLimit]) -> User:
        async with answered_within(self._config.store_timeout):
            taken = await self._directory.take(limits, now_ms=self._clock.now_ms())
        try:
            async with answered_within(self._config.store_timeout):
                user = await self._find(login)
            is_open = user is not None and taken.hit_id is not None
            matches = await self._passwords.match(password, user.password_hash if user and is_open else None)
        except Exception:  # nothing was found out: nobody has failed
            await self._give_back(taken)
            raise
        if user is None or not is_open or not matches or user.status is not UserStatus.ACTIVE:
            raise CredentialsRefused(min(taken.remaining), max(taken.retry_after) or None)
        await self._succeeded(taken, limits[0])
        await self._renew_hash(user, password)
        return user

    async def _find(self, login: PasswordLogin) -> User | None:
        """What cannot be a name is nobody's: the directory is asked for it no less."""
        if login.username is not None:
            return await self._directory.find_user(login.tenant_id, username=normal_username(login.username) or "")
        return await self._directory.find_user(login.tenant_id, email=normal_email(login.email or "") or "")

    async def _succeeded(self, taken: Taken, limit: HitLimit) -> None:
        assert taken.hit_id is not None
        async with answered_within(self._config.store_timeout):
            await self._directory.give_back(taken.hit_id)
            if taken.remaining[0] < limit.max_hits - 1:
                await self._directory.forget(limit.key)

    async def _give_back(self, taken: Taken) -> None:
        if taken.hit_id is None:
            return
        with suppress(StoreUnavailable):
            async with answered_within(self._config.store_timeout):
                await self._directory.give_back(taken.hit_id)

    async def _renew_hash(self, user: User, password: bytes) -> None:
        """Beside the sign-in: it succeeds also if this cannot be done now."""
        old = user.password_hash
        if old is None or not self._passwords.is_outdated(old):
            return
        try:
            new = await self._passwords.hash(password)
            async with answered_within(self._config.store_timeout):
                await self._directory.set_password_hash(user.tenant_id, user.user_id, old=old, new=new)
        except Exception as error:
            _log.warning("password_not_rehashed", error=type(error).__name__)

    def _limits(self, login: PasswordLogin) -> tuple[HitLimit, HitLimit]:
        """Failures of a name count, whether a user has it or not: a name of a user and an address of e-mail of the same
        user count apart, else their counts would tell that they are one's."""
        if (login.username is None) == (login.email is None):
            raise InvalidInput("username")
        if login.username is not None:
            name = ["username", normal_username(login.username) or login.username]
        else:
            name = ["email", normal_email(login.email or "") or login.email or ""]
        attempts = self._config.login_max_attempts
        return (
            HitLimit(
                self._keyed("address", login.tenant_id, *name, counted_address(login.address)),
                attempts,
                WINDOW_SECONDS,
                WINDOW_SECONDS,
            ),
            HitLimit(self._keyed("account", login.tenant_id, *name), ACCOUNT_ATTEMPTS, ACCOUNT_SECONDS),
        )

    def _keyed(self, *parts: str) -> bytes:
        return hmac.digest(self._key, json.dumps(parts).encode(), "sha256")
