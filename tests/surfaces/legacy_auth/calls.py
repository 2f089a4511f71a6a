# SPDX-License-Identifier: Apache-2.0
"""What clients of the legacy surface send; and tokens of every kind."""

from collections.abc import Mapping
from typing import Any

import httpx

from surfaces.service_rig import Rig

SESSION = "/api/v1/auth/session"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
PATHS = (SESSION, REFRESH, LOGOUT)
GARBAGE = "aaaa.bbbb.cccc"
EVERYTHING = ["token.generate", "token.introspect", "token.revoke"]

KINDS = (
    *("access", "refresh", "service", "session", "access as rt+jwt", "refresh as at+jwt", "service as st+jwt"),
    *("access of another issuer", "access of no session", "access of another subject"),
)


async def ask(
    rig: Rig,
    token: str | None = None,
    *,
    query: Mapping[str, str] | str | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Response:
    """GET the session; `token` is the bearer."""
    sent = dict(headers or {})
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    path = f"{SESSION}?{query}" if isinstance(query, str) else SESSION
    return await rig.client.get(path, params=query if isinstance(query, Mapping) else None, headers=sent)


async def send(rig: Rig, path: str, body: object, **headers: str) -> httpx.Response:
    """POST without any header that this surface does not demand."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await rig.client.post(path, json=body, headers=named)


async def log_out(rig: Rig, token: str, session_id: str, **headers: str) -> httpx.Response:
    return await send(rig, LOGOUT, {"accessToken": token, "sessionId": session_id}, **headers)


async def refresh(rig: Rig, token: str, **headers: str) -> httpx.Response:
    return await send(rig, REFRESH, {"refreshToken": token}, **headers)


async def make(rig: Rig, kind: str, pair: Mapping[str, Any]) -> str:
    """A token of that kind, right in everything but perhaps its kind; of the session of `pair` where it has one."""
    match kind:
        case "service":
            return await rig.mint(*EVERYTHING)
        case "access" | "refresh":
            return str(pair[f"{kind}_token"])
    forge, sid = rig.forge, pair["session_id"]
    claims: dict[str, Any]
    match kind:
        case "session":
            forge.type, claims = "st+jwt", rig.claims("session", sid=sid)
        case "access as rt+jwt":
            forge.type, claims = "rt+jwt", rig.claims("access", sid=sid)
        case "refresh as at+jwt":
            forge.type, claims = "at+jwt", rig.claims("refresh", sid=sid)
        case "service as st+jwt":
            forge.type, claims = "st+jwt", rig.claims("service")
        case "access of another issuer":
            claims = rig.claims("access", sid=sid, iss="https://other.example")
        case "access of no session":
            claims = rig.claims("access", sid="0190a000-0000-7000-8000-000000000000")
        case _:
            claims = rig.claims("access", sid=sid, sub="mallory")
    return forge.good(claims)
