# SPDX-License-Identifier: Apache-2.0
"""One engine behind every surface: the ASGI application."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

import tessera
from tessera_service.engine import Engine
from tessera_service.engine.background import Background
from tessera_service.errors import ServiceError
from tessera_service.http.cors import Cors
from tessera_service.http.edge import Edge, PlainRoute, answer_error
from tessera_service.http.limits import RateLimiter
from tessera_service.http.peer import Peers
from tessera_service.measured import measure
from tessera_service.metrics import Metrics
from tessera_service.observe import Observe
from tessera_service.otp_providers import warn_of_provider
from tessera_service.settings import Settings
from tessera_service.surfaces import SURFACES

METRICS_SECONDS: Final = 1.0  # how old the state of another worker may be in /metrics


class Service(FastAPI):
    """FastAPI with the edge around it and plain endpoints past it."""

    def __init__(self, settings: Settings, engine: Engine, *, metrics: Path | None) -> None:
        # As they stand: an included router would be built again for each application, while the first request waits.
        declared = [route for surface in SURFACES for route in surface.router.routes]
        super().__init__(
            title="tessera",
            version=tessera.__version__,
            description="Tokens and sessions: issue, refresh, revoke, introspect.",
            docs_url=None,
            redoc_url=None,
            openapi_url=None,
            redirect_slashes=False,
            routes=declared,
            lifespan=_run_engine,
            exception_handlers={
                ServiceError: answer_error,
                HTTPException: answer_error,
                RequestValidationError: answer_error,
                Exception: answer_error,
            },
        )
        self.state.engine = engine
        self.state.settings = settings
        self.state.metrics = Metrics(shared=metrics)
        measure(engine, self.state.metrics)
        self.state.routes = [route for route in declared if isinstance(route, Route)]

    def build_middleware_stack(self) -> ASGIApp:
        """The edge stands outside of the framework's own layers, so that it sees every error and every answer."""
        settings: Settings = self.state.settings
        limit = settings.rate_limit
        edge = Edge(
            super().build_middleware_stack(),
            zones=[zone for surface in SURFACES for zone in surface.zones],
            plain=self._plain_routes(),
            limiter=RateLimiter(requests=limit.requests, seconds=limit.seconds) if limit else None,
            peers=Peers(settings.trusted_proxies),
            cors=Cors(settings.cors_origins) if settings.cors_origins else None,
        )
        return Observe(edge, metrics=self.state.metrics)

    def _plain_routes(self) -> Mapping[str, PlainRoute]:
        return {
            path: PlainRoute(endpoint, _find_route(surface.router.routes, path))
            for surface in SURFACES
            for path, endpoint in surface.plain(self.state.engine).items()
        }

    def openapi(self) -> dict[str, Any]:
        """FastAPI's description, with the models of the bodies that we read ourselves and the kinds of credentials."""
        if self.openapi_schema is None:
            components = super().openapi().setdefault("components", {})
            components.setdefault("schemas", {}).update(_describe_bodies())
            components["securitySchemes"] = _SECURITY_SCHEMES
        return super().openapi()


_SECURITY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "access_key": {"type": "http", "scheme": "basic"},
    "gateway_key": {"type": "apiKey", "in": "header", "name": "X-Gateway-Key"},
}


def _find_route(routes: Sequence[BaseRoute], path: str) -> BaseRoute:
    """The route that declares a path, as it stands or by its template."""
    return next(route for route in routes if isinstance(route, APIRoute) and route.path_regex.match(path))


def _describe_bodies() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for model in (model for surface in SURFACES for model in surface.schemas):
        described = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= {**described.pop("$defs", {}), model.__name__: described}
    return schemas


@asynccontextmanager
async def _run_engine(app: FastAPI) -> AsyncIterator[None]:
    engine: Engine = app.state.engine
    metrics: Metrics = app.state.metrics
    warn_of_provider(app.state.settings)
    await engine.start()
    tasks = Background()
    if metrics.is_shared:
        tasks.every(METRICS_SECONDS, metrics.write, name="metrics")
    try:
        yield
    finally:
        await tasks.stop()
        await engine.stop()
