# SPDX-License-Identifier: Apache-2.0
"""How rows of the session-token surface's error table are caused over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

import httpx

from surfaces.service_rig import Rig
from surfaces.session_token.keys import CREATE, REVOKE, UNKNOWN_ID, VALIDATE, WRONG_SECRET, make_key, open_token
from tessera_service.errors import Overloaded

PATHS = {"create": CREATE, "validate": VALIDATE, "revoke": REVOKE}
METHODS = {"create": ["POST"], "validate": ["POST"], "revoke": ["DELETE", "POST"]}
Cause = Callable[[Rig], Awaitable[httpx.Response]]


async def good_body(rig: Rig, name: str) -> dict[str, Any]:
    """A body that would do."""
    if name == "create":
        key_id, secret = await make_key(rig)
        return {"access_key_id": key_id, "secret_access_key": secret, "duration_seconds": 3600}
    return {"session_token": await open_token(rig), "resource": "doc456", "permission": "view"}


async def with_wrong_secret(rig: Rig) -> httpx.Response:
    body = {**await good_body(rig, "create"), "secret_access_key": WRONG_SECRET}
    return await rig.client.post(CREATE, json=body)


async def with_unknown_id(rig: Rig) -> httpx.Response:
    body = {**await good_body(rig, "create"), "access_key_id": UNKNOWN_ID}
    return await rig.client.post(CREATE, json=body)


async def with_a_foreign_token(rig: Rig) -> httpx.Response:
    return await rig.client.request("DELETE", REVOKE, json={"session_token": "a.b.c"})


async def with_full_queue(rig: Rig) -> httpx.Response:
    body = await good_body(rig, "create")
    with mock.patch("tessera_service.engine.signing.SigningPool.check_room", side_effect=Overloaded):
        return await rig.client.post(CREATE, json=body)


def broken(name: str, method: str, target: str) -> Cause:
    async def cause(rig: Rig) -> httpx.Response:
        body = await good_body(rig, name)
        with mock.patch(target, side_effect=RuntimeError("canary in a message")):
            answer = await rig.client.request(method, PATHS[name], json=body)
        assert "canary" not in answer.text
        return answer

    return cause


ENGINE = "tessera_service.engine"
