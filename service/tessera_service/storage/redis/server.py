# SPDX-License-Identifier: Apache-2.0
"""The server or cluster: opening it, checking that it keeps what it is given, running steps within a deadline."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Final

import structlog
from redis.exceptions import NoScriptError, RedisError, ResponseError

from tessera_service.errors import StoreUnavailable
from tessera_service.storage.base import StoreRefused
from tessera_service.storage.redis.cluster import Cluster
from tessera_service.storage.redis.connect import SLOTS, Client, make_client, public_name
from tessera_service.storage.redis.hints import StreamHints
from tessera_service.storage.redis.scripts import script

MIN_VERSION: Final = (7, 0)
MARK_SECONDS: Final = 365  # by how much "revoked:<jti>" outlives its token: the largest CLOCK_SKEW and a minute

_log = structlog.get_logger(__name__)


class Server:
    """Safe for any number of tasks of one event loop."""

    def __init__(self, url: str, *, partitions: int, timeout_seconds: float) -> None:
        make_client(url, timeout_seconds=timeout_seconds)  # ValueError now, not when it is opened
        self.name = public_name(url)
        self.partitions = partitions
        self._directory_id = b""
        self.is_cluster = "+cluster://" in url
        self._url = url
        self._timeout = timeout_seconds
        # Of a cluster each partition may be elsewhere: one that waits for its node keeps nobody from another.
        self._slots = [asyncio.Semaphore(SLOTS) for _ in range(partitions if self.is_cluster else 1)]
        self._client: Client | None = None

    async def open(self, directory_id: str) -> None:
        """Idempotent. StoreRefused if it cannot be trusted with sessions, or has those of another directory."""
        if self._client is not None:
            return
        self._directory_id = directory_id.encode()
        client = make_client(self._url, timeout_seconds=self._timeout)
        try:
            async with asyncio.timeout(self._timeout * 4):
                await self._check(client)
                for number in range(self.partitions):
                    await self._begin(client, number)
        except StoreRefused:
            await _close(client)
            raise
        except Exception as error:  # a cluster that cannot be asked is no RedisError
            await _close(client)
            raise StoreUnavailable("Redis does not answer") from error
        except BaseException:
            await _close(client)
            raise
        self._client = client

    async def close(self) -> None:
        """Waits for what is in flight as long as a call may take."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            async with asyncio.timeout(self._timeout):
                for slots in self._slots:
                    for _ in range(SLOTS):
                        await slots.acquire()
        except TimeoutError:
            pass
        self._slots = [asyncio.Semaphore(SLOTS) for _ in self._slots]
        await _close(client)

    async def step(self, number: int, name: str, given: bytes, *more: bytes) -> Any:
        """Runs one step in a partition. StoreUnavailable."""
        client = self._client
        if client is None:
            raise StoreUnavailable("the store is not open")
        try:
            async with asyncio.timeout(self._timeout), self._slots[number % len(self._slots)]:
                return await self._run(client, number, name, given, *more)
        except TimeoutError as error:
            raise StoreUnavailable("Redis did not answer in time") from error
        except StoreUnavailable:
            raise
        except Exception as error:  # whatever the driver raises: a store that fails is unavailable, never wrong
            raise StoreUnavailable(_cause(error)) from error

    async def mark(self, number: int, jtis: Mapping[bytes, int]) -> None:
        """Writes "revoked:<jti>" all over a cluster, for readers outside, of what was revoked in a partition; `jtis`
        with the expiry of each token. StoreUnavailable."""
        client = self._client
        if not isinstance(client, Cluster):
            raise StoreUnavailable("the store is not open")
        until = {b"revoked:" + jti: expires_at + MARK_SECONDS for jti, expires_at in jtis.items()}
        try:
            async with asyncio.timeout(self._timeout), self._slots[number]:
                await client.set_all(until)
        except Exception as error:  # as in `step`
            raise StoreUnavailable("Redis failed") from error

    async def wait_for_entry(self, hints: StreamHints, *, seconds: float) -> bool:
        """As `HintsAtEntries`, of logs that are all on one server. StoreUnavailable."""
        client = self._client
        if client is None:
            raise StoreUnavailable("the store is not open")
        wait_seconds = min(seconds, self._timeout / 2)  # the connection itself gives up at the deadline of a step
        try:
            return await hints.wait(client.execute_command, milliseconds=int(wait_seconds * 1000))
        except (RedisError, OSError, TimeoutError) as error:
            raise StoreUnavailable("Redis failed") from error

    async def _run(self, client: Client, number: int, name: str, *given: bytes) -> Any:
        outlive = b"" if self.is_cluster else str(MARK_SECONDS).encode()
        told = (self._directory_id, outlive, *given)
        try:
            return await _evaluate(client, number, name, *told)
        except ResponseError as error:
            if not str(error).startswith("EMPTIED"):
                raise
        # Nothing was done. Whatever was in it is over: it begins anew, with another log.
        _log.warning("session_store_was_emptied", partition=number)
        await self._begin(client, number)
        return await _evaluate(client, number, name, *told)

    async def _check(self, client: Client) -> None:
        found = await client.info()  # of a cluster: by node
        for info in [found] if "redis_version" in found else found.values():
            _check_info(info)

    async def _begin(self, client: Client, number: int) -> None:
        own = self._directory_id
        made = (own, str(self.partitions).encode(), secrets.token_hex(16).encode())
        directory, partitions = await _evaluate(client, number, "begin", *made)
        if directory != own:
            raise StoreRefused("the sessions in Redis belong to another directory")
        if int(partitions) != self.partitions:
            raise StoreRefused(f"the sessions in Redis are in {int(partitions)} partitions, not in {self.partitions}")


def _check_info(info: Mapping[str, Any]) -> None:
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < MIN_VERSION:
        raise StoreRefused(f"Redis {info['redis_version']} is too old: sessions need 7.0 or later")
    if info["maxmemory_policy"] != "noeviction":
        raise StoreRefused(
            f"Redis may evict sessions and revocations: its maxmemory-policy is {info['maxmemory_policy']}, "
            "has to be noeviction"
        )
    if not info["aof_enabled"]:
        _log.warning(
            "redis_keeps_nothing_for_sure",
            hint="appendonly is off: a restart of Redis ends sessions and forgets revocations; set appendonly yes "
            "and appendfsync always",
        )


def _cause(error: Exception) -> str:
    """What the scripts say themselves; of anything else the text may repeat what was sent."""
    own = isinstance(error, ResponseError) and str(error).startswith(("EVICTING ", "STRANGE "))
    return f"Redis failed: {str(error).partition(' ')[2]}" if own else "Redis failed"


async def _evaluate(client: Client, number: int, name: str, *given: bytes) -> Any:
    wanted, key = script(name), f"{{tessera:{number}}}:meta"
    try:
        return await client.execute_command("EVALSHA", wanted.digest, 1, key, *given)
    except NoScriptError:
        return await client.execute_command("EVAL", wanted.text, 1, key, *given)


async def _close(client: Client) -> None:
    try:
        await client.aclose()
    except (RedisError, OSError):
        _log.debug("redis_not_closed")
