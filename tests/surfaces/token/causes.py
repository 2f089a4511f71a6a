# SPDX-License-Identifier: Apache-2.0
"""How each row of the token surface's error tables is caused over HTTP."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple
from unittest import mock

import httpx

from surfaces.service_rig import OTHER_TENANT, Rig
from tessera_service.errors import Overloaded
from tessera_service.models import RotationResult, RotationStatus
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

Cause = Callable[[Rig], Awaitable[httpx.Response]]


class Expected(NamedTuple):
    """The answer of a row."""

    operation: str
    status: int
    code: str
    alias: str | None = None


class Row(NamedTuple):
    """One way to an error."""

    name: str
    expected: Expected
    cause: Cause


OWN_CODES = {
    ISSUE: "common.validation_error",
    REFRESH: "auth.refresh.invalid",
    REVOKE: "auth.revoke.invalid",
    INTROSPECT: "auth.introspect.invalid",
}
PERMISSION = {ISSUE: "token.generate", REFRESH: "token.refresh", REVOKE: "token.revoke", INTROSPECT: "token.introspect"}


def own(operation: str, *, missing: bool = False) -> Expected:
    """The operation's own 400."""
    alias = "common.missing_param" if missing else "common.validation_error"
    return Expected(operation, 400, OWN_CODES[operation], None if alias == OWN_CODES[operation] else alias)


async def good(rig: Rig, operation: str, *, fresh: bool = False) -> tuple[dict[str, object], str | None]:
    """A body and a bearer that would do."""
    if operation == REFRESH:
        return {"refresh_token": (await rig.issue())["refresh_token"]}, None
    if operation == REVOKE:
        return {}, (await rig.issue())["access_token"]
    bearer = await rig.mint(PERMISSION[operation]) if fresh else await rig.service_bearer(PERMISSION[operation])
    return ({"sub": "alice"} if operation == ISSUE else {"token": bearer}), bearer


def with_headers(operation: str, **headers: str | None) -> Cause:
    """A good call with other headers."""

    async def cause(rig: Rig) -> httpx.Response:
        body, bearer = await good(rig, operation)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await rig.post(PATHS[operation], body, bearer=bearer, headers=named)

    return cause


def with_body(operation: str, body: object = None, *, content: bytes | None = None, **headers: str) -> Cause:
    """A good bearer with another body."""

    async def cause(rig: Rig) -> httpx.Response:
        _, bearer = await good(rig, operation)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await rig.post(PATHS[operation], body, content=content, bearer=bearer, headers=named)

    return cause


def with_bearer(operation: str, bearer: str | None) -> Cause:
    """A good body with another bearer."""

    async def cause(rig: Rig) -> httpx.Response:
        body, _ = await good(rig, operation)
        return await rig.post(PATHS[operation], {} if operation == REFRESH else body, bearer=bearer)

    return cause


def of_other_tenant(operation: str) -> Cause:
    """A good call, but its credential is another tenant's."""

    async def cause(rig: Rig) -> httpx.Response:
        body, bearer = await good(rig, operation)
        return await rig.post(PATHS[operation], body, bearer=bearer, tenant_id=OTHER_TENANT)

    return cause


