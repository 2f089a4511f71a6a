# SPDX-License-Identifier: Apache-2.0
"""Signing out, listing and revoking over HTTP: the shape of every success, and what it does elsewhere."""

from typing import Any

import httpx
import pytest

from surfaces.auth.calls import NOBODY, SUCCESS, call, check_head, check_success
from surfaces.service_rig import OTHER_TENANT, Rig
from surfaces.session_token.keys import claims_of, open_token
from tessera_service.http.times import format_time
from tessera_service.surfaces.auth.operations import LIST, LOGOUT, REVOKE

pytestmark = pytest.mark.asyncio(loop_scope="module")

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
METADATA = {"ip_address": "203.113.12.1", "user_agent": FIREFOX, "device_type": "web", "location": "Ho Chi Minh, VN"}


async def read(rig: Rig, bearer: str, **query: Any) -> list[dict[str, Any]]:
    """`data` of a list."""
    answer = await call(rig, LIST, bearer=bearer, **query)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


async def stored(rig: Rig, session_id: str) -> Any:
    return await rig.stores[1].get(session_id)


# Signing out


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_logout_ends_the_session_everywhere(shared: Rig, which: str) -> None:
    pair, other = await shared.issue("alice"), await shared.issue("alice")
    answer = await call(shared, LOGOUT, {"reason": "device_lost"}, bearer=pair[which])
    assert check_success(answer) == SUCCESS
    assert not await shared.is_alive(pair["access_token"])
    assert not await shared.is_alive(pair["refresh_token"])
    refreshed = await shared.post("/v1/token/refresh", {"refresh_token": pair["refresh_token"]})
    assert refreshed.status_code == 403
    assert (await call(shared, LIST, bearer=pair["access_token"])).status_code == 401
    assert await shared.is_alive(other["access_token"])
    session = await stored(shared, pair["session_id"])
    assert (session.revoked_reason, session.revoked_by) == ("device_lost", "alice")


@pytest.mark.parametrize(
    ("content", "headers", "reason"),
    [
        (None, {}, "user_logout"),
        (b"", {}, "user_logout"),
        (b"{}", {}, "user_logout"),
        (b'{"other":1}', {}, "user_logout"),
        (b'{"reason":"expired"}', {}, "expired"),
        (b' {"reason":"expired"}', FORM, "expired"),  # as curl sends it
        ('{"reason":"đăng xuất"}'.encode(), {}, "đăng xuất"),
        (b'{"reason":"%s"}' % (b"x" * 64), {}, "x" * 64),
    ],
)
async def test_a_logout_has_a_reason_given_or_not(
    shared: Rig, content: bytes | None, headers: dict[str, str], reason: str
) -> None:
    pair = await shared.issue()
    answer = await call(shared, LOGOUT, content=content, headers=headers, bearer=pair["access_token"])
    assert check_success(answer) == SUCCESS
    assert (await stored(shared, pair["session_id"])).revoked_reason == reason


async def test_the_second_logout_is_told_so_by_either_token(shared: Rig) -> None:
    pair = await shared.issue()
    check_success(await call(shared, LOGOUT, bearer=pair["access_token"]))
    for which in ("access_token", "refresh_token"):
        answer = await call(shared, LOGOUT, bearer=pair[which])
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "auth.token.already_revoked")


