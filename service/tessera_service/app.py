# SPDX-License-Identifier: Apache-2.0
"""Composes the service: settings -> stores -> engine -> surfaces -> one ASGI application."""

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
from tessera_service.engine import Engine, MasterKeys, Sink
from tessera_service.engine.background import Background
from tessera_service.errors import ServiceError
from tessera_service.http.cors import Cors
from tessera_service.http.edge import Edge, PlainRoute, answer_error
from tessera_service.http.limits import RateLimiter
from tessera_service.http.peer import Peers
from tessera_service.installation import check_database_place, load_master_keys, settle_issuer
from tessera_service.measured import measure
from tessera_service.metrics import Metrics
from tessera_service.observe import Observe
from tessera_service.otp_providers import make_code_provider, warn_of_provider
from tessera_service.settings import Settings, SettingsError
from tessera_service.sinks.audit import AuditLog
from tessera_service.sinks.webhook import WebhookSink
from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, check, upgrade
from tessera_service.surfaces import SURFACES
from tessera_service.webhook import Webhook

AUDIT_NAME: Final = "audit.jsonl"  # in the data directory
METRICS_SECONDS: Final = 1.0  # how old the state of another worker may be in /metrics


def make_engine(settings: Settings, *, background: bool = True) -> Engine:
    """The engine over the stores that the settings name; not started. SettingsError, InstallationError."""
    check_database_place(settings)
    settings = settle_issuer(settings)
    current, *older = load_master_keys(settings)
    config = settings.engine_config()
    directory = SqlDirectory(settings.database_url, timeout_ms=config.store_timeout_ms, migrates=settings.migrate)
    return Engine(
        config=config,
        directory=directory,
        sessions=_make_sessions(settings, directory),
        master_keys=MasterKeys(current=current, older=older),
        background=background,
        sinks=make_sinks(settings) if background else (),
        code_provider=make_code_provider(settings) if background else None,
    )


def make_sinks(settings: Settings) -> Sequence[Sink]:
    """Where events go, as the settings say; nothing is opened yet. SettingsError."""
    sinks: list[Sink] = []
    if settings.audit_log:
        sinks.append(AuditLog(settings.data_dir / AUDIT_NAME))
    if settings.event_stream is not None and settings.redis_url is not None:
        sinks.append(_make_stream(settings.redis_url.get_secret_value(), settings.event_stream))
    if settings.event_webhook_url is not None and settings.event_webhook_secret is not None:
        url, secret = settings.event_webhook_url.get_secret_value(), settings.event_webhook_secret.get_secret_value()
        seconds = settings.webhook_timeout / 1000
        webhook = Webhook(url, secret=secret.encode(), timeout_seconds=seconds)
        sinks.append(WebhookSink(webhook, timeout_seconds=seconds))
    return sinks


def _make_stream(url: str, stream: str) -> Sink:
    try:
        from tessera_service.sinks.redis_stream import RedisStream  # its driver is an extra
    except ModuleNotFoundError:
        raise SettingsError("EVENT_STREAM: needs the extra redis: pip install 'tessera[redis]'") from None
    try:
        return RedisStream(url, stream)
    except ValueError:
        raise SettingsError("REDIS_URL: is not a URL of Redis, like redis://127.0.0.1:6379/0") from None


def _make_sessions(settings: Settings, directory: SqlDirectory) -> SessionStore:
    if settings.session_storage_type == "memory":
        return MemorySessionStore(directory_id=str(settings.data_dir))
    if settings.session_storage_type == "redis" and settings.redis_url is not None:
        return _make_redis_sessions(settings, settings.redis_url.get_secret_value(), directory)
    return SqlSessionStore(directory)


def _make_redis_sessions(settings: Settings, url: str, directory: SqlDirectory) -> SessionStore:
    try:
        from tessera_service.storage.redis import RedisSessionStore  # its driver is an extra
    except ModuleNotFoundError:
        raise SettingsError("SESSION_STORAGE_TYPE: redis needs the extra redis: pip install 'tessera[redis]'") from None
    timeout_ms = settings.engine_config().store_timeout_ms
    try:
        return RedisSessionStore(
            url, directory_id=directory.directory_id, partitions=settings.redis_partitions, timeout_ms=timeout_ms
        )
    except ValueError:
        raise SettingsError("REDIS_URL: is not a URL of Redis, like redis://127.0.0.1:6379/0") from None


def upgrade_database(settings: Settings) -> str:
    """Brings the directory's schema up to date; its revision. Blocks. StoreRefused, StoreUnavailable."""
    check_database_place(settings)
    return upgrade(settings.database_url)


def check_database(settings: Settings) -> str:
    """The revision of a database that is whole and of this release. Blocks. StoreRefused, StoreUnavailable."""
    check_database_place(settings)
    return check(settings.database_url)


def create_app(settings: Settings, *, engine: Engine | None = None, metrics: Path | None = None) -> "Service":
    """The application. Its lifespan starts and stops the engine; `app.state` has `engine`, `metrics`, `settings`.
    `metrics`: the folder where all workers keep their figures."""
    return Service(settings, engine or make_engine(settings), Metrics(shared=metrics))


class Service(FastAPI):
    """FastAPI with the edge around it and plain endpoints past it."""

    def __init__(self, settings: Settings, engine: Engine, metrics: Metrics) -> None:
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
        self.state.metrics = metrics
        measure(engine, metrics)
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
