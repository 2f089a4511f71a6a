# SPDX-License-Identifier: Apache-2.0
import io
from unittest import mock

import pytest
from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from surfaces.edge.asgi import ask
from surfaces.service_rig import TENANT, Rig
from tessera_service.http.edge import Zone
from tessera_service.surfaces.surface import Surface

IDS = [(b"x-request-id", b"req-001"), (b"x-tenant-id", TENANT.encode())]
JSON = (b"content-type", b"application/json")


@pytest.mark.parametrize("path", ["/v1/token/revoke", "/v1/token/introspect", "/v1/token"])
async def test_a_client_that_leaves_in_mid_body_gets_no_answer_and_is_no_error(
    rig: Rig, path: str, logged: io.StringIO
) -> None:
    before = len(logged.getvalue())
    headers = [
        *IDS,
        JSON,
        (b"authorization", b"Bearer " + (await rig.mint("token.introspect", "token.generate")).encode()),
    ]
    messages: list[Message] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    answer = await ask(rig.app, path, method="POST", headers=headers, messages=messages)
    assert (answer.status, answer.body) == (0, b"")
    assert "error" not in logged.getvalue()[before:]


@pytest.mark.parametrize("path", ["/v1/./token", "/v1/../v1/token", "", "v1/token", "/v1/token\n", "/v1/token?x=1"])
async def test_a_path_is_taken_as_it_is(rig: Rig, path: str) -> None:
    answer = await ask(rig.app, path)
    assert (answer.status, answer.error_code) == (404, "common.not_found")


async def test_an_error_of_ours_is_logged_with_its_request_and_shown_to_nobody(rig: Rig, logged: io.StringIO) -> None:
    secret = "canary in a message"
    for method, path in (("revoke_current", "/v1/token/revoke"), ("introspect_now", "/v1/token/introspect")):
        before = len(logged.getvalue())
        token = (await rig.mint("token.introspect"), (await rig.issue())["access_token"])["revoke" in path]
        with mock.patch.object(type(rig.engine.tokens), method, side_effect=RuntimeError(secret)):
            answer = await rig.post(path, {} if "revoke" in path else {"token": "x"}, bearer=token)
        written = logged.getvalue()[before:]
        assert answer.status_code == 500
        assert (secret in answer.text, "Traceback" in answer.text, "RuntimeError" in answer.text) == (False,) * 3
        assert "internal_error" in written
        assert "req-001" in written
        assert "RuntimeError" in written
        assert secret not in written


async def test_an_answer_that_has_begun_is_not_begun_again(rig: Rig, logged: io.StringIO) -> None:
    async def fail(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("after the start")

    with mock.patch("tessera_service.surfaces.token.jwks.JwksEndpoint.__call__", lambda _, *args: fail(*args)):
        answer = await ask(rig.app, "/.well-known/jwks.json")
    assert (answer.status, answer.body) == (200, b"")
    assert "internal_error" in logged.getvalue()


async def test_a_web_socket_is_closed(rig: Rig) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/v1/token", "headers": [], "query_string": b"", "subprotocols": []}
    await rig.app(scope, receive, send)
    assert sent[0]["type"] == "websocket.close"


async def test_the_lifespan_starts_and_stops_the_engine(rig: Rig) -> None:
    with mock.patch.object(rig.engine, "start") as start, mock.patch.object(rig.engine, "stop") as stop:
        async with rig.app.router.lifespan_context(rig.app):
            start.assert_awaited_once()
            stop.assert_not_awaited()
        stop.assert_awaited_once()


class Plain:
    """A dialect of plain text."""

    def answer(self, error: Exception, exchange: object) -> Response:
        return PlainTextResponse(getattr(error, "code", ""), status_code=418)


def test_the_longest_prefix_is_the_zone_and_prefixes_end_at_segments() -> None:
    zone = Zone("/v1/token")
    assert zone.holds("/v1/token")
    assert zone.holds("/v1/token/refresh")
    assert not zone.holds("/v1/tokens")
    assert not zone.holds("/v1")


async def test_a_surface_answers_in_its_own_dialect_and_others_do_not(rig: Rig) -> None:
    from tessera_service.app import create_app
    from tessera_service.surfaces import SURFACES

    other = Surface(name="other", router=APIRouter(), zones=(Zone("/other", Plain()),))
    with mock.patch("tessera_service.web.SURFACES", (*SURFACES, other)):
        app = create_app(rig.app.state.settings, engine=rig.engine)
        answer = await ask(app, "/other/path")
        assert (answer.status, answer.body) == (418, b"not_found")
        assert (await ask(app, "/others")).error_code == "common.not_found"
