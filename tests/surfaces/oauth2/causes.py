# SPDX-License-Identifier: Apache-2.0
"""How each row of the OAuth surface's error table is caused over HTTP."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from unittest import mock

import httpx

from surfaces.oauth2.calls import (
    GARBAGE,
    METHODS,
    PERMISSIONS,
    Client,
    basic,
    make_client,
    send,
)
from surfaces.service_rig import OTHER_TENANT, Rig
from surfaces.session_token.keys import UNKNOWN_ID, WRONG_SECRET, open_token
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PATHS, REVOKE

Cause = Callable[[Rig], Awaitable[httpx.Response]]


class Expected(NamedTuple):
    """The answer of a row. `text`: the name of its message, where that is not the code's."""

    operation: str
    status: int
    code: str
    text: str | None = None


class Row(NamedTuple):
    """One way to an error."""

    name: str
    expected: Expected
    cause: Cause


def with_content(operation: str, content: bytes, **headers: str | None) -> Cause:
    """A good client with another body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def cause(rig: Rig) -> httpx.Response:
        return await send(rig, operation, client=await make_client(rig), content=content, headers=named)

    return cause


def with_authorization(operation: str, *values: str) -> Cause:
    """A good body under other credentials; several: the header is sent as often."""

    async def cause(rig: Rig) -> httpx.Response:
        named = [("Authorization", value) for value in values]
        headers = [("Content-Type", "application/x-www-form-urlencoded"), *named]
        return await rig.client.post(PATHS[operation], content=b"token=x", headers=headers)

    return cause


def with_wrong_secret(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        client = (await make_client(rig))._replace(secret=WRONG_SECRET)
        return await send(rig, operation, {"token": "x"}, client=client)

    return cause


def with_unknown_key(operation: str) -> Cause:
    return with_authorization(operation, Client(UNKNOWN_ID, WRONG_SECRET).authorization)


def with_disabled_key(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        client = await make_client(rig)
        await rig.engine.access_keys.disable(client.key_id)
        return await send(rig, operation, {"token": "x"}, client=client)

    return cause


def with_key_of_other_tenant(operation: str) -> Cause:
    """A good key, but the request names another tenant."""

    async def cause(rig: Rig) -> httpx.Response:
        client = await make_client(rig)
        return await send(rig, operation, {"token": "x"}, client=client, headers={"X-Tenant-ID": OTHER_TENANT})

    return cause


def with_bearer_of_other_tenant(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        bearer = await rig.service_bearer(PERMISSIONS[operation])
        return await send(rig, operation, {"token": "x"}, bearer=bearer, headers={"X-Tenant-ID": OTHER_TENANT})

    return cause


def with_expired_bearer(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        bearer = await rig.mint(PERMISSIONS[operation], ttl_seconds=60)
        rig.clock.advance(60)
        return await send(rig, operation, {"token": "x"}, bearer=bearer)

    return cause


def with_revoked_bearer(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        bearer = (await rig.issue())["access_token"]
        await rig.post("/v1/token/revoke", bearer=bearer)
        return await send(rig, operation, {"token": "x"}, bearer=bearer)

    return cause


def with_key_that_may(operation: str, *grants: str) -> Cause:
    """A key with other grants."""

    async def cause(rig: Rig) -> httpx.Response:
        return await send(rig, operation, {"token": "x"}, client=await make_client(rig, *grants))

    return cause


async def introspect_without_permission(rig: Rig) -> httpx.Response:
    bearer = await rig.service_bearer("token.revoke", "token.generate")
    return await send(rig, INTROSPECT, {"token": "x"}, bearer=bearer)


async def revoke_of_another_without_permission(rig: Rig) -> httpx.Response:
    token = (await rig.issue("alice"))["access_token"]
    bearer = await rig.service_bearer("token.introspect")
    return await send(rig, REVOKE, {"token": token}, bearer=bearer)


async def revoke_session_token(rig: Rig) -> httpx.Response:
    return await send(rig, REVOKE, {"token": await open_token(rig)}, client=await make_client(rig))


def at_the_limit(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        client = await make_client(rig)
        with rig.at_its_limit():
            return await call(rig, operation, client)

    return cause


def with_broken_engine(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        client = await make_client(rig)
        target = (
            "surfaces.oauth2.routes.describe_server" if operation == METADATA else "engine.clients.Clients.authenticate"
        )
        with mock.patch(f"tessera_service.{target}", side_effect=RuntimeError("canary in a message")):
            answer = await call(rig, operation, client)
        assert "canary" not in answer.text
        return answer

    return cause


def without_store(operation: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        client = await make_client(rig)
        rig.fail_stores("raises")
        return await call(rig, operation, client)

    return cause


async def with_an_issuer_that_is_no_url(rig: Rig) -> httpx.Response:
    with mock.patch("tessera_service.engine.Engine.issuer", "portal"):
        return await rig.client.get(PATHS[METADATA])


async def call(rig: Rig, operation: str, client: Client) -> httpx.Response:
    """A call that would do."""
    if METHODS[operation] == "GET":
        return await rig.client.get(PATHS[operation])
    return await send(rig, operation, {"token": GARBAGE}, client=client)


NO_CREDENTIALS = {
    "an empty one": "Basic ",
    "no base64": "Basic ***",
    "a piece of base64": "Basic QQ",
    "no colon": basic("client"),
    "letters beyond ASCII": basic("\u0436:\u0436"),
    "a wrong escape": basic("a%ff:b"),
    "far too long": basic("a" * 5000 + ":b"),
    "two of everything": basic("a:b") + ", " + basic("a:b"),
}
