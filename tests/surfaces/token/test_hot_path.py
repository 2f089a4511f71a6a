# SPDX-License-Identifier: Apache-2.0
"""Introspection on a warm process, and the same endpoints behind the framework's routing."""

from typing import Any
from unittest import mock

import pytest
from starlette.types import Message, Scope

from surfaces.edge.asgi import ask
from surfaces.service_rig import TENANT, Rig
from tessera_service.app import create_app
from tessera_service.surfaces.token.operations import INTROSPECT, JWKS, PATHS
from tessera_service.web import Service


def headers(bearer: str) -> list[tuple[bytes, bytes]]:
    return [
        *((b"x-request-id", b"req-001"), (b"x-tenant-id", TENANT.encode())),
        *((b"authorization", b"Bearer " + bearer.encode()), (b"content-type", b"application/json")),
    ]


async def test_a_warm_introspection_awaits_nothing(rig: Rig) -> None:
    token, bearer = (await rig.issue())["access_token"], await rig.service_bearer("token.introspect")
    assert await rig.is_alive(token)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b'{"token":"' + token.encode() + b'"}'}

    async def send(message: Message) -> None:
        sent.append(message)

    path = PATHS[INTROSPECT]
    scope: Scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "client": None}
    step = rig.app({**scope, "headers": headers(bearer), "query_string": b"", "http_version": "1.1"}, receive, send)
    with pytest.raises(StopIteration):  # it ends at its first step: nothing in it waited
        step.send(None)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[0]["status"] == 200
    assert b'"active":true' in sent[1]["body"]


def routed(rig: Rig) -> Service:
    """The same service without its shortcut past the framework."""
    with mock.patch.object(Service, "_plain_routes", return_value={}):
        app = create_app(rig.app.state.settings, engine=rig.engine)
        app.middleware_stack = app.build_middleware_stack()
    return app


async def test_the_routes_that_are_declared_answer_like_the_shortcuts(rig: Rig) -> None:
    token, bearer = (await rig.issue())["access_token"], await rig.service_bearer("token.introspect")
    bodies = [b'{"token":"' + token.encode() + b'"}', b'{"token":"x"}', b"{}", b"{"]
    posted = {"path": PATHS[INTROSPECT], "method": "POST"}
    calls: list[dict[str, Any]] = [
        {**posted, "headers": headers(secret), "messages": [{"type": "http.request", "body": body}]}
        for secret in (bearer, "forged")
        for body in bodies
    ]
    calls += [{"path": PATHS[JWKS], "headers": [(b"if-none-match", tag)]} for tag in (b'"x"', b"*")]
    for call in calls:
        short, long = await ask(rig.app, **call), await ask(routed(rig), **call)
        for answer in (short, long):
            answer.headers.pop("content-length", None)  # the time in the body makes no difference to its length
        assert (short.status, short.body[:60]) == (long.status, long.body[:60])
        assert {**short.headers, "x-request-id": ""} == {**long.headers, "x-request-id": ""}
