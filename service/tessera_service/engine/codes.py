# SPDX-License-Identifier: Apache-2.0
"""Signing in by a phone number and a one-time code.

A number that no user has goes the same way as one that somebody has: the same steps of the store, in the same order,
with the same answers. Only its code is one that nobody can guess, and nothing is sent."""

import asyncio
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import structlog

from tessera_service.clock import Clock
from tessera_service.engine.addresses import counted_address
from tessera_service.engine.code_delivery import CodeDelivery, CodeProvider
from tessera_service.engine.config import EngineConfig
from tessera_service.engine.deadlines import answered_within
from tessera_service.engine.master_keys import MasterKeys
from tessera_service.engine.phones import parse_phone
from tessera_service.errors import (
    CodeExpired,
    CodeRefused,
    Forbidden,
    InvalidInput,
    Overloaded,
    RateLimited,
    StoreUnavailable,
)
from tessera_service.models import (
    CodeGuess,
    CodeOutcome,
    CodeRecord,
    HitLimit,
    IssuedTokens,
    SessionMetadata,
    SpentCode,
    User,
    UserStatus,
)
from tessera_service.storage.base.codes import CODE_REMEMBERED_SECONDS, OneTimeCodes
from tessera_service.storage.base.counters import HitCounters
from tessera_service.storage.base.users import UserDirectory

AUTH_METHOD: Final = "otp"
SURFACE: Final = "auth"
CODE_DIGITS: Final = 6
CODE_SECONDS: Final = 300
MAX_GUESSES: Final = 5  # of one code

RESEND_SECONDS: Final = 60
MAX_PER_NUMBER: Final = 5  # codes in an hour
MAX_PER_ADDRESS: Final = 20  # codes in an hour
MAX_WRONG_PER_ADDRESS: Final = 50  # guesses in an hour
_HOUR: Final = 3600
RESTORE_TRIES: Final = 3
RESTORE_PAUSE_SECONDS: Final = 0.5
RESTORE_WAIT_SECONDS: Final = 0.25  # of the answer
_GUESSES_SECONDS: Final = CODE_SECONDS + CODE_REMEMBERED_SECONDS  # a code's record is gone before its guesses are
_PURPOSE: Final = "one-time-code"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CodeLogin:
    """What somebody presents to sign in. `address`: the peer's."""

    tenant_id: str
    phone_number: str = field(repr=False)
    otp_code: str = field(repr=False)
    address: str
    metadata: SessionMetadata = field(default_factory=SessionMetadata)


class CodeDirectory(UserDirectory, HitCounters, OneTimeCodes, Protocol):
    """What signing in by a code needs of the directory."""


class IssuesTokens(Protocol):
    """Who makes sessions for users."""

    async def issue_for(self, user: User, *, surface: str, auth_method: str, metadata: SessionMetadata) -> IssuedTokens:
        """A session for a user who has proved to be that. Forbidden if the user is not active (any more)."""
        ...


