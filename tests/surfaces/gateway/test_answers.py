# SPDX-License-Identifier: Apache-2.0
"""Every field of every success of the gateway surface."""

import re
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from surfaces.gateway.calls import PERMISSIONS, SPAN, THRESHOLD, body, code_of, make, send, validate
from surfaces.service_rig import OTHER_TENANT, TENANT, Rig

pytestmark = pytest.mark.asyncio(loop_scope="module")

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def spell(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def keys_in_order(answer: Any) -> list[str]:
    return list(answer)


@pytest.mark.parametrize("path", ["", "/"])
async def test_create_tells_the_session_its_token_and_its_user(shared: Rig, path: str) -> None:
    now = shared.clock.freeze()
    bearer = await shared.service_bearer(*PERMISSIONS)
    answer = await send(shared, "POST", path, body("erin", username="Erin E.", role_name="editor"), bearer=bearer)

    assert answer.status_code == 201
    said = answer.json()
    assert keys_in_order(said) == ["success", "message", "session_id", "token", "expires_at", "user"]
    assert (said["success"], said["message"]) == (True, "Session created successfully")
    assert UUID7.fullmatch(said["session_id"])
    assert said["expires_at"] == spell(now + SPAN)
    assert said["user"] == {"id": "erin", "username": "Erin E.", "role": "editor"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    found = await shared.introspect(said["token"])
    assert (found["sub"], found["session_id"], found["exp"]) == ("erin", said["session_id"], now + SPAN)
    assert found["permissions"] == ["read", "write"]


async def test_remember_me_and_a_given_end_set_the_end(shared: Rig) -> None:
    now = shared.clock.freeze()
    assert (await make(shared, remember_me=True))["expires_at"] == spell(now + 604_800)
    assert (await make(shared, remember_me=None))["expires_at"] == spell(now + SPAN)
    assert (await make(shared, expires_at=spell(now + 1)))["expires_at"] == spell(now + 1)
    last = now + 7_776_000
    assert (await make(shared, expires_at=spell(last)))["expires_at"] == spell(last)
    assert (await make(shared, expires_at=spell(last + 1)))["expires_at"] == spell(last)


@pytest.mark.parametrize(
    ("pattern", "hours"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", 0),
        ("%Y-%m-%dT%H:%M:%S.999Z", 0),
        ("%Y-%m-%dt%H:%M:%Sz", 0),
        ("%Y-%m-%dT%H:%M:%S+07:00", 7),
    ],
)
async def test_an_end_is_read_in_every_spelling_of_rfc_3339(shared: Rig, pattern: str, hours: int) -> None:
    end = shared.clock.freeze() + 600
    text = datetime.fromtimestamp(end + hours * 3600, UTC).strftime(pattern)
    assert (await make(shared, expires_at=text))["expires_at"] == spell(end)


async def test_validation_tells_the_session(shared: Rig) -> None:
    now = shared.clock.freeze()
    made = await make(shared, "frank", username='Frank Ö. "F"', role_name="viewer", permissions=["b", "a"])
    shared.clock.advance(61)
    answer = await send(shared, "POST", "/validate", {"token": made["token"]})

    assert answer.status_code == 200
    said = answer.json()
    assert keys_in_order(said) == ["is_valid", "session", "should_refresh"]
    assert (said["is_valid"], said["should_refresh"]) == (True, False)
    assert said["session"] == {
        "session_id": made["session_id"],
        "user_id": "frank",
        "username": 'Frank Ö. "F"',
        "role_name": "viewer",
        "permissions": ["b", "a"],
        "created_at": spell(now),
        "expires_at": spell(now + SPAN),
        "last_activity": spell(now + 61),
        "tenant_id": TENANT,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert "x-tenant-id" not in answer.headers


@pytest.mark.parametrize("left", [THRESHOLD + 1, THRESHOLD, 1])
async def test_there_is_a_new_token_exactly_when_it_should_be_used(shared: Rig, left: int) -> None:
    now = shared.clock.freeze()
    made = await make(shared)
    shared.clock.advance(SPAN - left)
    said = await validate(shared, made["token"])

    assert said["is_valid"] is True
    assert said["should_refresh"] is (left <= THRESHOLD)
    assert ("new_token" in said) is said["should_refresh"]
    if left <= THRESHOLD:
        assert said["session"]["expires_at"] == spell(now + SPAN - left + SPAN)
        assert (await validate(shared, said["new_token"]))["session"]["session_id"] == made["session_id"]


async def test_a_session_of_another_surface_is_valid_and_does_not_slide(shared: Rig) -> None:
    shared.clock.freeze()
    pair = await shared.issue("grace", roles=["r1", "r2"], permissions=["x"])
    shared.clock.advance(899)
    said = await validate(shared, pair["access_token"])
    assert (said["is_valid"], said["should_refresh"], said["session"]["role_name"]) == (True, False, "r1")
    assert said["session"]["username"] is None
    answer = await send(shared, "POST", "/refresh", bearer=pair["access_token"])
    assert (answer.json()["refreshed"], answer.json()["token"]) == (False, pair["access_token"])


@pytest.mark.parametrize("left", [THRESHOLD + 1, THRESHOLD])
async def test_refresh_gives_the_successor_or_the_same_token(shared: Rig, left: int) -> None:
    shared.clock.freeze()
    made = await make(shared)
    shared.clock.advance(SPAN - left)
    answer = await send(shared, "POST", "/refresh", bearer=made["token"])

    assert answer.status_code == 200
    said = answer.json()
    assert keys_in_order(said) == ["success", "message", "token", "refreshed"]
    assert (said["success"], said["refreshed"]) == (True, left == THRESHOLD)
    assert (said["token"] == made["token"]) is (left > THRESHOLD)
    if said["refreshed"]:
        assert said["message"] == "Session refreshed successfully"
        assert (await validate(shared, made["token"]))["new_token"] == said["token"]


@pytest.mark.parametrize("way", ["body", "bearer", "both", "empty body"])
async def test_logout_ends_the_session_of_body_or_bearer(shared: Rig, way: str) -> None:
    made, other = await make(shared), await make(shared)
    match way:
        case "body":
            answer = await send(shared, "POST", "/logout", {"token": made["token"]})
        case "bearer":
            answer = await send(shared, "POST", "/logout", bearer=made["token"])
        case "both":  # a gateway may show a bearer of its own
            answer = await send(shared, "POST", "/logout", {"token": made["token"]}, bearer=other["token"])
        case _:
            answer = await send(shared, "POST", "/logout", bearer=made["token"], content=b"")
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "message": "Session revoked successfully"}
    assert await code_of(shared, made["token"]) == "session_inactive"
    assert await code_of(shared, other["token"]) is None


async def test_stats_count_what_the_tenant_has(rig_of_one_store: Rig) -> None:
    rig = rig_of_one_store
    rig.clock.freeze()
    first, *_ = [await make(rig, f"user-{number}") for number in range(3)]
    await make(rig, "dave", expires_at=spell(rig.clock.now() + 10))
    await make(rig, "alice", tenant_id=OTHER_TENANT)
    await rig.issue()
    await send(rig, "POST", "/logout", bearer=first["token"])
    rig.clock.advance(10)
    answer = await send(rig, "GET", "/stats", bearer=await rig.service_bearer("token.generate"))
    assert answer.status_code == 200
    stats = {"total_sessions": 4, "active_sessions": 2, "expired_sessions": 1}
    assert answer.json() == {"success": True, "stats": stats}
    assert keys_in_order(answer.json()["stats"]) == ["total_sessions", "active_sessions", "expired_sessions"]


async def test_a_user_sees_the_active_sessions_newest_first(shared: Rig) -> None:
    now = shared.clock.freeze()
    user = f"user-{next(shared.numbers)}"
    made = []
    for _ in range(3):
        made.append(await make(shared, user))
        shared.clock.advance(10)
    await send(shared, "POST", "/logout", bearer=made[1]["token"])
    await validate(shared, made[2]["token"])
    answer = await send(shared, "GET", f"/user/{user}", bearer=made[0]["token"])

    assert answer.status_code == 200
    said = answer.json()
    assert keys_in_order(said) == ["success", "user_id", "sessions", "count"]
    assert (said["success"], said["user_id"], said["count"]) == (True, user, 2)
    assert said["sessions"] == [
        {
            "session_id": made[number]["session_id"],
            "created_at": spell(now + 10 * number),
            "last_activity": spell(now + 30),
            "is_active": True,
            "is_current": number == 0,
        }
        for number in (2, 0)
    ]


async def test_who_may_read_all_sees_the_sessions_of_others(shared: Rig) -> None:
    user = f"user-{next(shared.numbers)}"
    pair = await shared.issue(user)
    reader = await make(shared, permissions=["session.read:any"])
    said = (await send(shared, "GET", f"/user/{user}", bearer=reader["token"])).json()
    assert [(one["session_id"], one["is_current"]) for one in said["sessions"]] == [(pair["session_id"], False)]
    said = (await send(shared, "GET", "/user/nobody", bearer=reader["token"])).json()
    assert (said["sessions"], said["count"]) == ([], 0)


async def test_a_session_is_revoked_by_its_id_and_again(shared: Rig) -> None:
    user = f"user-{next(shared.numbers)}"
    current, other = await make(shared, user), await make(shared, user)
    for _ in range(2):
        answer = await send(shared, "DELETE", f"/{other['session_id']}", bearer=current["token"])
        assert answer.status_code == 200
        assert answer.json() == {
            "success": True,
            "message": "Session revoked successfully",
            "session_id": other["session_id"],
        }
    assert await code_of(shared, other["token"]) == "session_inactive"
    answer = await send(shared, "DELETE", f"/{current['session_id']}", bearer=current["token"])
    assert answer.status_code == 200
    answer = await send(shared, "DELETE", f"/{current['session_id']}", bearer=current["token"])
    assert (answer.status_code, answer.json()["error_code"]) == (401, "session_inactive")


async def test_who_may_revoke_all_ends_the_sessions_of_others(shared: Rig) -> None:
    user = f"user-{next(shared.numbers)}"
    pair, made = await shared.issue(user), await make(shared, user)
    revoker = await make(shared, permissions=["session.revoke:any"])
    answer = await send(shared, "DELETE", f"/{made['session_id']}", bearer=revoker["token"])
    assert answer.status_code == 200
    answer = await send(shared, "DELETE", f"/user/{user}", bearer=revoker["token"])
    assert (answer.json()["revoked_count"], answer.json()["total_sessions"]) == (1, 1)
    assert not await shared.is_alive(pair["access_token"])


@pytest.mark.parametrize(
    ("query", "kept"),
    [("", False), ("?exclude_current=false", False), ("?exclude_current=true", True), ("?other=true", False)],
)
async def test_all_sessions_of_a_user_are_revoked_but_perhaps_the_current_one(
    shared: Rig, query: str, kept: bool
) -> None:
    user = f"user-{next(shared.numbers)}"
    made = [await make(shared, user) for _ in range(3)]
    answer = await send(shared, "DELETE", f"/user/{user}{query}", bearer=made[0]["token"])
    assert answer.status_code == 200
    said = answer.json()
    assert keys_in_order(said) == ["success", "message", "user_id", "revoked_count", "total_sessions"]
    assert said == {
        "success": True,
        "message": "User sessions revoked successfully",
        "user_id": user,
        "revoked_count": 2 if kept else 3,
        "total_sessions": 3,
    }
    codes = [await code_of(shared, one["token"]) for one in made]
    assert codes == [None if kept else "session_inactive", "session_inactive", "session_inactive"]


async def test_the_sixth_session_of_a_user_ends_the_least_recently_used(shared: Rig) -> None:
    shared.clock.freeze()
    user = f"user-{next(shared.numbers)}"
    made = [await make(shared, user) for _ in range(5)]
    shared.clock.advance(1)
    for one in made[1:]:
        await validate(shared, one["token"])
    assert [await code_of(shared, one["token"]) for one in made[1:]] == [None] * 4
    await make(shared, user)
    assert [await code_of(shared, one["token"]) for one in made] == ["session_inactive", None, None, None, None]


async def test_health_is_told_to_everybody(shared: Rig) -> None:
    answer = await send(shared, "GET", "/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "success": True,
        "service": "session-service",
        "status": "healthy",
        "message": "Session service is operational",
    }


@pytest.mark.parametrize("failure", ["raises", "hangs"])
async def test_a_service_without_its_store_is_unhealthy(shared: Rig, failure: str) -> None:
    shared.fail_stores(failure)
    answer = await send(shared, "GET", "/health")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert keys_in_order(answer.json()) == ["success", "service", "status", "message"]
    assert (answer.json()["success"], answer.json()["status"]) == (False, "unhealthy")


async def test_a_request_id_is_given_back_and_no_header_is_demanded(shared: Rig) -> None:
    made = await make(shared)
    answer = await send(shared, "POST", "/validate", {"token": made["token"]}, headers={"X-Request-ID": "req-77"})
    assert answer.headers["x-request-id"] == "req-77"
    answer = await send(shared, "POST", "/validate", {"token": made["token"]}, headers={"X-Request-ID": "a b"})
    assert (answer.status_code, answer.headers["x-request-id"] == "a b") == (200, False)


async def test_a_successor_that_cannot_be_stored_is_left_out(shared: Rig) -> None:
    made = await make(shared)
    shared.clock.advance(SPAN - THRESHOLD)
    assert await code_of(shared, (await make(shared))["token"]) is None
    with mock.patch.object(shared.stores[1], "slide", mock.AsyncMock(side_effect=TimeoutError), create=True):
        said = await validate(shared, made["token"])
    assert (said["is_valid"], said["should_refresh"], "new_token" in said) == (True, False, False)
