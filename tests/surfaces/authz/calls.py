# SPDX-License-Identifier: Apache-2.0
"""What proxies ask, and what every answer has to say."""

from collections.abc import Mapping
from typing import Any

import httpx

from surfaces.service_rig import TENANT, Rig
from tessera_service.engine import AuthzPolicy
from tessera_service.models import IssueRequest

AUTHZ = "/v1/authz"
REPORTS = f"{AUTHZ}/reports"
POLICIES = {
    "reports": AuthzPolicy(permissions=frozenset({"report.read", "report.list"}), scopes=frozenset({"read"})),
    "anybody": AuthzPolicy(),
}
NAMES = ("x-auth-subject", "x-auth-tenant", "x-auth-session", "x-auth-scopes", "x-auth-permissions")
NOBODY = ("", "", "", "", "")
GARBAGE = "aaaa.bbbb.cccc"
MAY = ("report.read", "report.list")

FORGED = dict.fromkeys(NAMES, "forged")


async def ask(
    rig: Rig,
    token: str | None = None,
    path: str = AUTHZ,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> httpx.Response:
    """One question; a client's forged headers always come along, as proxies hand them on."""
    sent = {**FORGED, **(headers or {})}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    return await rig.client.request(method, path, headers=sent, content=content)


def told(answer: httpx.Response) -> tuple[str, ...]:
    """The five headers, each of which has to be there exactly once."""
    values = [answer.headers.get_list(name) for name in NAMES]
    assert all(len(value) == 1 for value in values), dict(answer.headers)
    return tuple(value for (value,) in values)


async def issue(rig: Rig, subject: str = "alice", *, tenant_id: str = TENANT, **request: Any) -> tuple[str, str]:
    """A token and the id of its session, made past the request limits."""
    operator = await rig.engine.tokens.authenticate(
        await rig.service_bearer("token.generate", tenant_id=tenant_id), tenant_id=tenant_id
    )
    values: dict[str, Any] = {"scope": "read:all read", "permissions": MAY} | request
    tokens = await rig.engine.tokens.issue(operator, IssueRequest(tenant_id, subject, "web", **values))
    return tokens.access_token, tokens.session_id
