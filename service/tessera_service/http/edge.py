# SPDX-License-Identifier: Apache-2.0
"""The edge of the application: every request becomes an exchange here, and every error an answer. Plain ASGI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tessera_service.errors import InvalidInput, RateLimited, ServiceError
from tessera_service.http.cors import Cors, answer_preflight
from tessera_service.http.errors import ClientGone, MethodNotAllowed, NotFound
from tessera_service.http.exchange import SCOPE_KEY, Dialect, Exchange, exchange_of
from tessera_service.http.limits import RateLimiter
from tessera_service.http.peer import Peers
from tessera_service.logs import get_logger


@dataclass(frozen=True, slots=True)
class Zone:
    """Paths with one manner: those equal to `prefix` or below it. The longest prefix wins."""

    prefix: str
    dialect: Dialect | None = None  # None: that of the zone "/"
    limited: bool = False  # whether request limits count here
    stored: bool = False  # whether caches may keep good answers that do not say so themselves
    browsers: bool = True  # whether the browsers that CORS_ORIGINS lets in may ask here

    def holds(self, path: str) -> bool:
        """Whether `path` lies in it."""
        return path == self.prefix or path.startswith(self.prefix.rstrip("/") + "/")


@dataclass(frozen=True, slots=True)
class PlainRoute:
    """A path that is served past the framework's routing, and the route that declares it."""

    endpoint: ASGIApp
    route: BaseRoute | None = None


class Edge:
    """Wraps the framework's application. One of `zones` has the prefix "/" and a dialect: it holds the rest."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        zones: Sequence[Zone],
        plain: Mapping[str, PlainRoute],
        limiter: RateLimiter | None,
        peers: Peers,
        cors: Cors | None = None,
    ) -> None:
        self._app = app
        self._zones = sorted(zones, key=lambda zone: len(zone.prefix), reverse=True)
        self._dialect = next(zone.dialect for zone in zones if zone.prefix == "/" and zone.dialect)
        self._known_zones = {path: self._zone(path) for path in plain}
        self._plain = plain
        self._limiter = limiter
        self._peers = peers
        self._cors = cors
        self._log = get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        zone = self._known_zones.get(scope["path"]) or self._zone(scope["path"])
        exchange = self._open(zone, scope, send)
        scope[SCOPE_KEY] = exchange
        try:
            await self._serve(scope, receive, exchange, cors=self._cors if zone.browsers else None)
        except ClientGone:
            return
        except Exception as error:
            await self._fail(error, scope, receive, exchange)

    def _open(self, zone: Zone, scope: Scope, send: Send) -> Exchange:
        return Exchange(
            scope,
            send,
            dialect=zone.dialect or self._dialect,
            limiter=self._limiter if zone.limited else None,
            stored=zone.stored,
            peers=self._peers,
        )

    def _zone(self, path: str) -> Zone:
        return next(zone for zone in self._zones if zone.holds(path) or zone.prefix == "/")

    async def _serve(self, scope: Scope, receive: Receive, exchange: Exchange, *, cors: Cors | None) -> None:
        if cors is not None:
            exchange.cross_origin = cors.headers(exchange)
            if cors.is_preflight(exchange):
                await answer_preflight(exchange.send)
                return
        if b"%2f" in scope.get("raw_path", b"").lower() or not exchange.path.isprintable():
            raise NotFound  # an encoded slash separates nothing; and routing would overlook a line feed at the end
        plain = self._plain.get(scope["path"])
        if plain is None:
            await self._app(scope, receive, exchange.send)
            return
        scope["route"] = plain.route
        await plain.endpoint(scope, receive, exchange.send)

    async def _fail(self, error: Exception, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        if not isinstance(error, ServiceError | HTTPException):
            self._log.error("internal_error", request_id=exchange.request_id, exc_info=error)
        if exchange.status == 0:
            await make_answer(error, exchange)(scope, receive, exchange.send)


def make_answer(error: Exception, exchange: Exchange) -> Response:
    """The answer to whatever went wrong, in the dialect of its path. What failed before it was counted is counted
    now, and answered 429 if that was too much."""
    wrong = as_service_error(error, exchange.scope)
    try:
        exchange.charge_peer()
    except RateLimited as limited:
        wrong = limited
    exchange.error_code = wrong.code
    return exchange.dialect.answer(wrong, exchange)


def as_service_error(error: Exception, scope: Scope) -> ServiceError:
    """The framework's own errors as ours; anything unknown is the internal error."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, HTTPException):
        if error.status_code == 404:
            return NotFound()
        if error.status_code == 405:
            return MethodNotAllowed(_allowed(scope))
        return InvalidInput()
    return ServiceError()


def _allowed(scope: Scope) -> Sequence[str]:
    """The methods of every route of the path; the framework itself names those of the first one alone."""
    routes: Sequence[Route] = scope["app"].state.routes
    return sorted({name for route in routes if route.path_regex.match(scope["path"]) for name in route.methods or ()})


async def answer_error(request: Request, error: Exception) -> Response:
    """The framework's handler for every exception."""
    if isinstance(error, ClientGone):
        raise error
    return make_answer(error, exchange_of(request.scope))
