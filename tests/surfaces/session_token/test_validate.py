# SPDX-License-Identifier: Apache-2.0
"""POST /session-token/validate."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from surfaces.service_rig import OTHER_TENANT, TENANT, Rig
from surfaces.session_token.keys import DEAD, REVOKE, VALIDATE, create, make_key, open_token, send, validate

pytestmark = pytest.mark.asyncio(loop_scope="module")


def allowed(permission: str, resource: str) -> dict[str, Any]:
    message = f"Session token is valid and has {permission} permission on resource {resource}"
    return {"status": "success", "is_valid": True, "has_permission": True, "message": message}


def denied(permission: str, resource: str) -> dict[str, Any]:
    message = f"Session token is valid and does not have {permission} permission on resource {resource}"
    return {"status": "success", "is_valid": True, "has_permission": False, "message": message}


async def test_a_granted_permission_is_answered_in_the_words_of_the_contract(shared: Rig) -> None:
    token = await open_token(shared, await make_key(shared, "doc456:view"))
    body = {"session_token": token, "resource": "doc456", "permission": "view"}
    answer = await send(shared, VALIDATE, body)
    assert (answer.status_code, answer.json()) == (200, allowed("view", "doc456"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize(
    ("grants", "resource", "permission", "has_permission"),
    [
        (["doc456:view"], "doc456", "view", True),
        (["doc456:view"], "doc456", "edit", False),
        (["doc456:view"], "doc4567", "view", False),
        (["doc456:view"], "DOC456", "view", False),
        (["doc456:view", "doc456:edit"], "doc456", "edit", True),
        (["doc*:view"], "doc", "view", True),
        (["doc*:view"], "doc/2024/plan", "view", True),
        (["doc*:view"], "my/doc", "view", False),
        (["*/plan:view"], "doc/2024/plan", "view", True),
        (["doc/*/plan:view"], "doc/2024/q1/plan", "view", True),
        (["doc/*/plan:view"], "doc/plan", "view", False),
        (["*:view"], "anything at all", "view", True),
        (["*:view"], "anything at all", "edit", False),
        (["*:*"], "x", "y", True),
        (["doc:session.*"], "doc", "session.read", True),
        (["urn:doc:456:view"], "urn:doc:456", "view", True),
        (["doc.6:view"], "doc46", "view", False),
        (["doc*:view"], "doc*", "view", True),
        (["doc1:view"], "doc*", "view", False),
        (["doc1:view"], "*", "*", False),
        (["tài-liệu*:view"], "tài-liệu/1", "view", True),
    ],
)
async def test_grants_decide_and_nothing_else(
    shared: Rig, grants: list[str], resource: str, permission: str, has_permission: bool
) -> None:
    token = await open_token(shared, await make_key(shared, *grants))
    expected = (allowed if has_permission else denied)(permission, resource)
    assert await validate(shared, token, resource=resource, permission=permission) == expected


@pytest.mark.parametrize(
    "left", [{"resource": "doc456"}, {"permission": "view"}, {}, {"resource": "", "permission": ""}]
)
async def test_a_live_token_is_valid_without_a_question_but_permits_nothing(shared: Rig, left: dict[str, str]) -> None:
    token = await open_token(shared, await make_key(shared, "*:*"))
    answer = await send(shared, VALIDATE, {"session_token": token, **left})
    said = answer.json()
    assert (answer.status_code, said["status"], said["is_valid"], said["has_permission"]) == (
        200,
        "success",
        True,
        False,
    )
    assert "does not have" in said["message"]


async def test_what_was_asked_for_comes_back_as_text_whatever_it_holds(shared: Rig) -> None:
    token = await open_token(shared, await make_key(shared, "*:*"))
    resource = '"},{"is_valid":\\ \n\t\u2028 ж \U0001f600'
    assert await validate(shared, token, resource=resource, permission='"') == allowed('"', resource)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "FwoGZXIvYXdzEGoaD...EXAMPLETOKEN", "x" * 8193, "ключ", "a\0b"])
async def test_whatever_is_no_token_is_dead(shared: Rig, token: str) -> None:
    assert await validate(shared, token) == DEAD


async def test_a_dead_token_is_dead_in_the_same_words_whatever_it_died_of(shared: Rig) -> None:
    key = await make_key(shared)
    expired = await open_token(shared, key, duration_seconds=60)
    shared.clock.advance(60)
    revoked = await open_token(shared, key)
    assert (await send(shared, REVOKE, {"session_token": revoked})).status_code == 200
    of_disabled = await open_token(shared, key)
    await shared.engine.access_keys.disable(key[0])
    answers = {
        (await send(shared, VALIDATE, {"session_token": token, "resource": "doc456", "permission": "view"})).content
        for token in (expired, revoked, of_disabled, "x")
    }
    assert [json.loads(answer) for answer in answers] == [DEAD]


async def test_a_token_is_dead_under_another_tenants_header_and_alive_under_its_own(shared: Rig) -> None:
    token = await open_token(shared)
    assert (await validate(shared, token, headers={"X-Tenant-ID": TENANT}))["has_permission"] is True
    for tenant_id in (OTHER_TENANT, "tenant-x", "", "x" * 300):
        assert await validate(shared, token, headers={"X-Tenant-ID": tenant_id}) == DEAD
    doubled = httpx.Headers([("X-Tenant-ID", TENANT), ("X-Tenant-ID", OTHER_TENANT)])
    assert await validate(shared, token, headers=doubled) == DEAD
    answer = await send(shared, VALIDATE, {"session_token": token}, headers={"X-Tenant-ID": TENANT})
    assert "x-tenant-id" not in answer.headers


async def test_rotating_a_key_leaves_its_tokens_and_grants_alone(shared: Rig) -> None:
    key = await make_key(shared)
    token = await open_token(shared, key)
    await shared.engine.access_keys.rotate(key[0])
    await shared.engine.mirror.poll()
    assert await validate(shared, token) == allowed("view", "doc456")


async def test_disabling_a_key_ends_all_its_tokens_and_no_others(shared: Rig) -> None:
    key = await make_key(shared)
    tokens = [await open_token(shared, key) for _ in range(3)]
    other = await open_token(shared)
    assert [(await validate(shared, token))["is_valid"] for token in (*tokens, other)] == [True] * 4
    await shared.engine.access_keys.disable(key[0])
    assert [await validate(shared, token) for token in tokens] == [DEAD] * 3
    assert (await validate(shared, other))["is_valid"] is True
    sessions = await shared.stores[1].list_sessions(
        TENANT, subject="alice", now=shared.clock.now(), active_only=True, limit=1000
    )
    assert all(session.access_key_id != key[0] for session in sessions)


async def test_the_documented_calls_are_answered_in_the_documented_shape(shared: Rig) -> None:
    made = await create(shared, await make_key(shared, "doc456:view"), duration_seconds=3600)
    token = made.json()["session_token"]["token"]
    answer = await send(
        shared, VALIDATE, {"session_token": token, "resource": "doc456", "permission": "view", "more": [1]}
    )
    assert answer.json() == {
        "status": "success",
        "is_valid": True,
        "has_permission": True,
        "message": "Session token is valid and has view permission on resource doc456",
    }


async def test_nothing_that_is_born_while_its_key_is_disabled_lives(shared: Rig) -> None:
    for number in range(5):
        key = await make_key(shared, subject=f"born-{number}")
        creations = [asyncio.create_task(create(shared, key)) for _ in range(20)]
        await asyncio.sleep(0.002 * number)
        assert await shared.engine.access_keys.disable(key[0])
        answers = await asyncio.gather(*creations)
        assert {answer.status_code for answer in answers} <= {200, 401}
        for answer in answers:
            if answer.status_code == 200:
                assert await validate(shared, answer.json()["session_token"]["token"]) == DEAD
        left = await shared.stores[1].list_sessions(
            TENANT, subject=f"born-{number}", now=shared.clock.now(), active_only=True, limit=100
        )
        assert left == []
