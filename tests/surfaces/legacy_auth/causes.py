# SPDX-License-Identifier: Apache-2.0
"""How each row of the legacy surface's error table is caused over HTTP."""

from collections.abc import Awaitable, Callable
from unittest import mock

import httpx

from surfaces.legacy_auth.calls import REFRESH, SESSION, ask, log_out, refresh, send
from surfaces.service_rig import Rig
from tessera_service.errors import Overloaded

Cause = Callable[[Rig], Awaitable[httpx.Response]]
NOBODY = "0190a000-0000-7000-8000-000000000000"


def sends(path: str, body: object) -> Cause:
    return lambda rig: send(rig, path, body)


def posts(path: str, content: bytes, kind: str | None = "application/json", **headers: str) -> Cause:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = named if kind is None else {"Content-Type": kind, **named}
    return lambda rig: rig.client.post(path, content=content, headers=sent)


def calls(method: str, path: str) -> Cause:
    return lambda rig: rig.client.request(method, path)


async def good(rig: Rig, path: str) -> httpx.Response:
    """A call that would do."""
    pair = await rig.issue()
    rig.engine.mirror.table.clear()  # nothing is known from memory
    if path == SESSION:
        return await ask(rig, pair["access_token"])
    if path == REFRESH:
        return await refresh(rig, pair["refresh_token"])
    return await log_out(rig, pair["access_token"], pair["session_id"])


def without_store(path: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        pair = await rig.issue()
        rig.engine.mirror.table.clear()
        rig.fail_stores("raises")
        if path == SESSION:
            return await ask(rig, pair["access_token"])
        if path == REFRESH:
            return await refresh(rig, pair["refresh_token"])
        return await log_out(rig, pair["access_token"], pair["session_id"])

    return cause


def with_broken_engine(path: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        with (
            mock.patch.object(type(rig.engine.legacy), "session_now", side_effect=RuntimeError),
            mock.patch.object(type(rig.engine.legacy), "logout", side_effect=RuntimeError),
            mock.patch.object(type(rig.engine.tokens), "refresh", side_effect=RuntimeError),
        ):
            return await good(rig, path)

    return cause


async def with_full_queue(rig: Rig) -> httpx.Response:
    with mock.patch.object(type(rig.engine.tokens), "refresh", side_effect=Overloaded):
        return await good(rig, REFRESH)


async def of_other_subject(rig: Rig) -> httpx.Response:
    one, other = await rig.issue("alice"), await rig.issue("bob")
    return await log_out(rig, one["access_token"], other["session_id"])


async def of_unknown_session(rig: Rig) -> httpx.Response:
    return await log_out(rig, (await rig.issue())["access_token"], NOBODY)


async def of_ended_session(rig: Rig) -> httpx.Response:
    pair = await rig.issue()
    await log_out(rig, pair["access_token"], pair["session_id"])
    return await refresh(rig, pair["refresh_token"])


async def of_purged_session(rig: Rig) -> httpx.Response:
    return await refresh(rig, rig.forge_refresh(session_id=NOBODY))
