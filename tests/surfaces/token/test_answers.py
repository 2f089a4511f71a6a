# SPDX-License-Identifier: Apache-2.0
"""The shape of every success, compared whole."""

import re
from typing import Any

import httpx
import jwt
import pytest

from surfaces.service_rig import ISSUER, TENANT, Rig
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
METADATA = {
    "ip_address": "192.168.1.1",
    "user_agent": "Mozilla/5.0 (ünïcode)",
    "device_type": "web",
    "device_model": "MacBookPro16,1",
    "os_version": "macOS 14.3",
    "app_version": "1.0.2",
    "location": "Hà Nội",
}


async def verify(rig: Rig, token: str) -> dict[str, Any]:
    """The claims, checked by another library against the served JWKS."""
    keys = jwt.PyJWKSet.from_dict((await rig.client.get(PATHS[JWKS])).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    return jwt.decode(token, key=key, algorithms=["RS256"], audience="dx-vas", issuer=ISSUER)


def check_pair(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    data = body["data"]
    assert set(body) == {"data", "meta"}
    assert set(data) == {"access_token", "refresh_token", "token_type", "expires_in", "session_id"}
    assert (data["token_type"], data["expires_in"]) == ("Bearer", 900)
    assert UUID7.fullmatch(data["session_id"])
    assert body["meta"]["request_id"] == "req-001"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body["meta"]["timestamp"])
    check_headers(answer)
    return dict(data)


def check_headers(answer: httpx.Response) -> None:
    assert answer.headers["x-request-id"] == "req-001"
    assert answer.headers["x-tenant-id"] == TENANT
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers.get("content-type") == (None if answer.status_code == 204 else "application/json")


async def test_a_pair_is_issued_with_what_was_asked_for(shared: Rig) -> None:
    body = {
        "sub": "user-abc",
        "scope": "read:profile write:report",
        "session_metadata": METADATA,
        "client_id": "frontend-app",
        "permissions": ["user.read"],
        "roles": ["teacher"],
        "unknown": [1.5, None],
    }
    bearer = await shared.service_bearer("token.generate")
    data = check_pair(await shared.post(PATHS[ISSUE], body, bearer=bearer))
    access, refresh = await verify(shared, data["access_token"]), await verify(shared, data["refresh_token"])
    assert jwt.get_unverified_header(data["access_token"])["typ"] == "at+jwt"
    assert jwt.get_unverified_header(data["refresh_token"])["typ"] == "rt+jwt"
    named = {name: access[name] for name in ("sub", "scope", "client_id", "permissions", "roles", "user_id", "sid")}
    assert named == {
        "sub": "user-abc",
        "scope": "read:profile write:report",
        "client_id": "frontend-app",
        "permissions": ["user.read"],
        "roles": ["teacher"],
        "user_id": "user-abc",
        "sid": data["session_id"],
    }
    assert access["exp"] - access["iat"] == 900
    assert {"permissions", "roles", "scope"}.isdisjoint(refresh)
    assert UUID7.fullmatch(access["jti"])
    assert access["jti"] != refresh["jti"]


async def test_a_pair_is_issued_with_defaults(shared: Rig) -> None:
    bearer = await shared.service_bearer("token.generate")
    data = check_pair(await shared.post(PATHS[ISSUE], {"sub": "!", "grant_type": "jwt_bearer"}, bearer=bearer))
    claims = await verify(shared, data["access_token"])
    assert (claims["client_id"], claims["scope"], claims["permissions"]) == ("dx-vas", "", [])


@pytest.mark.parametrize("way", ["body", "bearer", "both", "with session id", "curl", "grant", "grant and caller"])
async def test_a_refresh_token_is_exchanged_in_every_form(shared: Rig, way: str) -> None:
    pair = await shared.issue()
    token = pair["refresh_token"]
    body = {"refresh_token": token}
    match way:
        case "body":
            answer = await shared.post(PATHS[REFRESH], body)
        case "bearer":
            answer = await shared.post(PATHS[REFRESH], bearer=token)
        case "both":
            answer = await shared.post(PATHS[REFRESH], body, bearer=token)
        case "with session id":
            answer = await shared.post(PATHS[REFRESH], body | {"session_id": pair["session_id"]})
        case "curl":  # which sends JSON under the form type
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = await shared.post(PATHS[REFRESH], content=f' {{"refresh_token":"{token}"}}'.encode(), headers=form)
        case "grant":
            answer = await shared.post(PATHS[ISSUE], body | {"grant_type": "refresh_token"})
        case _:
            body |= {"grant_type": "refresh_token"}
            answer = await shared.post(PATHS[ISSUE], body, bearer=await shared.service_bearer("reports.read"))
    data = check_pair(answer)
    assert data["session_id"] == pair["session_id"]
    assert data["refresh_token"] != token
    assert await shared.is_alive(data["access_token"])


async def test_introspection_of_a_session_says_what_it_holds(shared: Rig) -> None:
    members: dict[str, Any] = {"scope": "read write", "permissions": ["user.read"], "session_metadata": METADATA}
    pair = await shared.issue("user-123", client_id="frontend-app", **members)
    claims = await verify(shared, pair["access_token"])
    bearer = await shared.service_bearer("token.introspect")
    answer = await shared.post(PATHS[INTROSPECT], {"token": pair["access_token"]}, bearer=bearer)
    check_headers(answer)
    expected = {
        "active": True,
        "sub": "user-123",
        "aud": "dx-vas",
        "iss": ISSUER,
        "exp": claims["exp"],
        "iat": claims["iat"],
        "jti": claims["jti"],
        "scope": "read write",
        "token_type": "access",
        "session_id": pair["session_id"],
        "client_id": "frontend-app",
        "tenant_id": TENANT,
        "permissions": ["user.read"],
        "meta": {name: METADATA[name] for name in ("device_type", "ip_address", "user_agent")},
    }
    assert answer.json() == expected
    refresh = await verify(shared, pair["refresh_token"])
    expected |= {"token_type": "refresh", **{name: refresh[name] for name in ("exp", "iat", "jti")}}
    assert await shared.introspect(pair["refresh_token"]) == expected


async def test_introspection_of_a_service_token_has_no_session(shared: Rig) -> None:
    token = await shared.mint("reports.read")
    claims = await verify(shared, token)
    assert await shared.introspect(token) == {
        "active": True,
        "sub": "gateway",
        "aud": "dx-vas",
        "iss": ISSUER,
        "exp": claims["exp"],
        "iat": claims["iat"],
        "jti": claims["jti"],
        "scope": "",
        "token_type": "access",
        "client_id": "gateway",
        "tenant_id": TENANT,
        "permissions": ["reports.read"],
    }


@pytest.mark.parametrize("form", [False, True])
async def test_introspection_reads_a_form_too(shared: Rig, form: bool) -> None:
    token, bearer = (await shared.issue())["access_token"], await shared.service_bearer("token.introspect")
    content = f"token_type_hint=access_token&token={token}" if form else f'\n{{"token": "{token}"}}'
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await shared.post(PATHS[INTROSPECT], content=content.encode(), headers=headers, bearer=bearer)
    assert answer.json()["active"] is True


async def test_the_dead_are_all_alike(shared: Rig) -> None:
    bearer = await shared.service_bearer("token.introspect")
    pair = await shared.issue()
    await shared.post(PATHS[REVOKE], bearer=pair["access_token"])
    foreign = await shared.issue(tenant_id="tenant-b")
    for token in ("", "x", "ü.ü.ü", "x" * 8192, pair["access_token"], pair["refresh_token"], foreign["access_token"]):
        answer = await shared.post(PATHS[INTROSPECT], {"token": token}, bearer=bearer)
        assert (answer.status_code, answer.content) == (200, b'{"active":false}'), token[:20]
