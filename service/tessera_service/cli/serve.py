# SPDX-License-Identifier: Apache-2.0
"""`tessera serve`: the service itself."""

import asyncio
import secrets
import socket
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

import tessera
from tessera_service.cli.options import DataDir, use_engine
from tessera_service.cli.output import complain
from tessera_service.cli.worker import Worker, explain_start, serve_here
from tessera_service.engine import Engine, NewUser
from tessera_service.installation import check_database_place, load_master_keys, settle_issuer
from tessera_service.logs import configure_logs, get_logger
from tessera_service.models import Grant
from tessera_service.quickstart import (
    DEMO_TENANT,
    DEMO_USER,
    PERMISSIONS,
    SUBJECT,
    TTL_SECONDS,
    Demo,
    render_demo,
    render_quickstart,
)
from tessera_service.server.listener import base_url, bind_socket
from tessera_service.server.process import StartError, stop_quietly
from tessera_service.server.workers import Workers, WorkersFailed
from tessera_service.settings import Settings, SettingsError, load_settings, unknown_settings
from tessera_service.shared_metrics import forget_worker, share_metrics


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0: a free one")] = 8081,
    workers: Annotated[int, typer.Option("--workers", min=1, max=256, help="How many processes serve")] = 1,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev", help="For development: logs that people read, no key for gateways on this machine, a demo user"
        ),
    ] = False,
    quickstart: Annotated[
        bool, typer.Option("--quickstart", help="Print a service token and curl lines to try it with")
    ] = False,
    migrate: Annotated[
        bool,
        typer.Option("--migrate/--no-migrate", help="Bring the database's schema up to date, or refuse an older one"),
    ] = True,
    data_dir: DataDir = None,
) -> None:
    """Serves until SIGTERM or Ctrl-C, then finishes what is in flight."""
    stop_quietly()
    settings = read_settings(data_dir, dev=dev, workers=workers, migrate=migrate)
    check_database_place(settings)
    load_master_keys(settings)  # a wrong one is told before anything else happens
    configure_logs(settings.log_level, dev=dev)
    for name in unknown_settings():
        get_logger().warning("unknown_setting", name=name)
    for name, reason in settings.doubts.items():
        get_logger().warning("doubtful_setting", name=name, detail=reason)
    if settings.database_is_shared and "issuer" not in settings.model_fields_set:
        get_logger().warning("issuer_not_set", detail="instances that share a database have to have one ISSUER")
    with bind_socket(host, port) as bound:
        url = base_url(bound)
        settings = settle_issuer(settings, url)
        lines = "\n".join(_prepare(settings, url, quickstart=quickstart))
        try:
            _serve(settings, bound, url=url, workers=workers, lines=lines)
        except StartError as error:
            complain(explain_start(error))
            raise typer.Exit(1) from None
        except WorkersFailed as error:
            complain(str(error))
            raise typer.Exit(1) from None
    get_logger().info("exit")


def read_settings(data_dir: Path | None, *, dev: bool, workers: int, migrate: bool = True) -> Settings:
    """The settings, if that many workers can share them. SettingsError."""
    settings = load_settings(data_dir=data_dir, dev=dev, migrate=migrate)
    if workers > 1 and settings.session_storage_type == "memory":
        raise SettingsError("SESSION_STORAGE_TYPE: memory is one process's own: it does not go with --workers > 1")
    return settings


def _serve(settings: Settings, bound: socket.socket, *, url: str, workers: int, lines: str) -> None:
    def ready() -> None:
        get_logger().info("listening", url=url, workers=workers, version=tessera.__version__)
        if lines:
            print(lines, flush=True)

    if workers == 1:
        serve_here(settings, bound, on_ready=ready)
        return
    with share_metrics() as folder:
        worker = Worker(settings, folder)
        Workers(worker, bound, count=workers, on_death=partial(forget_worker, folder)).run(on_ready=ready)


def _prepare(settings: Settings, url: str, *, quickstart: bool) -> list[str]:
    """What is to be printed once the service listens."""
    if not (quickstart or settings.dev):
        return []

    async def prepare(engine: Engine) -> list[str]:
        demo = await make_demo(engine) if settings.dev else None
        texts = [] if demo is None else [render_demo(demo, base_url=url)]
        return [*texts, await _quickstart(engine, settings, url)] if quickstart else texts

    return asyncio.run(use_engine(settings, prepare))


async def make_demo(engine: Engine) -> Demo | None:
    """A tenant with a user and an access key; None if the user is there already. The user is made last: what was
    interrupted begins again."""
    await engine.tenants.add(DEMO_TENANT)
    if await engine.users.find(DEMO_TENANT, DEMO_USER) is not None:
        return None
    key_id, secret = await engine.access_keys.create(
        tenant_id=DEMO_TENANT, subject=DEMO_USER, grants=(Grant("doc*", "view"),)
    )
    password = secrets.token_urlsafe(12)
    await engine.users.add(
        NewUser(DEMO_TENANT, username=DEMO_USER, password=password, roles=("demo",), permissions=("doc.read",))
    )
    return Demo(DEMO_USER, password, key_id, secret)


async def _quickstart(engine: Engine, settings: Settings, url: str) -> str:
    token = await engine.service_tokens.mint(
        tenant_id=settings.default_tenant,
        subject=SUBJECT,
        permissions=PERMISSIONS,
        ttl_seconds=min(TTL_SECONDS, settings.refresh_token_ttl),
    )
    return render_quickstart(base_url=url, token=token, tenant=settings.default_tenant)
