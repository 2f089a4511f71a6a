# SPDX-License-Identifier: Apache-2.0
"""Composes the service: settings -> stores -> engine -> surfaces -> one ASGI application."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tessera_service.engine import Engine, MasterKeys, Sink
from tessera_service.installation import check_database_place, load_master_keys, settle_issuer
from tessera_service.otp_providers import make_code_provider
from tessera_service.settings import Settings, SettingsError
from tessera_service.sinks.audit import AuditLog
from tessera_service.sinks.webhook import WebhookSink
from tessera_service.storage.base import SessionStore
from tessera_service.storage.memory import MemorySessionStore
from tessera_service.storage.sql import SqlDirectory, SqlSessionStore, check, upgrade
from tessera_service.webhook import Webhook

if TYPE_CHECKING:
    from tessera_service.web import Service

AUDIT_NAME: Final = "audit.jsonl"  # in the data directory
_COMMAND_TIMEOUT_MS: Final = 10_000  # a command is no request: it waits while others write, as at a first start


def make_engine(settings: Settings, *, background: bool = True) -> Engine:
    """The engine over the stores that the settings name; not started. SettingsError, InstallationError."""
    check_database_place(settings)
    settings = settle_issuer(settings)
    current, *older = load_master_keys(settings)
    config = settings.engine_config()
    if not background:
        config = replace(config, store_timeout_ms=max(config.store_timeout_ms, _COMMAND_TIMEOUT_MS))
    directory = SqlDirectory(settings.database_url, timeout_ms=config.store_timeout_ms, migrates=settings.migrate)
    return Engine(
        config=config,
        directory=directory,
        sessions=_make_sessions(settings, directory, timeout_ms=config.store_timeout_ms),
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
        raise SettingsError("REDIS_URL: EVENT_STREAM needs one server, like redis://127.0.0.1:6379/0") from None


def _make_sessions(settings: Settings, directory: SqlDirectory, *, timeout_ms: int) -> SessionStore:
    if settings.session_storage_type == "memory":
        return MemorySessionStore(directory_id=str(settings.data_dir))
    if settings.session_storage_type == "redis" and settings.redis_url is not None:
        return _make_redis_sessions(settings, settings.redis_url.get_secret_value(), directory, timeout_ms=timeout_ms)
    return SqlSessionStore(directory)


def _make_redis_sessions(settings: Settings, url: str, directory: SqlDirectory, *, timeout_ms: int) -> SessionStore:
    try:
        from tessera_service.storage.redis import RedisSessionStore  # its driver is an extra
    except ModuleNotFoundError:
        raise SettingsError("SESSION_STORAGE_TYPE: redis needs the extra redis: pip install 'tessera[redis]'") from None
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
    from tessera_service.web import Service  # the web framework and every surface, which commands do not need

    return Service(settings, engine or make_engine(settings), metrics=metrics)
