# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from kept_logs import kept_logs
from tessera_service.http.exchange import SCOPE_KEY
from tessera_service.logs import describe_request, get_logger
from tessera_service.metrics import Metrics
from tessera_service.observe import Observe

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2ln"
TRACE = "0af7651916cd43dd8448eb211c80319c"
Behave = Callable[[Scope], Awaitable[None]]


def scope_of(path: str = "/v1/token", **headers: str) -> Scope:
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": f"accessToken={TOKEN}".encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def observe(scope: Scope, behave: Behave, metrics: Metrics | None = None) -> list[dict[str, Any]]:
    """What is logged while `behave` answers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await behave(scope)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None: ...

    with kept_logs():
        structlog.reset_defaults()
        with capture_logs() as logs:
            observed = Observe(app, metrics=metrics or Metrics())
            await asyncio.create_task(observed(scope, receive, send))
    return [dict(line) for line in logs]


def answering(status: int, *, route: str | None = "/v1/token", code: str | None = None) -> Behave:
    async def behave(scope: Scope) -> None:
        scope["route"] = None if route is None else SimpleNamespace(path=route)
        scope[SCOPE_KEY] = SimpleNamespace(status=status, request_id="r-1", tenant_id="default", error_code=code)

    return behave


async def test_a_request_is_one_line_without_query_or_credential() -> None:
    scope = scope_of(authorization=f"Bearer {TOKEN}", cookie=TOKEN)
    (line,) = await observe(scope, answering(403, code="forbidden"))

    assert line["event"] == "request"
    assert (line["method"], line["path"], line["route"]) == ("POST", "/v1/token", "/v1/token")
    assert (line["status"], line["code"]) == (403, "forbidden")
    assert line["duration_ms"] >= 0
    assert "eyJ" not in str(line)


async def test_a_request_is_counted_under_its_template() -> None:
    metrics = Metrics()
    await observe(scope_of("/auth/sessions/42/revoke"), answering(200, route="/auth/sessions/{id}/revoke"), metrics)

    labels = {"route": "/auth/sessions/{id}/revoke", "method": "POST", "status": "200"}
    assert metrics.registry.get_sample_value("tessera_http_requests_total", labels) == 1


async def test_a_path_without_a_route_is_counted_as_unmatched() -> None:
    metrics = Metrics()
    await observe(scope_of("/" + "x" * 5000), answering(404, route=None), metrics)

    labels = {"route": "unmatched", "method": "POST", "status": "404"}
    assert metrics.registry.get_sample_value("tessera_http_requests_total", labels) == 1


async def test_a_long_path_is_cut_in_the_log() -> None:
    (line,) = await observe(scope_of("/" + "x" * 5000), answering(404, route=None))

    assert len(line["path"]) == 256


async def test_health_checks_are_no_news() -> None:
    assert [line["log_level"] for line in await observe(scope_of(), answering(200, route="/livez"))] == ["debug"]
    assert [line["log_level"] for line in await observe(scope_of(), answering(503, route="/readyz"))] == ["info"]


async def test_who_goes_away_early_is_counted_as_such() -> None:
    (line,) = await observe(scope_of(), answering(0))

    assert line["status"] == 499


async def test_what_escapes_the_edge_is_a_500() -> None:
    async def behave(scope: Scope) -> None:
        raise ValueError("canary")

    metrics = Metrics()
    with pytest.raises(ValueError, match="canary"):
        await observe(scope_of(), behave, metrics)

    labels = {"route": "unmatched", "method": "POST", "status": "500"}
    assert metrics.registry.get_sample_value("tessera_http_requests_total", labels) == 1


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (f"00-{TRACE}-b7ad6b7169203331-01", TRACE),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{TRACE.upper()}-b7ad6b7169203331-01", None),
        (f"00-{TRACE}-b7ad6b7169203331-01-more", None),
        ("rubbish", None),
    ],
)
async def test_the_trace_id_of_a_sound_traceparent_is_logged(header: str, trace: str | None) -> None:
    (line,) = await observe(scope_of(traceparent=header), answering(200))

    assert line["trace_id"] == trace


async def test_events_inside_a_request_know_its_id() -> None:
    known: list[object] = []

    async def behave(scope: Scope) -> None:
        await answering(200)(scope)
        describe = describe_request.get()
        known.append(describe and dict(describe()))
        get_logger().info("revoked")

    await observe(scope_of(), behave)

    assert known == [{"request_id": "r-1", "tenant": "default"}]
    assert describe_request.get() is None


async def test_other_scopes_pass_through() -> None:
    seen: list[str] = []

    async def behave(scope: Scope) -> None:
        seen.append(scope["type"])

    assert await observe({"type": "lifespan"}, behave) == []
    assert seen == ["lifespan"]
