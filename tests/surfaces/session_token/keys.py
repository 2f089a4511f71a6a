# SPDX-License-Identifier: Apache-2.0
"""Access keys and session tokens over HTTP, for the tests of this surface."""

import base64
import json
from collections.abc import Mapping
from typing import Any, cast

import httpx

from surfaces.service_rig import TENANT, Rig
from tessera_service.models import Grant

CREATE = "/session-token/create"
VALIDATE = "/session-token/validate"
REVOKE = "/session-token/revoke"
WRONG_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # a documented sample
UNKNOWN_ID = "AKIAIOSFODNN7EXAMPLE"
DEAD = {
    "status": "failure",
    "is_valid": False,
    "has_permission": False,
    "message": "Session token is expired or invalid",
}
REVOKED = {"status": "success", "message": "Session token has been successfully revoked"}


async def send(
    rig: Rig, path: str, body: object = None, *, method: str = "POST", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """A call with nothing but what the surface asks for."""
    return await rig.client.request(method, path, json=body, headers=headers)


async def make_key(rig: Rig, *grants: str, subject: str = "alice", tenant_id: str = TENANT) -> tuple[str, str]:
    """An access key with grants as the command line writes them."""
    named = [Grant(*grant.rsplit(":", 1)) for grant in grants or ("doc*:view",)]
    return await rig.engine.access_keys.create(tenant_id=tenant_id, subject=subject, grants=named)


async def create(rig: Rig, key: tuple[str, str], **members: object) -> httpx.Response:
    """The answer to an exchange."""
    return await send(rig, CREATE, {"access_key_id": key[0], "secret_access_key": key[1], **members})


async def open_token(rig: Rig, key: tuple[str, str] | None = None, **members: object) -> str:
    """A session token."""
    answer = await create(rig, key or await make_key(rig), **members)
    assert answer.status_code == 200, answer.text
    return cast(str, answer.json()["session_token"]["token"])


async def validate(
    rig: Rig,
    token: str,
    *,
    headers: Mapping[str, str] | None = None,
    resource: str = "doc456",
    permission: str = "view",
) -> dict[str, Any]:
    """What the surface says of a token."""
    body = {"session_token": token, "resource": resource, "permission": permission}
    answer = await send(rig, VALIDATE, body, headers=headers)
    assert answer.status_code == 200, answer.text
    return cast(dict[str, Any], answer.json())


async def is_valid(rig: Rig, token: str) -> bool:
    """Whether the token counts."""
    return bool((await validate(rig, token))["is_valid"])


def claims_of(token: str) -> dict[str, Any]:
    """The payload, unverified."""
    segment = token.split(".")[1]
    return cast(dict[str, Any], json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))))
