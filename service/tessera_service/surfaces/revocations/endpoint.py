# SPDX-License-Identifier: Apache-2.0
"""GET /v1/revocations: a snapshot, or what is new, as soon as there is something or the time to wait is over."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from functools import partial
from typing import NamedTuple

import structlog
from starlette.types import Receive, Scope, Send

import tessera
from tessera_service.engine import Engine
from tessera_service.engine.log_tail import Position
from tessera_service.engine.revocation_feed import BATCH, Batch
from tessera_service.errors import Forbidden, ServiceError
from tessera_service.http.bearer import read_bearer
from tessera_service.http.errors import ClientGone, MethodNotAllowed
from tessera_service.http.exchange import Exchange, exchange_of
from tessera_service.http.tenant import asked_tenant
from tessera_service.models import Caller
from tessera_service.surfaces.revocations.lines import Lines, encode, encode_entry, encode_new_entry, takes_gzip
from tessera_service.surfaces.revocations.operations import ANSWER_SECONDS, PERMISSION
from tessera_service.surfaces.revocations.query import read_query

_log = structlog.get_logger(__name__)


class Follower(NamedTuple):
    """Who follows. `tenant_id` None: every tenant."""

    exchange: Exchange
    bearer: str | None
    tenant_id: str | None
    began_ns: int


class RevocationsEndpoint:
    """Answers for every method of its path, so that no routing stands before it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began_ns = tessera.boottime_ns()
        exchange = exchange_of(scope)
        if exchange.method != "GET":
            raise MethodNotAllowed(["GET"])
        bearer = read_bearer(exchange)
        caller = await self._authenticate(exchange, bearer)
        exchange.charge(tenant_id=caller.tenant_id, client=caller.client_id or caller.subject)
        if not caller.may(PERMISSION):
            raise Forbidden
        asked = read_query(scope["query_string"])
        tenant_id = None if caller.all_tenants else caller.tenant_id
        follower = Follower(exchange, bearer, tenant_id, began_ns)
        positions = None if asked.cursor is None else self._engine.feed.open(asked.cursor, tenant_id=tenant_id)
        with self._engine.feed.follower_seat(tenant_id):
            await _while_connected(receive, self._answer(follower, positions, asked.wait, send))

    async def _authenticate(self, exchange: Exchange, bearer: str | None) -> Caller:
        tenant_id = asked_tenant(exchange)
        caller = self._engine.tokens.authenticate_now(bearer, tenant_id=tenant_id)
        if caller is None:
            caller = await exchange.in_time(self._engine.tokens.authenticate(bearer, tenant_id=tenant_id))
        return caller

    async def _answer(self, follower: Follower, positions: Sequence[Position] | None, wait: int, send: Send) -> None:
        if positions is not None:
            batch = await self._engine.feed.news(
                positions, tenant_id=follower.tenant_id, seconds=wait, check=partial(self._check, follower)
            )
            if batch is not None:
                await self._answer_news(follower, batch, send)
                return
        with self._engine.feed.snapshot_seat(follower.tenant_id):
            await self._answer_snapshot(follower, send)

    async def _answer_news(self, follower: Follower, batch: Batch, send: Send) -> None:
        lines = await _begin(follower, send, self._engine.feed.log_ids, snapshot=False)
        for start in range(0, len(batch.entries), BATCH):
            if start:  # the first batch is in the turn of the news
                await self._engine.feed.turn()
            await lines.write(map(encode_new_entry, batch.entries[start : start + BATCH]))
        await _write_position(lines, batch, follower)
        await lines.end()

    async def _answer_snapshot(self, follower: Follower, send: Send) -> None:
        feed, check = self._engine.feed, partial(self._check, follower)
        log_ids = feed.log_ids
        lines = await _begin(follower, send, log_ids, snapshot=True)
        try:
            async with aclosing(feed.snapshot(log_ids, tenant_id=follower.tenant_id, check=check)) as batches:
                async for batch in batches:
                    await lines.keep_alive()
                    await lines.write(map(encode_entry, batch.entries))
                    await _write_position(lines, batch, follower)
        except ServiceError as error:  # without its last line it will be thrown away
            _log.warning("revocation_snapshot_broken", error=error.code)
        await lines.end()

    async def _check(self, follower: Follower) -> None:
        """Raises unless the follower still may be told what it is told."""
        tokens, tenant_id = self._engine.tokens, asked_tenant(follower.exchange)
        caller = tokens.authenticate_now(follower.bearer, tenant_id=tenant_id)
        if caller is None:
            caller = await tokens.authenticate(follower.bearer, tenant_id=tenant_id)
        if not caller.may(PERMISSION) or (follower.tenant_id is None and not caller.all_tenants):
            raise Forbidden


async def _begin(follower: Follower, send: Send, log_ids: Sequence[str], *, snapshot: bool) -> Lines:
    lines = Lines(send, compressed=takes_gzip(follower.exchange.header_values(b"accept-encoding")))
    await lines.begin({"logs": log_ids, "tenant_id": follower.tenant_id, "snapshot": snapshot})
    return lines


async def _write_position(lines: Lines, batch: Batch, follower: Follower) -> None:
    if batch.cursor:
        as_of_ms = None if batch.as_of_ns is None else (batch.as_of_ns - follower.began_ns) // 1_000_000
        await lines.write([encode({"cursor": batch.cursor, "as_of_ms": as_of_ms})])


async def _while_connected(receive: Receive, work: Coroutine[object, object, None]) -> None:
    """Awaits `work`, and ends it when the client goes, or is too slow a reader. ClientGone."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_wait_until_gone(receive))
    try:
        await asyncio.wait((working, leaving), timeout=ANSWER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGone
        working.result()
    finally:
        await _end(working, leaving)


async def _end(*tasks: asyncio.Task[None]) -> None:
    """A driver may lose a cancellation, as asyncio.wait_for did before Python 3.12: so again, until it counts."""
    while not all(task.done() for task in tasks):
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=0.1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
