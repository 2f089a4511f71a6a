# SPDX-License-Identifier: Apache-2.0
"""How each row of the gateway surface's error table is caused over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from unittest import mock

import httpx

from surfaces.gateway.calls import BASE, PERMISSIONS, SPAN, THRESHOLD, body, make, send
from surfaces.service_rig import OTHER_TENANT, Rig
from tessera_service.errors import Overloaded
from tessera_service.surfaces.gateway.operations import (
    CREATE,
    LIST,
    LOGOUT,
    METHODS,
    PATHS,
    REFRESH,
    REVOKE,
    REVOKE_USER,
    STATS,
    VALIDATE,
)

Cause = Callable[[Rig], Awaitable[httpx.Response]]

ENGINE_METHODS = {
    VALIDATE: "validate_now",
    CREATE: "create",
    REFRESH: "refresh",
    LOGOUT: "logout",
    STATS: "stats",
    LIST: "list",
    REVOKE: "revoke",
    REVOKE_USER: "revoke_user",
}
WITH_BODY = (VALIDATE, CREATE, LOGOUT)
WITH_BEARER = (REFRESH, LOGOUT, LIST, REVOKE, REVOKE_USER)
INTERNAL = (CREATE, STATS)


class Call(NamedTuple):
    """One request."""

    operation: str
    path: str
    json: object = None
    bearer: str | None = None

    async def send(self, rig: Rig, **changes: Any) -> httpx.Response:
        call = self._replace(**{name: changes.pop(name) for name in ("json", "bearer", "path") if name in changes})
        json = None if "content" in changes else call.json
        method = METHODS[self.operation]
        return await send(rig, method, call.path, json, bearer=call.bearer, **changes)


async def good(rig: Rig, operation: str) -> Call:
    """A call that would do."""
    path = PATHS[operation].removeprefix(BASE)
    if operation in INTERNAL:
        return Call(operation, path, body() if operation == CREATE else None, await rig.mint(*PERMISSIONS))
    made = await make(rig)
    if operation == VALIDATE:
        return Call(operation, path, {"token": made["token"]})
    path = path.format(user_id=made["user"]["id"], session_id=made["session_id"])
    return Call(operation, path, {} if operation == LOGOUT else None, made["token"])


def with_changes(operation: str, **changes: Any) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        return await (await good(rig, operation)).send(rig, **changes)

    return cause


def without_store(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        call = await good(rig, operation)
        rig.engine.mirror.table.clear()
        rig.fail_stores("raises")
        return await call.send(rig)

    return cause


def with_engine_that_raises(operation: str, error: Exception) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        call = await good(rig, operation)
        with mock.patch.object(type(rig.engine.gateway), ENGINE_METHODS[operation], side_effect=error):
            return await call.send(rig)

    return cause


def with_full_queue(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        call = await good(rig, operation)
        if operation == REFRESH:
            rig.clock.advance(SPAN - THRESHOLD)
        with mock.patch("tessera_service.engine.signing.SigningPool.check_room", side_effect=Overloaded):
            return await call.send(rig)

    return cause


def as_bearer(operation: str, token: Callable[[Rig, Call], Awaitable[str]]) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        call = await good(rig, operation)
        return await call.send(rig, bearer=await token(rig, call))

    return cause


async def expired(rig: Rig, call: Call) -> str:
    rig.clock.advance(SPAN)
    return str(call.bearer)


async def revoked(rig: Rig, call: Call) -> str:
    await send(rig, "POST", "/logout", bearer=call.bearer)
    return str(call.bearer)


async def evicted(rig: Rig, _: Call) -> str:
    made = [await make(rig, user) for user in [f"user-{next(rig.numbers)}"] * 6]
    return str(min(made, key=lambda one: one["session_id"])["token"])


async def refresh_token(rig: Rig, _: Call) -> str:
    return str((await rig.issue())["refresh_token"])


async def service_token(rig: Rig, _: Call) -> str:
    return await rig.mint(*PERMISSIONS)


async def unknown(rig: Rig, _: Call) -> str:
    return rig.forge.good(rig.claims("access", sid="01930000-0000-7000-8000-000000000000"))


def with_tenant(operation: str, tenant_id: str) -> Cause:
    return with_changes(operation, headers={"X-Tenant-ID": tenant_id})


def of_other_user(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        call, other = await good(rig, operation), await make(rig, permissions=["token.revoke"])
        return await call.send(rig, bearer=other["token"])

    return cause


def of_path(path: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        revoker = await make(rig, permissions=["session.revoke:any"])
        return await send(rig, "DELETE", path, bearer=revoker["token"])

    return cause


async def of_other_tenant(rig: Rig) -> httpx.Response:
    foreign = await make(rig, tenant_id=OTHER_TENANT)
    return await of_path(f"/{foreign['session_id']}")(rig)


def with_body(**members: Any) -> Cause:
    return with_changes(CREATE, json=body(**members))


def with_scheme(operation: str, value: str) -> Cause:
    return with_changes(operation, bearer=None, headers={"Authorization": value})
