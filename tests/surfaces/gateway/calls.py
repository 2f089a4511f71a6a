# SPDX-License-Identifier: Apache-2.0
"""How tests talk to the gateway surface."""

from collections.abc import Mapping
from typing import Any, cast

import httpx

from surfaces.service_rig import TENANT, Rig

BASE = "/api/v1/sessions"
SPAN = 1800
THRESHOLD = 300
PERMISSIONS = ("token.generate", "session.read:any", "session.revoke:any", "token.revoke")


def body(user_id: str = "alice", **members: object) -> dict[str, Any]:
    """What a gateway sends to make a session; a member that is None is left out."""
    sent = {"user_id": user_id, "username": "Alice A.", "role_name": "admin", "permissions": ["read", "write"]}
    return {name: value for name, value in (sent | {"remember_me": False} | members).items() if value is not None}


async def send(
    rig: Rig,
    method: str,
    path: str,
    json: object = None,
    *,
    bearer: str | None = None,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """A request below the base path."""
    named = dict(headers or {})
    if bearer is not None:
        named["Authorization"] = f"Bearer {bearer}"
    if content is not None:
        named.setdefault("Content-Type", "application/json")
    sent = [(name.encode(), value.encode()) for name, value in named.items()]
    if json is None:
        return await rig.client.request(method, BASE + path, content=content, headers=sent)
    return await rig.client.request(method, BASE + path, json=json, headers=sent)


async def make(rig: Rig, user_id: str | None = None, *, tenant_id: str = TENANT, **members: object) -> dict[str, Any]:
    """The answer about a new session, of a user of its own unless one is named."""
    bearer = await rig.service_bearer(*PERMISSIONS, tenant_id=tenant_id)
    sent = body(user_id or f"user-{next(rig.numbers)}", **members)
    answer = await send(rig, "POST", "", sent, bearer=bearer)
    assert answer.status_code == 201, answer.text
    return cast(dict[str, Any], answer.json())


async def validate(rig: Rig, token: str, *, tenant_id: str | None = None) -> dict[str, Any]:
    """The answer about a token."""
    headers = {} if tenant_id is None else {"X-Tenant-ID": tenant_id}
    answer = await send(rig, "POST", "/validate", {"token": token}, headers=headers)
    assert answer.status_code == 200, answer.text
    return cast(dict[str, Any], answer.json())


async def code_of(rig: Rig, token: str) -> str | None:
    """Why a token is not valid; None if it is."""
    return (await validate(rig, token)).get("error_code")
