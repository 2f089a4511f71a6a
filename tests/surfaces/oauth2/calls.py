# SPDX-License-Identifier: Apache-2.0
"""What standard clients send, and what they have to get."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

import httpx

from surfaces.service_rig import TENANT, Rig
from surfaces.session_token.keys import make_key
from tessera_service.messages.oauth2 import TEXTS
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PATHS, REVOKE

POSTS = (INTROSPECT, REVOKE)
METHODS = {INTROSPECT: "POST", REVOKE: "POST", METADATA: "GET"}
ENDPOINTS = {operation: f"{METHODS[operation]} {path}" for operation, path in PATHS.items()}
GRANTS = {INTROSPECT: "oauth2:token.introspect", REVOKE: "oauth2:token.revoke"}
PERMISSIONS = {INTROSPECT: "token.introspect", REVOKE: "token.revoke"}
FORM = "application/x-www-form-urlencoded"
GARBAGE = "aaaa.bbbb.cccc"
BASIC_CHALLENGE = 'Basic realm="tessera"'

Fields = Mapping[str, str] | Sequence[tuple[str, str]]


class Client(NamedTuple):
    """An access key, as its program sends it."""

    key_id: str
    secret: str

    @property
    def authorization(self) -> str:
        return basic(f"{self.key_id}:{self.secret}")


def basic(text: str) -> str:
    """The header for what stands between "Basic" and the end, before it is encoded."""
    return f"Basic {base64.b64encode(text.encode()).decode()}"


async def make_client(rig: Rig, *grants: str, subject: str = "portal", tenant_id: str = TENANT) -> Client:
    """An access key; without grants named: one with every permission of the surface."""
    named = grants or tuple(GRANTS.values())
    return Client(*await make_key(rig, *named, subject=subject, tenant_id=tenant_id))


async def send(
    rig: Rig,
    operation: str,
    fields: Fields | None = None,
    *,
    client: Client | None = None,
    bearer: str | None = None,
    content: bytes | None = None,
    headers: Mapping[str, str | None] | None = None,
) -> httpx.Response:
    """POST of a form, or of `content` in its place, with nothing but what the standards ask for; a header that is None
    in `headers` is left out."""
    sent: dict[str, str | None] = {"Content-Type": FORM}
    if client is not None:
        sent["Authorization"] = client.authorization
    if bearer is not None:
        sent["Authorization"] = f"Bearer {bearer}"
    sent |= headers or {}
    body = urlencode(fields or {}).encode() if content is None else content
    kept = {name: value for name, value in sent.items() if value is not None}
    return await rig.client.post(PATHS[operation], content=body, headers=kept)


async def introspect(rig: Rig, token: str, *, client: Client | None = None, **fields: str) -> dict[str, Any]:
    """What a resource server is told of a token."""
    answer = await send(rig, INTROSPECT, {"token": token, **fields}, client=client or await make_client(rig))
    assert answer.status_code == 200, answer.text
    check_head(answer)
    return cast(dict[str, Any], answer.json())


async def revoke(rig: Rig, token: str, *, client: Client | None = None, **fields: str) -> None:
    """Revokes a token, and asserts that it was acknowledged as RFC 7009 section 2.2 wants."""
    answer = await send(rig, REVOKE, {"token": token, **fields}, client=client or await make_client(rig))
    assert (answer.status_code, answer.content) == (200, b"")
    assert "content-type" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


def check_head(answer: httpx.Response) -> None:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def check_error(answer: httpx.Response, status: int, code: str, text: str | None = None) -> None:
    """The whole of an error (RFC 6749 section 5.2): status, body, headers. `text`: the name of its message."""
    assert answer.status_code == status, answer.text
    assert answer.json() == {"error": code, "error_description": TEXTS[text or code].en}
    check_head(answer)
    assert answer.content.isascii()
    assert ("retry-after" in answer.headers) is (status in (429, 503))
    assert answer.headers.get("www-authenticate") == challenge_of(status, code, text)


def challenge_of(status: int, code: str, text: str | None) -> str | None:
    """What an error asks for: the scheme that was used, and the other one where no token was presented."""
    match status, code:
        case 401, "invalid_client":
            return f"Bearer, {BASIC_CHALLENGE}" if text == "no_client" else f"{BASIC_CHALLENGE}, Bearer"
        case (401, "invalid_token") | (403, "insufficient_scope"):
            return f'Bearer error="{code}"'
    return None
