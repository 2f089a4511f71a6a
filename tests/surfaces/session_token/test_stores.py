# SPDX-License-Identifier: Apache-2.0
"""What this surface does without its stores, with silent ones, and when it needs none."""

import asyncio
import io
import time
from typing import Any

import httpx
import pytest
from starlette.types import Message, Scope

from surfaces.edge.asgi import ask
from surfaces.service_rig import Rig
from surfaces.session_token.keys import CREATE, REVOKE, VALIDATE, is_valid, make_key, open_token, send
from surfaces.session_token.test_errors import check_failure
from surfaces.token.test_hot_path import routed

FAILURES = ("raises", "hangs")


async def test_a_warm_validation_awaits_nothing(rig: Rig) -> None:
    token = await open_token(rig)
    sent: list[Message] = []

    async def receive() -> Message:
        body = b'{"session_token":"' + token.encode() + b'","resource":"doc456","permission":"view"}'
        return {"type": "http.request", "body": body}

    async def keep(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": VALIDATE, "raw_path": VALIDATE.encode(), "client": None}
    headers = [(b"content-type", b"application/json")]
    step = rig.app({**scope, "headers": headers, "query_string": b"", "http_version": "1.1"}, receive, keep)
    with pytest.raises(StopIteration):  # it ends at its first step: nothing in it waited
        step.send(None)
    assert sent[0]["status"] == 200
    assert b'"has_permission":true' in sent[1]["body"]


async def test_the_route_that_is_declared_answers_like_the_shortcut(rig: Rig) -> None:
    token = await open_token(rig)
    for body in (b'{"session_token":"' + token.encode() + b'"}', b'{"session_token":"x"}', b"{}", b"{"):
        call: dict[str, Any] = {"path": VALIDATE, "method": "POST", "headers": [(b"content-type", b"application/json")]}
        call["messages"] = [{"type": "http.request", "body": body}]
        short, long = await ask(rig.app, **call), await ask(routed(rig), **call)
        assert (short.status, short.body) == (long.status, long.body)
        assert {**short.headers, "x-request-id": ""} == {**long.headers, "x-request-id": ""}


@pytest.mark.parametrize("failure", FAILURES)
async def test_every_call_that_needs_a_store_is_unavailable_within_two_seconds(rig: Rig, failure: str) -> None:
    key = await make_key(rig)
    token = await open_token(rig, key)
    rig.engine.mirror.table.clear()  # as in a process that never saw the token
    pair = {"access_key_id": key[0], "secret_access_key": key[1]}
    calls = [
        ("POST", CREATE, pair),
        ("POST", CREATE, {**pair, "access_key_id": "TSRA" + "A" * 16}),
        ("POST", VALIDATE, {"session_token": token}),
        ("DELETE", REVOKE, {"session_token": token}),
        ("POST", REVOKE, {"session_token": token}),
    ]
    rig.fail_stores(failure)
    began = time.monotonic()
    answers = await asyncio.gather(*(send(rig, path, body, method=method) for method, path, body in calls))
    assert time.monotonic() - began < 2.5  # all at once, on a busy machine
    for answer in answers:
        check_failure(answer, "store_unavailable")
    rig.fail_stores(None)


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_live_token_becomes_unknown_but_never_invalid_and_is_valid_again(rig: Rig, failure: str) -> None:
    token = await open_token(rig)
    assert await is_valid(rig, token)
    rig.fail_stores(failure)
    await asyncio.sleep(1.3)  # the mirror may not answer any more
    check_failure(await send(rig, VALIDATE, {"session_token": token}), "store_unavailable")
    rig.fail_stores(None)
    for _ in range(50):
        answer = await send(rig, VALIDATE, {"session_token": token})
        if answer.status_code == 200:
            break
        await asyncio.sleep(0.1)
    assert answer.json()["is_valid"] is True


async def test_without_its_stores_what_is_no_token_is_refused_as_ever(rig: Rig) -> None:
    rig.fail_stores("raises")
    assert (await send(rig, VALIDATE, {"session_token": "a.b.c"})).json()["is_valid"] is False
    assert (await send(rig, REVOKE, {"session_token": "a.b.c"})).status_code == 400


async def test_a_revocation_that_was_not_stored_is_not_acknowledged(rig: Rig) -> None:
    token = await open_token(rig)
    rig.fail_stores("raises")
    check_failure(await send(rig, REVOKE, {"session_token": token}), "store_unavailable")
    rig.fail_stores(None)
    assert await is_valid(rig, token)
    assert (await send(rig, REVOKE, {"session_token": token})).status_code == 200


async def test_what_was_sent_comes_back_in_no_error_and_reaches_no_log(rig: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    canary = "c4nary-4711"
    key = await make_key(rig)
    token = await open_token(rig, key)
    answers: list[httpx.Response] = []
    for value in (canary, [canary], {canary: canary}, canary + "x" * 600, f"{canary}\x00"):
        for path, members in (
            (CREATE, ("access_key_id", "secret_access_key", "duration_seconds", canary)),
            (REVOKE, ("session_token", canary)),
            (VALIDATE, ("session_token", "resource", "permission", canary)),
        ):
            answers += [await send(rig, path, {member: value}) for member in members]
    for name in ("X-Session-Token", "Authorization", "Content-Type", "X-Tenant-ID", "X-Request-ID"):
        answers.append(await send(rig, REVOKE, method="DELETE", headers={name: f"Bearer {canary}/"}))
    answers.append(await rig.client.get(f"/session-token/validate?session_token={token}&{canary}"))
    await send(rig, REVOKE, {"session_token": token})
    assert sum(answer.status_code >= 400 for answer in answers) > 30
    for answer in answers:
        assert answer.status_code < 500
        assert canary not in answer.text + str(answer.headers)
    written = logged.getvalue()[before:]
    assert REVOKE in written
    for secret in (canary, key[1], token.rsplit(".", 1)[1], token[:60]):
        assert secret not in written


async def test_what_is_done_with_session_tokens_is_counted_and_their_end_is_logged(
    rig: Rig, logged: io.StringIO
) -> None:
    before = len(logged.getvalue())
    token = await open_token(rig)
    await send(rig, REVOKE, {"session_token": token})
    await send(rig, REVOKE, {"session_token": "x"})
    figures = (await rig.client.get("/metrics")).text
    assert 'tessera_tokens_issued_total{kind="session"} 1.0' in figures
    assert 'tessera_revocations_total{outcome="ok",what="session_token"} 1.0' in figures
    assert 'tessera_revocations_total{outcome="revoke_invalid",what="session_token"} 1.0' in figures
    lines = logged.getvalue()[before:].splitlines()
    assert sum('"revoked"' in line and '"session_token"' in line for line in lines) == 1
