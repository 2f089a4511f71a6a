# SPDX-License-Identifier: Apache-2.0
"""Argon2id (RFC 9106) off the event loop, with a bounded queue: a hash costs some 30 ms of a core and 19 MiB."""

import asyncio
import base64
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from tessera_service.errors import InvalidInput, Overloaded, StoreUnavailable

T = TypeVar("T")

MAX_BYTES: Final = 1024
MIN_CHARACTERS: Final = 8  # of a password that is set

_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32

_log = structlog.get_logger(__name__)


class Passwords:
    """`workers` threads and at most `queue` hashes in all, waiting or running; more is Overloaded."""

    def __init__(self, *, workers: int, queue: int, memory_kib: int = 19_456, passes: int = 2) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, hash_len=_HASH_BYTES, salt_len=_SALT_BYTES
        )
        self._executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="tessera-password")
        self._queue = queue
        self._jobs = 0
        # No password has this hash; one is compared with it where there is none to compare with.
        self._decoy = f"$argon2id$v=19$m={memory_kib},t={passes},p=1${_random(_SALT_BYTES)}${_random(_HASH_BYTES)}"

    @property
    def jobs(self) -> int:
        """Hashes that wait or run."""
        return self._jobs

    async def hash(self, password: bytes) -> str:
        """What is stored of a password. Overloaded."""
        return await self._run(lambda: self._make(password))

    async def match(self, password: bytes, expected: str | None) -> bool:
        """Whether `expected` is a hash of that password; the same work without one (None). StoreUnavailable for a hash
        that is none: then nobody can tell. Overloaded."""
        return await self._run(lambda: self._compare(password, self._decoy if expected is None else expected))

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than `hash` uses now."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        """Waits for what is being hashed; what still waits in the queue is dropped."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._jobs >= self._queue:
            raise Overloaded
        self._jobs += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._jobs -= 1

    def _make(self, password: bytes) -> str:
        try:
            return self._hasher.hash(password)
        except HashingError:  # no memory for it
            raise Overloaded from None

    def _compare(self, password: bytes, expected: str) -> bool:
        try:
            return self._hasher.verify(expected, password)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:
            _log.error("password_hash_unusable", error=type(error).__name__)
            raise StoreUnavailable from None


def read_password(password: str) -> bytes:
    """The bytes of a password that somebody signs in with. InvalidInput unless they are 1 to MAX_BYTES of UTF-8."""
    try:
        data = password.encode()
    except UnicodeEncodeError:
        raise InvalidInput("password") from None
    if not 0 < len(data) <= MAX_BYTES:
        raise InvalidInput("password", out_of_range=True)
    return data


def read_new_password(password: str) -> bytes:
    """As `read_password`, for one that is set: at least MIN_CHARACTERS."""
    if len(password) < MIN_CHARACTERS:
        raise InvalidInput("password", out_of_range=True)
    return read_password(password)


def _random(length: int) -> str:
    return base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()