async def test_a_revoked_token_of_another_tenant_or_past_its_time_is_not_called_revoked(shared: Rig) -> None:
    pair = await shared.issue()
    check_success(await call(shared, LOGOUT, bearer=pair["access_token"]))
    answer = await call(shared, LOGOUT, bearer=pair["access_token"], tenant_id=OTHER_TENANT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "auth.tenant_mismatch")
    shared.clock.advance(900)
    answer = await call(shared, LOGOUT, bearer=pair["access_token"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "auth.token.invalid")


# Lists


async def test_with_read_any_a_session_is_shown_whole(shared: Rig) -> None:
    shared.clock.freeze()
    subject = f"user-{next(shared.numbers)}"
    pair = await shared.issue(subject, session_metadata=METADATA)
    session = await stored(shared, pair["session_id"])
    admin = await shared.service_bearer("session.read:any")
    answer = await call(shared, LIST, bearer=admin, user_id=subject)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"meta", "data"}
    assert body["meta"].pop("pagination") == {"total": 1, "limit": 20, "offset": 0}
    check_head(answer, body["meta"])
    assert body["data"] == [
        {
            "session_id": pair["session_id"],
            "user_id": subject,
            "auth_method": "jwt_bearer",
            "created_at": format_time(session.created_ms // 1000),
            "revoked_at": None,
            **METADATA,
            "status": "active",
        }
    ]


async def test_with_read_self_the_origin_is_masked_also_ones_own(shared: Rig) -> None:
    subject = f"user-{next(shared.numbers)}"
    pair = await shared.issue(subject, session_metadata=METADATA)
    masked = {"ip_address": "203.113.12.0/24", "user_agent": "Firefox", "device_type": "web", "location": None}
    for query in ({}, {"user_id": subject}):
        (shown,) = await read(shared, pair["access_token"], **query)
        assert {name: shown[name] for name in METADATA} == masked


async def test_with_read_any_ones_own_are_whole_too(shared: Rig) -> None:
    operator = await shared.service_bearer("token.generate", "session.read:any")
    body = {"sub": "head-teacher", "permissions": ["session.read:any"], "session_metadata": METADATA}
    pair = (await shared.post("/v1/token", body, bearer=operator)).json()["data"]
    shown = (await read(shared, pair["access_token"]))[0]
    assert {name: shown[name] for name in METADATA} == METADATA


async def test_what_is_not_known_of_an_origin_is_null(shared: Rig) -> None:
    pair = await shared.issue()
    admin = await shared.service_bearer("session.read:any")
    for bearer in (pair["access_token"], admin):
        (shown,) = await read(shared, bearer, user_id=str(claims_of(pair["access_token"])["sub"]))
        assert {shown[name] for name in METADATA} == {None}


async def test_a_list_has_every_surfaces_sessions_newest_first_and_its_true_total(shared: Rig) -> None:
    subject = f"user-{next(shared.numbers)}"
    made = [(await shared.issue(subject))["session_id"] for _ in range(3)]
    key = await shared.engine.access_keys.create(tenant_id="tenant-a", subject=subject, grants=[])
    made.append(str(claims_of(await open_token(shared, key))["sid"]))
    await shared.issue(subject, tenant_id=OTHER_TENANT)
    admin = await shared.service_bearer("session.read:any")
    seen: list[str] = []
    for offset in (0, 2, 4):
        answer = await call(shared, LIST, bearer=admin, user_id=subject, limit=2, offset=offset)
        assert answer.json()["meta"]["pagination"] == {"total": 4, "limit": 2, "offset": offset}
        seen += [one["session_id"] for one in answer.json()["data"]]
    assert seen == made[::-1]
    methods = {one["auth_method"] for one in await read(shared, admin, user_id=subject)}
    assert methods == {"jwt_bearer", "access_key"}


async def test_a_list_is_filtered_by_every_status(shared: Rig) -> None:
    subject = f"user-{next(shared.numbers)}"
    expired = await shared.issue(subject)
    shared.clock.advance(2_592_000)
    shared.bearers.clear()
    revoked, active = await shared.issue(subject), await shared.issue(subject)
    check_success(await call(shared, LOGOUT, bearer=revoked["access_token"]))
    expected: dict[str, list[dict[str, Any]]] = {
        "active": [active],
        "revoked": [revoked],
        "expired": [expired],
        "locked": [],
    }
    for status, sessions in expected.items():
        answer = await call(shared, LIST, bearer=active["access_token"], status=status)
        shown = answer.json()["data"]
        assert [one["session_id"] for one in shown] == [one["session_id"] for one in sessions], status
        assert all(one["status"] == status for one in shown)
        assert answer.json()["meta"]["pagination"]["total"] == len(sessions)
        assert all((one["revoked_at"] is not None) is (status == "revoked") for one in shown)
    assert len(await read(shared, active["access_token"])) == 3


async def test_what_the_query_does_not_know_it_ignores(shared: Rig) -> None:
    pair = await shared.issue()
    assert len(await read(shared, pair["access_token"], page=7, sort="created_at", subject="bob")) == 1


async def test_nothing_of_another_tenant_is_listed(shared: Rig) -> None:
    subject = f"user-{next(shared.numbers)}"
    await shared.issue(subject, tenant_id=OTHER_TENANT)
    admin = await shared.service_bearer("session.read:any")
    answer = await call(shared, LIST, bearer=admin, user_id=subject)
    assert (answer.json()["data"], answer.json()["meta"]["pagination"]["total"]) == ([], 0)


# Revoking


@pytest.mark.parametrize(
    ("body", "reason"), [(None, "manual"), ({}, "manual"), ({"reason": "admin_forced"}, "admin_forced")]
)
async def test_a_session_is_revoked_everywhere_and_again(shared: Rig, body: object, reason: str) -> None:
    pair = await shared.issue()
    admin = await shared.service_bearer("session.revoke:any")
    answer = await call(shared, REVOKE, body, bearer=admin, session_id=pair["session_id"])
    assert check_success(answer) == SUCCESS
    assert not await shared.is_alive(pair["access_token"])
    session = await stored(shared, pair["session_id"])
    assert (session.revoked_reason, session.revoked_by) == (reason, "gateway")
    again = await call(shared, REVOKE, {"reason": "again"}, bearer=admin, session_id=pair["session_id"])
    assert check_success(again) == SUCCESS
    assert await stored(shared, pair["session_id"]) == session
    (shown,) = await read(shared, await shared.service_bearer("session.read:any"), user_id=session.subject)
    assert (shown["status"], shown["revoked_at"]) == ("revoked", format_time(session.revoked_ms // 1000))


async def test_the_revoked_of_one_surface_is_the_revoked_of_every_other(shared: Rig) -> None:
    pair = await shared.issue()
    assert (await shared.post("/v1/token/revoke", bearer=pair["access_token"])).status_code == 204
    admin = await shared.service_bearer("session.revoke:any")
    check_success(await call(shared, REVOKE, bearer=admin, session_id=pair["session_id"]))
    session = await stored(shared, pair["session_id"])
    assert session.revoked_reason == "token_revoke"
    token = await open_token(shared)
    check_success(await call(shared, REVOKE, bearer=admin, session_id=str(claims_of(token)["sid"])))
    answer = await shared.client.post("/session-token/validate", json={"session_token": token})
    assert answer.json()["is_valid"] is False


async def test_a_permission_of_another_tenant_reaches_nothing_here(shared: Rig) -> None:
    pair = await shared.issue()
    foreign = await shared.service_bearer("session.revoke:any", "session.read:any", tenant_id=OTHER_TENANT)
    answer = await call(shared, REVOKE, bearer=foreign, session_id=pair["session_id"], tenant_id=OTHER_TENANT)
    assert answer.status_code == 404
    subject = claims_of(pair["access_token"])["sub"]
    listed = await call(shared, LIST, bearer=foreign, tenant_id=OTHER_TENANT, user_id=str(subject))
    assert listed.json()["data"] == []
    assert await shared.is_alive(pair["access_token"])


async def test_a_permission_that_the_record_has_not_does_not_count(shared: Rig) -> None:
    pair, other = await shared.issue("alice"), await shared.issue("bob")
    claims = shared.claims("access", sid=pair["session_id"], permissions=["session.read:any", "session.revoke:any"])
    token = shared.forge.good(claims)
    assert (await call(shared, LIST, bearer=token, user_id="bob")).status_code == 403
    assert (await call(shared, REVOKE, bearer=token, session_id=other["session_id"])).status_code == 403
    (shown,) = [one for one in await read(shared, token) if one["session_id"] == pair["session_id"]]
    assert shown["status"] == "active"


async def test_every_call_echoes_its_tenant_and_request(shared: Rig) -> None:
    pair = await shared.issue()
    answers: list[httpx.Response] = [
        await call(shared, LIST, bearer=pair["access_token"]),
        await call(shared, REVOKE, bearer=await shared.service_bearer("session.revoke:any"), session_id=NOBODY),
        await call(shared, LOGOUT, bearer=pair["access_token"]),
    ]
    for answer in answers:
        assert (answer.headers["x-tenant-id"], answer.headers["x-request-id"]) == ("tenant-a", "req-001")
