# SPDX-License-Identifier: Apache-2.0
"""The question on a warm process; behind the framework's routing; and from browsers elsewhere."""

from pathlib import Path
from unittest import mock

import pytest
from starlette.types import Message, Scope

from surfaces.authz.calls import AUTHZ, GARBAGE, NOBODY, POLICIES, REPORTS, ask, issue, told
from surfaces.edge.asgi import ask as ask_plainly
from surfaces.service_rig import Rig, open_rig
from tessera_service.app import create_app
from tessera_service.web import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("path", [AUTHZ, REPORTS])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_warm_question_awaits_nothing(authz: Rig, path: str, method: str) -> None:
    token, _ = await issue(authz)
    assert (await ask(authz, token, path)).status_code == 200
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError("nothing is read")

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "client": None}
    headers = [(b"authorization", b"Bearer " + token.encode())]
    step = authz.app({**scope, "headers": headers, "query_string": b"", "http_version": "1.1"}, receive, send)
    with pytest.raises(StopIteration):  # it ends at its first step: nothing in it waited
        step.send(None)
    assert sent[0]["status"] == 200
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


async def test_the_routes_that_are_declared_answer_like_the_shortcuts(authz: Rig) -> None:
    token, _ = await issue(authz)
    with mock.patch.object(Service, "_plain_routes", return_value={}):
        routed = create_app(authz.app.state.settings, engine=authz.engine)
        routed.middleware_stack = routed.build_middleware_stack()
    for path in (AUTHZ, REPORTS, f"{AUTHZ}/anybody"):
        for bearer in (token, GARBAGE):
            headers = [(b"authorization", b"Bearer " + bearer.encode()), (b"x-request-id", b"req-001")]
            short = await ask_plainly(authz.app, path, headers=headers)
            long = await ask_plainly(routed, path, headers=headers)
            assert (short.status, short.body, short.headers) == (long.status, long.body, long.headers)


async def test_a_policys_path_is_counted_under_its_template(authz: Rig) -> None:
    await ask(authz, GARBAGE, REPORTS)
    await ask(authz, GARBAGE, f"{AUTHZ}/nowhere")
    counted = authz.app.state.metrics.render().decode()
    assert 'route="/v1/authz/{policy}"' in counted
    assert REPORTS not in counted
    assert "nowhere" not in counted


async def test_a_preflight_is_no_yes(folder: Path) -> None:
    async with open_rig("memory", folder, config={"authz_policies": POLICIES}, cors_origins="*") as rig:
        headers = {"Origin": "https://app.example.org", "Access-Control-Request-Method": "GET"}
        for path in (AUTHZ, REPORTS):
            answer = await ask(rig, path=path, method="OPTIONS", headers=headers)
            assert (answer.status_code, told(answer)) == (405, NOBODY)
            assert "access-control-allow-origin" not in answer.headers
        assert (await rig.client.options("/v1/token", headers=headers)).status_code == 204
