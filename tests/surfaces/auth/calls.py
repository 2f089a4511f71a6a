# SPDX-License-Identifier: Apache-2.0
"""Calls of the auth surface, and its answers compared whole."""

import re
from collections.abc import Mapping
from typing import Any, cast

import httpx

from surfaces.service_rig import TENANT, Rig
from tessera_service.messages.auth import TEXTS
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, METHODS, PATHS, REQUEST_OTP, REVOKE

NOBODY = "0190a000-0000-7000-8000-000000000000"
PASSWORD = "correct horse battery"
NUMBER = "+84901234567"
BODIES: Mapping[str, dict[str, Any] | None] = {
    LOGIN: {"login_type": "local", "username": "alice", "password": PASSWORD},
    REQUEST_OTP: {"phone_number": NUMBER},
    LOGOUT: {"reason": "user_logout"},
    LIST: None,
    REVOKE: {"reason": "manual"},
}
OTP_LOGIN = {"login_type": "otp", "phone_number": NUMBER, "otp_code": "123456"}
SUCCESS = {"success": True}


async def call(
    rig: Rig,
    operation: str,
    body: object = None,
    *,
    bearer: str | None = None,
    headers: Mapping[str, str | None] | None = None,
    content: bytes | None = None,
    session_id: str = NOBODY,
    tenant_id: str = TENANT,
    **query: Any,
) -> httpx.Response:
    """The answer to an operation; a header that is None in `headers` is left out."""
    path = PATHS[operation].format(id=session_id)
    if METHODS[operation] == "POST":
        return await rig.post(path, body, bearer=bearer, headers=headers, content=content, tenant_id=tenant_id)
    sent: dict[str, str | None] = {"X-Request-ID": "req-001", "X-Tenant-ID": tenant_id}
    sent |= {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    sent |= headers or {}
    kept = {name: value for name, value in sent.items() if value is not None}
    return await rig.client.get(path, headers=kept, params=cast(Any, query))


def check_error(
    answer: httpx.Response, status: int, code: str, data: Mapping[str, Any] | None = None, *, echoed: bool = True
) -> None:
    """The whole of an error: status, body, headers. `echoed`: whether the tenant is."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    meta = body.pop("meta")
    expected: dict[str, Any] = {"code": code, "message": TEXTS[code].en}
    if data:
        expected["data"] = dict(data)
    assert body == {"error": expected}
    check_head(answer, meta, echoed=echoed)
    assert answer.headers["content-language"] == "en"
    assert ("retry-after" in answer.headers) is (status in (429, 503))
    assert ("www-authenticate" in answer.headers) is (status == 401 or code == "auth.forbidden")


def check_success(answer: httpx.Response, *, status: int = 200) -> Any:
    """`data` of a success without pagination."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"meta", "data"}
    check_head(answer, body["meta"])
    return body["data"]


def check_head(answer: httpx.Response, meta: Mapping[str, Any], *, echoed: bool = True) -> None:
    """The request's id in body and header, a time in UTC and whole seconds, and what every answer carries."""
    assert set(meta) == {"request_id", "timestamp"}
    assert meta["request_id"] == answer.headers["x-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", meta["timestamp"])
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get("x-tenant-id") == (TENANT if echoed else None)
