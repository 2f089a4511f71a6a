# SPDX-License-Identifier: Apache-2.0
"""Who may make sessions and read their figures: each way in, and each way past it."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import Receive, Scope, Send

from surfaces.gateway.calls import BASE, PERMISSIONS, body, make, send
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig, open_rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

API_KEY = "key-of-the-settings"
LOCAL = {"Host": "localhost:8081"}
CALLS = [("POST", ""), ("POST", "/"), ("GET", "/stats")]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["memory", "sqlite"])
async def opened(
    request: pytest.FixtureRequest, made_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Rig]:
    """A service with a key in its settings that lets programs of its machine in."""
    copy = tmp_path_factory.mktemp("gateway") / "data"
    shutil.copytree(made_directory, copy)
    config = {"default_tenant": TENANT, "gateway_api_key": API_KEY, "gateway_allow_loopback": True}
    async with open_rig(str(request.param), copy, config=config) as rig:
        yield rig


async def call(rig: Rig, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    """A call that is good in everything but perhaps its credential."""
    user = f"user-{next(rig.numbers)}"
    return await send(rig, method, path, body(user) if method == "POST" else None, headers=headers)


def is_let_in(answer: httpx.Response) -> bool:
    if answer.status_code in (200, 201):
        return True
    assert answer.status_code == 403, answer.text
    assert answer.json() == {"success": False, "error_code": "forbidden", "error_message": "This is not allowed."}
    assert "www-authenticate" in answer.headers
    return False


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def expired(rig: Rig) -> dict[str, str]:
    token = await rig.mint("token.generate", ttl_seconds=1)
    rig.clock.advance(1)
    return bearer(token)


async def revoked(rig: Rig) -> dict[str, str]:
    token = await rig.mint("token.generate")
    caller = await rig.engine.tokens.authenticate(token, tenant_id=None)
    await rig.engine.service_tokens.revoke(caller.jti)
    return bearer(token)


async def of_a_session(rig: Rig) -> dict[str, str]:
    return bearer((await rig.issue(permissions=["token.generate"]))["access_token"])


async def disabled_key(rig: Rig) -> dict[str, str]:
    key = await rig.engine.gateway_keys.create(TENANT)
    await rig.engine.gateway_keys.disable(key.partition(".")[0])
    return {"X-Gateway-Key": key}


Credential = Callable[[Rig], Awaitable[dict[str, str]]]


def given(**headers: str) -> Credential:
    async def credential(_: Rig) -> dict[str, str]:
        return {name.replace("_", "-"): value for name, value in headers.items()}

    return credential


async def service_bearer(rig: Rig) -> dict[str, str]:
    return bearer(await rig.service_bearer("token.generate"))


async def stored_key(rig: Rig) -> dict[str, str]:
    return {"X-Gateway-Key": await rig.engine.gateway_keys.create(TENANT)}


GOOD: dict[str, Credential] = {
    "a service token with token.generate": service_bearer,
    "the key of the settings": given(X_Gateway_Key=API_KEY),
    "a key of the directory": stored_key,
}
BAD: dict[str, Credential] = {
    "nothing": given(),
    "a wrong key": given(X_Gateway_Key=API_KEY + "x"),
    "an empty key": given(X_Gateway_Key=""),
    "a key that is no text": given(X_Gateway_Key="k\u00e9y"),
    "a disabled key": disabled_key,
    "an unknown bearer": given(Authorization="Bearer a.b.c"),
    "an empty bearer": given(Authorization="Bearer "),
    "another scheme": given(Authorization=f"Basic {API_KEY}"),
    "an expired service token": expired,
    "a revoked service token": revoked,
    "a token of a session": of_a_session,
    "a service token without token.generate": lambda rig: _minted(rig, "token.introspect"),
    "a service token without permissions": lambda rig: _minted(rig),
}


async def _minted(rig: Rig, *permissions: str) -> dict[str, str]:
    return bearer(await rig.mint(*permissions))


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("name", GOOD)
async def test_who_has_a_credential_is_let_in(opened: Rig, name: str, method: str, path: str) -> None:
    assert is_let_in(await call(opened, method, path, await GOOD[name](opened)))


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("name", BAD)
async def test_everybody_else_is_not(opened: Rig, name: str, method: str, path: str) -> None:
    headers = await BAD[name](opened)
    assert not is_let_in(await call(opened, method, path, headers))
    opened.clock.ahead_ms = 0


@pytest.mark.parametrize("name", [name for name in BAD if name != "nothing"])
async def test_a_wrong_credential_is_refused_on_this_machine_too(opened: Rig, name: str) -> None:
    headers = {**await BAD[name](opened), **LOCAL}
    assert not is_let_in(await call(opened, "POST", "", headers))
    opened.clock.ahead_ms = 0


@pytest.mark.parametrize("name", GOOD)
async def test_a_credential_counts_in_its_own_tenant_only(opened: Rig, name: str) -> None:
    headers = await GOOD[name](opened)
    answer = await call(opened, "POST", "", {**headers, "X-Tenant-ID": TENANT})
    assert is_let_in(answer)
    token = answer.json()["token"]
    found = (await send(opened, "POST", "/validate", {"token": token})).json()
    assert found["session"]["tenant_id"] == TENANT
    for other in (OTHER_TENANT, "unknown", ""):
        assert not is_let_in(await call(opened, "POST", "", {**headers, "X-Tenant-ID": other}))
        assert not is_let_in(await call(opened, "GET", "/stats", {**headers, "X-Tenant-ID": other}))


async def test_a_key_of_another_tenant_makes_sessions_there(opened: Rig) -> None:
    key = await opened.engine.gateway_keys.create(OTHER_TENANT)
    answer = await call(opened, "POST", "", {"X-Gateway-Key": key})
    found = (await send(opened, "POST", "/validate", {"token": answer.json()["token"]})).json()
    assert found["session"]["tenant_id"] == OTHER_TENANT


@pytest.mark.parametrize("sent", [[API_KEY, API_KEY], [API_KEY, "other"]])
async def test_a_key_that_is_sent_twice_is_none(opened: Rig, sent: list[str]) -> None:
    headers = [(b"x-gateway-key", value.encode()) for value in sent]
    answer = await opened.client.post(BASE, json=body(), headers=headers)
    assert not is_let_in(answer)


@pytest.mark.parametrize("name", ["token.revoke", "session.read:any", "auth.login"])
async def test_a_key_hands_on_no_permission_of_the_service(opened: Rig, name: str) -> None:
    for headers in ({"X-Gateway-Key": API_KEY}, LOCAL, await service_bearer(opened)):
        answer = await send(opened, "POST", "", body(permissions=[name]), headers=headers)
        assert not is_let_in(answer)
    made = await make(opened, permissions=[*PERMISSIONS])
    assert made["success"] is True


# On this machine


LOCAL_HOSTS = ["localhost", "localhost:8081", "LOCALHOST:1", "127.0.0.1:8081", "127.8.9.10", "[::1]:8081", "[::1]"]
OTHER_HOSTS = [
    *("service.example", "localhost.example:8081", "localhost:8081.example", "example.localhost", "10.0.0.1", "[::2]"),
    *("127.0.0.1.example", "localhost:", "[::1", "0.0.0.0:8081", "", "localhost, service.example", "127.1"),
]
RELAYED = ["Origin", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"]


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("host", LOCAL_HOSTS)
async def test_a_program_of_this_machine_needs_no_key(opened: Rig, host: str, method: str, path: str) -> None:
    assert is_let_in(await call(opened, method, path, {"Host": host}))


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("host", OTHER_HOSTS)
async def test_another_host_needs_one(opened: Rig, host: str, method: str, path: str) -> None:
    assert not is_let_in(await call(opened, method, path, {"Host": host}))


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize("name", RELAYED)
async def test_who_stands_between_needs_one(opened: Rig, name: str, method: str, path: str) -> None:
    for value in ("127.0.0.1", "null", ""):
        assert not is_let_in(await call(opened, method, path, {**LOCAL, name: value}))


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_a_body_that_is_no_json_needs_one(opened: Rig, kind: str | None) -> None:
    headers = LOCAL if kind is None else {**LOCAL, "Content-Type": kind}
    request = opened.client.build_request("POST", BASE, content=b'{"user_id":"mallory"}', headers=headers)
    assert not is_let_in(await opened.client.send(request))


@pytest.mark.parametrize("peer", ["10.0.0.9", "192.168.1.4", "::2", "127.0.0.1x", "unknown", "::ffff:10.0.0.9", None])
async def test_another_machine_needs_one(opened: Rig, peer: str | None) -> None:
    assert not is_let_in(await _from(opened, None if peer is None else (peer, 1)))


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.4.4.4", "::1", "::ffff:127.0.0.1"])
async def test_every_loopback_address_is_this_machine(opened: Rig, peer: str) -> None:
    assert is_let_in(await _from(opened, (peer, 1)))


async def _from(rig: Rig, peer: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=rig.app, client=peer)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8081") as client:
        return await client.post(BASE, json=body(f"user-{next(rig.numbers)}"))


async def test_a_proxy_that_says_nothing_of_itself_needs_one(opened: Rig) -> None:
    """nginx as it comes sends HTTP/1.0 under its upstream's name and nothing else that tells it from a program."""

    async def old_app(scope: Scope, receive: Receive, send: Send) -> None:
        await opened.app({**scope, "http_version": "1.0"}, receive, send)

    transport = httpx.ASGITransport(app=old_app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8081") as client:
        user = body(f"user-{next(opened.numbers)}")
        assert not is_let_in(await client.post(BASE, json=user))
        assert not is_let_in(await client.get(f"{BASE}/stats"))
        assert is_let_in(await client.post(BASE, json=user, headers={"X-Gateway-Key": API_KEY}))


async def test_who_needs_no_key_acts_in_the_default_tenant(opened: Rig) -> None:
    answer = await call(opened, "POST", "", {**LOCAL, "X-Tenant-ID": TENANT})
    found = (await send(opened, "POST", "/validate", {"token": answer.json()["token"]})).json()
    assert found["session"]["tenant_id"] == TENANT
    assert not is_let_in(await call(opened, "POST", "", {**LOCAL, "X-Tenant-ID": OTHER_TENANT}))


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_unless_it_is_allowed_this_machine_needs_a_key_too(shared: Rig, method: str, path: str) -> None:
    assert not is_let_in(await call(shared, method, path, LOCAL))
    assert not is_let_in(await call(shared, method, path, {"X-Gateway-Key": API_KEY}))


async def test_a_key_is_written_to_no_log(opened: Rig, logged: Any) -> None:
    key = await opened.engine.gateway_keys.create(TENANT)
    await call(opened, "POST", "", {"X-Gateway-Key": key})
    await call(opened, "POST", "", {"X-Gateway-Key": f"{key}x"})
    assert key.partition(".")[2] not in logged.getvalue()
    assert API_KEY not in logged.getvalue()
