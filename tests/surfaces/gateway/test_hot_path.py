# SPDX-License-Identifier: Apache-2.0
"""Validation on a warm process, and the same endpoint behind the framework's routing."""

import io
from unittest import mock

import pytest
from starlette.types import Message, Scope

from surfaces.edge.asgi import ask
from surfaces.gateway.calls import SPAN, THRESHOLD, make, validate
from surfaces.service_rig import TENANT, Rig
from tessera_service.app import create_app
from tessera_service.surfaces.gateway.operations import PATHS, VALIDATE
from tessera_service.web import Service

PATH = PATHS[VALIDATE]
JSON = (b"content-type", b"application/json")


def step_of(rig: Rig, token: str, *headers: tuple[bytes, bytes]) -> list[Message]:
    """What a validation sends if it ends at its first step, without having waited for anything."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"token":"' + token.encode() + b'"}'}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "client": None}
    whole = {**scope, "headers": [JSON, *headers], "query_string": b"", "http_version": "1.1"}
    with pytest.raises(StopIteration):
        rig.app(whole, receive, send).send(None)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    return sent


async def test_a_warm_validation_awaits_nothing(rig: Rig) -> None:
    token = (await make(rig))["token"]
    await validate(rig, token)
    for headers in ((), ((b"x-tenant-id", TENANT.encode()),)):
        assert b'"is_valid":true' in step_of(rig, token, *headers)[1]["body"]


async def test_neither_does_one_of_a_dead_token(rig: Rig) -> None:
    token = (await make(rig))["token"]
    await rig.client.post("/api/v1/sessions/logout", json={"token": token})
    for text in (token, "x", ""):
        assert b'"is_valid":false' in step_of(rig, text)[1]["body"]


async def test_neither_does_one_of_a_token_whose_successor_is_known(rig: Rig) -> None:
    token = (await make(rig))["token"]
    rig.clock.advance(SPAN - THRESHOLD)
    successor = (await validate(rig, token))["new_token"]
    body = step_of(rig, token)[1]["body"]
    assert b'"should_refresh":true,"new_token":"' + successor.encode() + b'"}' in body


def routed(rig: Rig) -> Service:
    """The same service without its shortcut past the framework."""
    with mock.patch.object(Service, "_plain_routes", return_value={}):
        app = create_app(rig.app.state.settings, engine=rig.engine)
        app.middleware_stack = app.build_middleware_stack()
    return app


async def test_the_declared_route_answers_like_the_shortcut(rig: Rig) -> None:
    token = (await make(rig))["token"]
    rig.clock.freeze()
    bodies = [b'{"token":"' + token.encode() + b'"}', b'{"token":"x"}', b"{}", b"{"]
    for body in bodies:
        call = {"path": PATH, "method": "POST", "messages": [{"type": "http.request", "body": body}]}
        short = await ask(rig.app, **call, headers=[JSON])  # type: ignore[arg-type]
        long = await ask(routed(rig), **call, headers=[JSON])  # type: ignore[arg-type]
        assert (short.status, short.body) == (long.status, long.body)
        assert {**short.headers, "x-request-id": ""} == {**long.headers, "x-request-id": ""}


async def test_what_is_done_with_sessions_is_counted_and_logged(rig: Rig, logged: io.StringIO) -> None:
    metrics = rig.app.state.metrics
    user = f"user-{next(rig.numbers)}"
    made = [await make(rig, user) for _ in range(3)]
    bearer = {"Authorization": f"Bearer {made[0]['token']}"}
    path = f"/api/v1/sessions/{made[1]['session_id']}"
    assert (await rig.client.delete(path, headers=bearer)).status_code == 200
    assert (await rig.client.delete(f"/api/v1/sessions/user/{user}", headers=bearer)).status_code == 200

    text = metrics.render().decode()
    assert 'tessera_tokens_issued_total{kind="access"} 3.0' in text
    assert 'tessera_revocations_total{outcome="ok",what="session"} 1.0' in text
    assert 'tessera_revocations_total{outcome="ok",what="subject"} 1.0' in text
    told = [line for line in logged.getvalue().splitlines() if '"revoked"' in line]
    assert any(made[1]["session_id"] in line for line in told)
    assert any(f'"subject": "{user}"' in line or f'"subject":"{user}"' in line for line in told)
