# SPDX-License-Identifier: Apache-2.0
"""A cluster of Redis, as far as steps need one: whose a slot is, and a pool of connections to each node. The driver's
own client, when it loses a node, closes connections that other callers have just taken, and hides that by repeating
commands: but one whose answer was lost may have been run."""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from redis.asyncio import Redis
from redis.crc import key_slot
from redis.exceptions import ClusterError, MovedError, ReadOnlyError, RedisError, ResponseError

T = TypeVar("T")
LOOK_SECONDS: Final = 0.2  # between two looks at whose the slots are


class Address(NamedTuple):
    """Of a node."""

    host: str
    port: int


class Slots(NamedTuple):
    """A range of slots, both ends in it, and their master."""

    first: int
    last: int
    owner: Address


class Cluster:
    """Safe for any number of tasks of one event loop. Whatever fails raises what the driver raises."""

    def __init__(
        self,
        addresses: Sequence[tuple[str, int]],
        *,
        connect: Callable[[str, int], Redis],
        room: int,
        timeout_seconds: float,
    ) -> None:
        """`connect`: makes the client of a node; it opens nothing yet. `room`: how many calls there are at once at a
        node, so that those that wait for one that hangs keep nobody from another."""
        self.addresses: Final = [Address(*one) for one in addresses]
        self._connect = connect
        self._timeout = timeout_seconds
        self._nodes: dict[Address, Redis] = {}
        self._rooms: defaultdict[Address, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(room))
        self._is_closed = False
        self._slots: Sequence[Slots] = ()
        self._looking: asyncio.Task[None] | None = None

    async def execute_command(self, *command: Any) -> Any:
        """Runs a script, once; its one key is the fourth word."""
        if not self._slots:
            await self._look()
        owner = self._owner(command[3].encode())
        try:
            return await self._watched(self._execute(owner, *command))
        except MovedError as moved:  # it was not run
            there = Address(moved.host or owner.host, moved.port)  # no host: the one that was asked
            return await self._watched(self._execute(there, *command))

    async def set_all(self, keys: Mapping[bytes, int]) -> None:
        """Sets each key to 1 until that time."""
        own: defaultdict[Address, list[bytes]] = defaultdict(list)
        for key in keys:
            own[self._owner(key)].append(key)
        for owner, some in own.items():
            pipeline = self.node(owner).pipeline(transaction=False)
            for key in some:
                pipeline.set(key, b"1", exat=keys[key])
            async with self._rooms[owner]:
                await self._watched(pipeline.execute())

    async def info(self) -> Mapping[str, Any]:
        """By node."""
        await self._look()
        return {f"{owner.host}:{owner.port}": await self.node(owner).info() for owner in self._owners()}

    async def aclose(self) -> None:
        """Ends what is under way."""
        self._is_closed = True
        if self._looking is not None:
            self._looking.cancel()
        for node in list(self._nodes.values()):
            await node.aclose()

    def node(self, address: Address) -> Redis:
        """The client of that node."""
        if address not in self._nodes:
            self._nodes[address] = self._connect(address.host, address.port)
        return self._nodes[address]

    async def _execute(self, address: Address, *command: Any) -> Any:
        client: Any = self.node(address)
        async with self._rooms[address]:
            return await client.execute_command(*command)

    async def _watched(self, answer: Awaitable[T]) -> T:
        """Whatever fails for want of the right node makes the next calls look for it."""
        try:
            return await answer
        except BaseException as error:  # also where the caller gave up: the node may hang
            if not isinstance(error, ResponseError) or isinstance(error, (ClusterError, MovedError, ReadOnlyError)):
                self._look_soon()
            raise

    def _look_soon(self) -> None:
        """Nobody waits for it: what has its slots on other nodes goes on."""
        if not self._is_closed and (self._looking is None or self._looking.done()):
            self._looking = asyncio.create_task(self._look_quietly())

    async def _look_quietly(self) -> None:
        with contextlib.suppress(RedisError, OSError, TimeoutError):  # the next call that fails looks again
            await self._look()
        await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        """Asks the nodes, one after the other, whose the slots are."""
        nodes = list({*self._owners(), *self.addresses})
        random.shuffle(nodes)  # one that hangs is not always the first
        for number, address in enumerate(nodes):
            client: Any = self.node(address)
            try:
                async with asyncio.timeout(self._timeout / 4):
                    found = await client.execute_command("CLUSTER", "SLOTS")  # however many wait for room there
            except (RedisError, OSError, TimeoutError):
                if number == len(nodes) - 1:
                    raise
            else:
                self._slots = [_slots_of(one, address) for one in found]
                return

    def _owners(self) -> Sequence[Address]:
        return sorted({slots.owner for slots in self._slots})

    def _owner(self, key: bytes) -> Address:
        slot = key_slot(key)
        for slots in self._slots:
            if slots.first <= slot <= slots.last:
                return slots.owner
        self._look_soon()
        raise ClusterError("nobody has that slot")


def _slots_of(found: Sequence[Any], asked: Address) -> Slots:
    first, last, (host, port, *_), *_ = found
    return Slots(first, last, Address(host.decode() if host else asked.host, port))
