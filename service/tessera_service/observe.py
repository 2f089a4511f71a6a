# SPDX-License-Identifier: Apache-2.0
"""The outermost layer of the application: one log line and one count for each request. Plain ASGI.

What the line says of a request comes from its exchange, where only what was accepted stands, and from the route that
was found; never from the query, the body or a credential."""

import re
import time
from collections.abc import Mapping
from functools import partial

from starlette.types import ASGIApp, Receive, Scope, Send

from tessera_service.http.exchange import SCOPE_KEY, Exchange
from tessera_service.logs import describe_request, get_logger
from tessera_service.metrics import Metrics

QUIET = frozenset({"/livez", "/readyz", "/metrics"})  # asked every few seconds by machines: logged at debug only
WAITING = frozenset({"/v1/revocations"})  # answered when there is something to tell: how long that takes says nothing
UNMATCHED = "unmatched"

_PATH_LIMIT = 256
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = "0" * 32
_FAILED = 500
_CLIENT_WENT_AWAY = 499


class Observe:
    """Wraps the edge; counts into `metrics` and logs `request`."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._log = get_logger().bind()  # bound once: every request logs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        describe_request.set(partial(_identify, scope))  # in the request's own task, so in nobody else's context
        started = time.perf_counter_ns()
        failed = True
        self._metrics.in_flight.inc()
        try:
            await self._app(scope, receive, send)
            failed = False
        finally:
            self._metrics.in_flight.dec()
            self._record(scope, time.perf_counter_ns() - started, failed=failed)

    def _record(self, scope: Scope, nanoseconds: int, *, failed: bool) -> None:
        exchange: Exchange | None = scope.get(SCOPE_KEY)
        status = (exchange.status if exchange else 0) or (_FAILED if failed else _CLIENT_WENT_AWAY)
        route = route_template(scope)
        method: str = scope["method"]
        seconds = None if route in WAITING else nanoseconds / 1e9
        self._metrics.count_request(route=route, method=method, status=status, seconds=seconds)
        log = self._log.debug if route in QUIET and status < 400 else self._log.info
        log(
            "request",
            method=method[:16],
            path=scope["path"][:_PATH_LIMIT],
            route=route,
            status=status,
            code=exchange and exchange.error_code,
            duration_ms=round(nanoseconds / 1e6, 3),
            trace_id=trace_id(scope),
        )


def _identify(scope: Scope) -> Mapping[str, str | None]:
    exchange: Exchange | None = scope.get(SCOPE_KEY)
    if exchange is None:
        return {}
    return {"request_id": exchange.request_id, "tenant": exchange.tenant_id}


def route_template(scope: Scope) -> str:
    """The template of the route that answered (`/v1/token`, `/auth/sessions/{id}/revoke`); `unmatched` if none did."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNMATCHED


def trace_id(scope: Scope) -> str | None:
    """The trace id of a well-formed `traceparent` header (W3C Trace Context)."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            match = _TRACEPARENT.fullmatch(value)
            found = match[1].decode() if match else _NO_TRACE
            return None if found == _NO_TRACE else found
    return None