class Codes:
    """Every method raises StoreUnavailable: where nothing can be counted, nothing is sent and nothing is compared."""

    def __init__(
        self,
        *,
        directory: CodeDirectory,
        login: IssuesTokens,
        provider: CodeProvider,
        master_keys: MasterKeys,
        clock: Clock,
        config: EngineConfig,
    ) -> None:
        self._directory = directory
        self._login = login
        self._delivery = CodeDelivery(provider, lifetime_seconds=CODE_SECONDS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._key = master_keys.derive(_PURPOSE)
        self._clock = clock
        self._config = config

    async def request(self, tenant_id: str, phone_number: str, address: str) -> None:
        """Sends a new code, which replaces the one before, to the active user with that number. It returns alike when
        there is none, and when the number, the address or the tenant has had as many as it may: then the code before
        stays. InvalidInput("phone_number")."""
        number = _number(phone_number)
        # It goes on to its end, also if the caller has gone: a code that is counted has to be sent.
        task = asyncio.create_task(self._request(tenant_id, number, address), name="tessera-code-request")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        await asyncio.shield(task)

    async def _request(self, tenant_id: str, number: str, address: str) -> None:
        key = self._hash("number", tenant_id, number)
        async with answered_within(self._config.store_timeout):
            limits = self._request_limits(tenant_id, number, counted_address(address))
            taken = await self._directory.take(limits, now_ms=self._clock.now_ms())
        if taken.hit_id is None:
            _log.info("code_refused_by_limit", tenant=tenant_id)
            return
        try:
            async with answered_within(self._config.store_timeout):
                user, code = await self._put_code(key, tenant_id, number)
        except StoreUnavailable:  # nothing was sent: whoever asks again is not told in vain that a code is coming
            await self._give_back(taken.hit_id)
            raise
        if user is not None:  # nothing is awaited from here on: the answer does not wait for what a provider costs
            self._delivery.post(key, number, code, tenant_id=tenant_id)

    async def sign_in(self, login: CodeLogin) -> IssuedTokens:
        """Tokens of a new session for the right code, once: what was sent in vain (StoreUnavailable, Overloaded) may be
        sent again, unless the directory cannot be told so. CodeRefused for a wrong one, for none, for a number of
        nobody's and a user who is not active; CodeExpired for the right one too late; RateLimited, before anything is
        compared, after too many guesses of one code or from one address. InvalidInput("phone_number"),
        TokenTooLarge."""
        number = _number(login.phone_number)
        began = asyncio.get_running_loop().time()
        async with answered_within(self._config.store_timeout):
            user, guess, hit_id = await self._guess(login, number)
        _check(guess)
        assert user is not None  # there is no right guess for nobody
        assert guess.spent is not None
        try:
            async with answered_within(self._config.store_timeout - (asyncio.get_running_loop().time() - began)):
                await self._directory.give_back(hit_id)
            return await self._login.issue_for(user, surface=SURFACE, auth_method=AUTH_METHOD, metadata=login.metadata)
        except Forbidden:  # locked or disabled since it was looked up
            raise CodeRefused(guess.remaining) from None
        except (StoreUnavailable, Overloaded):
            await self._restore(guess.spent, hit_id, login.tenant_id)
            raise

    async def close(self) -> None:
        """Lets what has begun end; gives codes under way a moment, then drops them. Idempotent."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._delivery.close()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the one who asked may be gone

    async def _put_code(self, key: bytes, tenant_id: str, number: str) -> tuple[User | None, str]:
        """A new code in place of the one before, and whom it signs in."""
        user = await self._find(tenant_id, number)
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        code_hash = self._code_hash(user, tenant_id, number, code)
        await self._directory.forget(self._guesses_key(tenant_id, number))
        expires_at = self._clock.now() + CODE_SECONDS
        await self._directory.put_code(CodeRecord(key=key, code_hash=code_hash, expires_at=expires_at))
        return user, code

    async def _give_back(self, hit_id: str) -> None:
        with suppress(StoreUnavailable):
            async with answered_within(self._config.store_timeout):
                await self._directory.give_back(hit_id)

    async def _guess(self, login: CodeLogin, number: str) -> tuple[User | None, CodeGuess, str]:
        """Counted before it is compared: however many come at once, no more are evaluated than may be. With the hit
        that is to be given back if it was right."""
        limits = self._guess_limits(login.tenant_id, number, counted_address(login.address))
        taken = await self._directory.take(limits, now_ms=self._clock.now_ms())
        if taken.hit_id is None:
            raise RateLimited(_retry_after(*taken.retry_after))
        user = await self._find(login.tenant_id, number)
        key = self._hash("number", login.tenant_id, number)
        guess = await self._directory.guess_code(
            key,
            code_hash=self._code_hash(user, login.tenant_id, number, login.otp_code),
            now=self._clock.now(),
            max_guesses=MAX_GUESSES,
        )
        if guess.outcome is CodeOutcome.RIGHT:
            self._delivery.drop(key)  # it has arrived, whatever its provider confirmed
        if guess.outcome in (CodeOutcome.RIGHT, CodeOutcome.ABSENT):  # no code is left to count
            return user, replace(guess, remaining=taken.remaining[0]), taken.hit_id
        return user, guess, taken.hit_id

    async def _restore(self, spent: SpentCode, hit_id: str, tenant_id: str) -> None:
        """Whoever sent the right code got no tokens and asks again with the same: it has to be there, with all the
        guesses that it had. The answer waits for it, but not for long: the directory may be what fails."""
        task = asyncio.create_task(self._put_back(spent, hit_id, tenant_id), name="tessera-code-restore")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task}, timeout=RESTORE_WAIT_SECONDS)

    async def _put_back(self, spent: SpentCode, hit_id: str, tenant_id: str) -> None:
        for left in reversed(range(RESTORE_TRIES)):
            try:
                async with answered_within(self._config.store_timeout):
                    await self._directory.restore_code(spent)
                    await self._directory.give_back(hit_id)
                return
            except StoreUnavailable:
                if left:
                    await asyncio.sleep(RESTORE_PAUSE_SECONDS)
        _log.warning("code_spent_in_vain", tenant=tenant_id)

    async def _find(self, tenant_id: str, number: str) -> User | None:
        """The user with that number, if active."""
        user = await self._directory.find_user(tenant_id, phone=number)
        return user if user is not None and user.status is UserStatus.ACTIVE else None

    # What is stored, and under which names: nobody who reads it learns a number, an address or a code. A hash is
    # under a key of the current master key; with another one what was counted begins anew.

    def _hash(self, *parts: str) -> bytes:
        return hmac.digest(self._key, "\0".join(parts).encode(errors="replace"), "sha256")

    def _code_hash(self, user: User | None, tenant_id: str, number: str, code: str) -> bytes:
        """For nobody it is random: no code has it."""
        found = self._hash("code", tenant_id, number, code)
        return secrets.token_bytes(len(found)) if user is None else found

    def _guesses_key(self, tenant_id: str, number: str) -> bytes:
        return self._hash("guesses", tenant_id, number)

    def _request_limits(self, tenant_id: str, number: str, address: str) -> tuple[HitLimit, ...]:
        return (
            HitLimit(self._hash("resend", tenant_id, number), 1, RESEND_SECONDS),
            HitLimit(self._hash("requests of number", tenant_id, number), MAX_PER_NUMBER, _HOUR),
            HitLimit(self._hash("requests of address", tenant_id, address), MAX_PER_ADDRESS, _HOUR),
            HitLimit(self._hash("requests of tenant", tenant_id), self._config.otp_tenant_limit, _HOUR),
        )

    def _guess_limits(self, tenant_id: str, number: str, address: str) -> tuple[HitLimit, HitLimit]:
        """The guesses of a number are counted here besides the code's own count, so that a number for which no code
        was requested bears as many. A new code has all of its guesses (`request` forgets these)."""
        return (
            HitLimit(self._guesses_key(tenant_id, number), MAX_GUESSES, _GUESSES_SECONDS),
            HitLimit(self._hash("wrong of address", tenant_id, address), MAX_WRONG_PER_ADDRESS, _HOUR),
        )


def _number(phone_number: str) -> str:
    number = parse_phone(phone_number)
    if number is None:
        raise InvalidInput("phone_number", out_of_range=True)
    return number


def _retry_after(number: int, address: int) -> int:
    """A number is guessed again as soon as it has another code, an address when its failures are old."""
    return max(1, min(number, RESEND_SECONDS), address)


def _check(guess: CodeGuess) -> None:
    if guess.outcome is CodeOutcome.EXHAUSTED:
        raise RateLimited(RESEND_SECONDS)
    if guess.outcome is CodeOutcome.EXPIRED:
        raise CodeExpired
    if guess.outcome is not CodeOutcome.RIGHT:
        raise CodeRefused(guess.remaining)