def with_expired_bearer(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        bearer = await rig.mint(PERMISSION[operation], ttl_seconds=60)
        body, _ = await good(rig, operation)
        rig.clock.advance(60)
        return await rig.post(PATHS[operation], body, bearer=bearer)

    return cause


def with_revoked_bearer(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        body, _ = await good(rig, operation)
        bearer = (await rig.issue())["access_token"]
        assert (await rig.post(PATHS[REVOKE], bearer=bearer)).status_code == 204
        return await rig.post(PATHS[operation], body, bearer=bearer)

    return cause


def without_permission(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        body, _ = await good(rig, operation)
        return await rig.post(PATHS[operation], body, bearer=await rig.service_bearer("reports.read"))

    return cause


def without_store(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        # Introspection of a known token needs no store: this one is not known yet.
        body, bearer = await good(rig, operation, fresh=True)
        rig.fail_stores("raises")
        return await rig.post(PATHS[operation], body, bearer=bearer)

    return cause


def with_broken_engine(operation: str, method: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        body, bearer = await good(rig, operation)
        with mock.patch.object(type(rig.engine.tokens), method, side_effect=RuntimeError("canary in a message")):
            return await rig.post(PATHS[operation], body, bearer=bearer)

    return cause


def with_full_queue(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        body, bearer = await good(rig, operation)
        with mock.patch("tessera_service.engine.signing.SigningPool.check_room", side_effect=Overloaded):
            return await rig.post(PATHS[operation], body, bearer=bearer)

    return cause


async def with_broken_keys(rig: Rig) -> httpx.Response:
    """The JWKS cannot be read."""
    with mock.patch.object(type(rig.engine.keys), "jwks_now", side_effect=RuntimeError("canary in a message")):
        return await rig.client.get(PATHS[JWKS])


async def exchange(rig: Rig, token: str, operation: str = REFRESH) -> httpx.Response:
    """A refresh token for the next pair; under ISSUE by its grant."""
    grant = {"grant_type": "refresh_token"} if operation == ISSUE else {}
    return await rig.post(PATHS[operation], {"refresh_token": token, **grant})


async def exchange_garbage(rig: Rig, operation: str = REFRESH) -> httpx.Response:
    """What is no token at all."""
    return await exchange(rig, "aaaa.bbbb.cccc", operation)


async def refresh_expired(rig: Rig, operation: str = REFRESH) -> httpx.Response:
    """A genuine refresh token at its exp."""
    pair = await rig.issue()
    token = rig.forge_refresh(session_id=pair["session_id"], exp=rig.clock.now())
    return await exchange(rig, token, operation)


async def refresh_of_revoked_session(rig: Rig, operation: str = REFRESH) -> httpx.Response:
    """A genuine refresh token whose session was revoked."""
    pair = await rig.issue()
    await rig.post(PATHS[REVOKE], bearer=pair["access_token"])
    return await exchange(rig, pair["refresh_token"], operation)


async def refresh_of_locked_session(rig: Rig, operation: str = REFRESH) -> httpx.Response:
    """A genuine refresh token whose session the store calls locked."""
    pair = await rig.issue()
    session = await rig.stores[1].get(pair["session_id"])
    ended = RotationResult(RotationStatus.ENDED, session=replace(session, locked=True))
    with mock.patch.object(rig.stores[1], "rotate", mock.AsyncMock(return_value=ended), create=True):
        return await exchange(rig, pair["refresh_token"], operation)


async def refresh_of_unknown_session(rig: Rig, operation: str = REFRESH) -> httpx.Response:
    """A genuine refresh token whose session is not in the store any more."""
    pair = await rig.issue()
    with mock.patch.object(rig.stores[1], "get", mock.AsyncMock(return_value=None), create=True):
        return await exchange(rig, pair["refresh_token"], operation)


async def refresh_with_other_session_id(rig: Rig) -> httpx.Response:
    """Two sessions, the token of one and the id of the other."""
    one, other = await rig.issue(), await rig.issue()
    body = {"refresh_token": one["refresh_token"], "session_id": other["session_id"]}
    return await rig.post(PATHS[REFRESH], body)


async def refresh_with_two_tokens(rig: Rig) -> httpx.Response:
    """Bearer and body, both genuine, not equal."""
    one, other = await rig.issue(), await rig.issue()
    return await rig.post(PATHS[REFRESH], {"refresh_token": one["refresh_token"]}, bearer=other["refresh_token"])


async def hand_on_permission(rig: Rig) -> httpx.Response:
    """A caller puts into a token what it does not hold."""
    bearer = await rig.service_bearer("token.generate")
    return await rig.post(PATHS[ISSUE], {"sub": "alice", "permissions": ["token.revoke"]}, bearer=bearer)


async def revoke_current_of_service_token(rig: Rig) -> httpx.Response:
    """A service token has no session."""
    return await rig.post(PATHS[REVOKE], {}, bearer=await rig.service_bearer("token.revoke"))


async def revoke_other_subjects_session(rig: Rig) -> httpx.Response:
    """Without token.revoke."""
    one, other = await rig.issue(), await rig.issue()
    return await rig.post(PATHS[REVOKE], {"session_id": other["session_id"]}, bearer=one["access_token"])


async def revoke_session_of_other_tenant(rig: Rig) -> httpx.Response:
    """Even with token.revoke."""
    foreign = await rig.issue(tenant_id=OTHER_TENANT)
    bearer = await rig.service_bearer("token.revoke")
    return await rig.post(PATHS[REVOKE], {"session_id": foreign["session_id"]}, bearer=bearer)
