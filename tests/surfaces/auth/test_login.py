# SPDX-License-Identifier: Apache-2.0
"""Signing in with a password: what comes back, what is stored, and what the refused can tell apart."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from surfaces.auth.calls import PASSWORD, call, check_error, check_success
from surfaces.auth.people import add_user, by_name, sign_in
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig, open_rig
from surfaces.session_token.keys import claims_of
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def behind_proxy(folder: Path) -> AsyncIterator[Rig]:
    """A service whose every request comes from a proxy of ours."""
    async with open_rig("memory", folder, trusted_proxies="127.0.0.1") as rig:
        yield rig


def refused(answer: httpx.Response, attempts_left: int, lockout: int | None = None) -> None:
    data = {"attempts_left": attempts_left} | ({} if lockout is None else {"lockout_duration": lockout})
    check_error(answer, 401, "auth.invalid_credentials", data)


async def test_the_right_password_opens_a_session_of_the_user(rig: Rig) -> None:
    user = await add_user(rig, roles=("teacher",), permissions=("report.read", "session.read:any"))
    data = check_success(await call(rig, LOGIN, by_name()))
    assert set(data) == {"access_token", "refresh_token", "expires_in", "session_id", "token_type"}
    assert (data["expires_in"], data["token_type"]) == (900, "Bearer")
    claims = claims_of(data["access_token"])
    told = {name: claims[name] for name in ("sub", "user_id", "sid", "tenant_id", "username", "roles", "permissions")}
    assert told == {
        "sub": user.user_id,
        "user_id": user.user_id,
        "sid": data["session_id"],
        "tenant_id": TENANT,
        "username": "alice",
        "roles": ["teacher"],
        "permissions": ["report.read", "session.read:any"],
    }
    assert await rig.is_alive(data["access_token"])
    refreshed = await rig.post("/v1/token/refresh", {"refresh_token": data["refresh_token"]})
    assert refreshed.json()["data"]["session_id"] == data["session_id"]


async def test_the_session_says_where_it_came_from(behind_proxy: Rig) -> None:
    rig = behind_proxy
    await add_user(rig, permissions=("session.read:any",))
    headers = {"User-Agent": FIREFOX, "X-Device-Type": "android", "X-Forwarded-For": "203.113.12.1"}
    pair = await sign_in(rig, headers=headers | {"X-Location": "Ho Chi Minh, VN"})
    (shown,) = (await call(rig, LIST, bearer=pair["access_token"])).json()["data"]
    assert shown == {
        "session_id": pair["session_id"],
        "user_id": claims_of(pair["access_token"])["sub"],
        "auth_method": "local",
        "created_at": shown["created_at"],
        "revoked_at": None,
        "ip_address": "203.113.12.1",
        "device_type": "android",
        "user_agent": FIREFOX,
        "location": "Ho Chi Minh, VN",
        "status": "active",
    }


async def test_of_a_stranger_nothing_is_believed_but_its_device(rig: Rig) -> None:
    await add_user(rig, permissions=("session.read:any",))
    headers = {"User-Agent": "okhttp/4.12.0", "X-Forwarded-For": "203.113.12.1", "X-Location": "Atlantis"}
    pair = await sign_in(rig, headers=headers)
    (shown,) = (await call(rig, LIST, bearer=pair["access_token"])).json()["data"]
    assert (shown["ip_address"], shown["device_type"], shown["location"]) == ("127.0.0.1", "android", None)


@pytest.mark.parametrize("username", ["ALICE", " alice ", "\uff41lice"])
async def test_a_name_is_one_however_it_is_typed(rig: Rig, username: str) -> None:
    await add_user(rig)
    assert (await sign_in(rig, username))["token_type"] == "Bearer"


async def test_json_under_the_form_type_is_json(rig: Rig) -> None:
    await add_user(rig)
    content = b'{"login_type":"local","username":"alice","password":"%s"}' % PASSWORD.encode()
    check_success(await call(rig, LOGIN, content=content, headers=FORM))


async def test_the_refused_are_alike_and_count_down_to_the_lock_out(rig: Rig) -> None:
    await add_user(rig)
    await add_user(rig, "locked")
    rig.clock.freeze()
    locked = await rig.engine.users.find(TENANT, "locked")
    assert locked is not None
    await rig.engine.users.lock(TENANT, locked.user_id)
    told: dict[str, list[tuple[int, Any, str]]] = {}
    for name in ("alice", "nobody", "locked"):
        for attempt in range(6):
            password = PASSWORD if name == "locked" or attempt == 5 else "a wrong one"
            answer = await call(rig, LOGIN, by_name(name, password))
            told.setdefault(name, []).append((answer.status_code, answer.json()["error"], str(answer.headers)))
    assert told["alice"] == told["nobody"] == told["locked"]
    assert [status for status, _, _ in told["alice"]] == [401] * 6
    assert [error["data"]["attempts_left"] for _, error, _ in told["alice"]] == [4, 3, 2, 1, 0, 0]
    assert [error["data"].get("lockout_duration") for _, error, _ in told["alice"]] == [None] * 4 + [900, 900]
    rig.clock.advance(900)
    await sign_in(rig)


async def test_a_user_of_one_tenant_is_nobody_in_another(rig: Rig) -> None:
    await add_user(rig)
    answer = await call(rig, LOGIN, by_name(), tenant_id=OTHER_TENANT)
    assert (answer.status_code, answer.json()["error"]["data"]) == (401, {"attempts_left": 4})
    refused(await call(rig, LOGIN, by_name(password="a wrong one")), 4)


async def test_a_bearer_neither_helps_nor_hinders(rig: Rig) -> None:
    await add_user(rig)
    for bearer in ("aaaa.bbbb.cccc", await rig.service_bearer("token.generate", tenant_id=OTHER_TENANT)):
        check_success(await call(rig, LOGIN, by_name(), bearer=bearer))


async def test_whoever_signed_in_may_sign_out(rig: Rig) -> None:
    await add_user(rig)
    pair = await sign_in(rig)
    check_success(await call(rig, LOGOUT, bearer=pair["refresh_token"]))
    assert not await rig.is_alive(pair["access_token"])


async def test_sessions_of_a_user_who_is_locked_are_listed_as_locked(rig: Rig) -> None:
    user = await add_user(rig)
    pair = await sign_in(rig)
    await rig.engine.users.lock(TENANT, user.user_id)
    assert (await call(rig, LIST, bearer=pair["access_token"])).status_code == 401
    admin = await rig.service_bearer("session.read:any")
    answer = await call(rig, LIST, bearer=admin, user_id=user.user_id, status="locked")
    assert [one["session_id"] for one in answer.json()["data"]] == [pair["session_id"]]
    answer = await call(rig, LOGOUT, bearer=pair["access_token"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.token.already_revoked")


async def test_neither_password_nor_token_reaches_an_error_or_the_log(rig: Rig, logged: io.StringIO) -> None:
    await add_user(rig)
    canary = "canary-in-a-password"
    bodies: list[dict[str, Any]] = [
        by_name(password=canary),
        by_name(password=canary) | {"username": 1},
        by_name() | {"password": [canary]},
        {"login_type": canary, "password": canary},
        {"login_type": "otp", "phone_number": canary, "otp_code": canary},
    ]
    for body in bodies:
        assert canary not in (await call(rig, LOGIN, body)).text
    pair = await sign_in(rig)
    text = logged.getvalue()
    assert all(secret not in text for secret in (canary, PASSWORD, pair["access_token"], pair["refresh_token"]))
