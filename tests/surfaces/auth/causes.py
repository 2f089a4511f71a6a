# SPDX-License-Identifier: Apache-2.0
"""How each row of the auth surface's error table is caused over HTTP."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import httpx

from surfaces.auth.calls import BODIES, NUMBER, OTP_LOGIN, call
from surfaces.service_rig import OTHER_TENANT, Rig
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, REQUEST_OTP, REVOKE

Cause = Callable[[Rig], Awaitable[httpx.Response]]

PERMISSIONS = ("session.read:any", "session.revoke:any", "token.generate", "token.revoke")


class Expected(NamedTuple):
    """The answer of a row."""

    operation: str
    status: int
    code: str
    data: Mapping[str, Any] | None = None


class Row(NamedTuple):
    """One way to an error. `echoed`: whether the tenant is."""

    name: str
    expected: Expected
    cause: Cause
    echoed: bool = True


async def good_bearer(rig: Rig, operation: str) -> str | None:
    """A bearer that would do."""
    match operation:
        case "login" | "request_otp":
            return None
        case "logout":
            return str((await rig.issue())["access_token"])
        case _:
            return await rig.service_bearer(*PERMISSIONS)


async def good_id(rig: Rig) -> str:
    """A session that could be revoked."""
    return str((await rig.issue())["session_id"])


def with_(operation: str, *, bearer: str | None = None, **changes: Any) -> Cause:
    """A call that would do but for `changes`: `headers`, `body`, `content`, `query`."""

    async def cause(rig: Rig) -> httpx.Response:
        used = bearer or await good_bearer(rig, operation)
        asked = {"session_id": await good_id(rig), "body": BODIES[operation], **changes}
        if "content" in changes:
            asked["body"] = None
        asked |= asked.pop("query", {})
        return await call(rig, operation, asked.pop("body"), bearer=used, **asked)

    return cause


def without_bearer(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        return await call(rig, operation, BODIES[operation], session_id=await good_id(rig))

    return cause


def of_other_tenant(operation: str) -> Cause:
    """A live bearer of another tenant."""

    async def cause(rig: Rig) -> httpx.Response:
        bearer = (await rig.issue(tenant_id=OTHER_TENANT))["access_token"]
        return await call(rig, operation, BODIES[operation], bearer=bearer, session_id=await good_id(rig))

    return cause


def with_dead_bearer(operation: str, ending: str) -> Cause:
    """A bearer that is expired or revoked; a refresh token; a session token."""

    async def cause(rig: Rig) -> httpx.Response:
        pair = await rig.issue()
        token = pair["access_token"]
        forge = rig.forge
        match ending:
            case "expired":
                token = forge.good(rig.claims("access", sid=pair["session_id"], exp=rig.clock.now()))
            case "revoked":
                assert (await rig.post("/v1/token/revoke", bearer=token)).status_code == 204
            case "refresh":
                token = pair["refresh_token"]
            case "session":
                forge.type = "st+jwt"
                token = forge.good(rig.claims("session", sid=pair["session_id"]))
            case _:
                token = "aaaa.bbbb.cccc"
        return await call(rig, operation, BODIES[operation], bearer=token, session_id=await good_id(rig))

    return cause


async def logout_with_service_token(rig: Rig) -> httpx.Response:
    """It has no session that could end."""
    return await call(rig, LOGOUT, bearer=await rig.service_bearer(*PERMISSIONS))


def without_permission(operation: str) -> Cause:
    """Another subject's sessions; a session by its id, even one's own."""

    async def cause(rig: Rig) -> httpx.Response:
        pair = await rig.issue("alice")
        query: dict[str, Any] = {"user_id": "bob"} if operation == LIST else {}
        return await call(
            rig, operation, BODIES[operation], bearer=pair["access_token"], session_id=pair["session_id"], **query
        )

    return cause


def revoke_id(session_id: str | None) -> Cause:
    """An id that names nothing here; None: another tenant's."""

    async def cause(rig: Rig) -> httpx.Response:
        foreign = (await rig.issue(tenant_id=OTHER_TENANT))["session_id"]
        bearer = await good_bearer(rig, REVOKE)
        return await call(rig, REVOKE, {}, bearer=bearer, session_id=foreign if session_id is None else session_id)

    return cause


@contextmanager
def engine_that(operation: str, error: Exception) -> Iterator[None]:
    """The engine's step behind the operation fails with `error`."""
    step = {
        LOGIN: "tessera_service.engine.login.Login.with_password",
        REQUEST_OTP: "tessera_service.engine.codes.Codes.request",
        LOGOUT: "tessera_service.engine.auth_sessions.AuthSessions.logout",
        LIST: "tessera_service.engine.auth_sessions.AuthSessions.list",
        REVOKE: "tessera_service.engine.auth_sessions.AuthSessions.revoke",
    }[operation]
    with mock.patch(step, side_effect=error):
        yield


def with_engine_that(operation: str, error: Exception) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        with engine_that(operation, error):
            return await with_(operation)(rig)

    return cause


def with_codes_that(error: Exception) -> Cause:
    """A sign-in by code that the engine refuses so."""

    async def cause(rig: Rig) -> httpx.Response:
        with mock.patch("tessera_service.engine.codes.Codes.sign_in", side_effect=error):
            return await call(rig, LOGIN, OTP_LOGIN)

    return cause


def without_store(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        asked: dict[str, Any] = {"bearer": await good_bearer(rig, operation), "session_id": await good_id(rig)}
        body = BODIES[operation] if operation != REQUEST_OTP else {"phone_number": NUMBER}
        rig.fail_stores("raises")
        return await call(rig, operation, body, **asked)

    return cause
