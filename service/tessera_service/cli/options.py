# SPDX-License-Identifier: Apache-2.0
"""Options that several commands have, and what every command does first."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from tessera_service.durations import parse_duration
from tessera_service.engine import Engine
from tessera_service.logs import configure_logs
from tessera_service.settings import Settings, load_settings

T = TypeVar("T")

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where the installation lives [TESSERA_DATA_DIR, else .tessera]")
]
OnlyTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant's")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts")]


def parse_seconds(text: str) -> int:
    """A duration option in whole seconds."""
    try:
        milliseconds = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if milliseconds % 1000 or not milliseconds:
        raise typer.BadParameter("has to be a positive number of whole seconds")
    return milliseconds // 1000


def with_engine(data_dir: Path | None, use: Callable[[Engine], Awaitable[T]]) -> T:
    """Runs one command on the installation: beside a running service, or on a fresh data directory."""
    configure_logs("warning", dev=True)
    return asyncio.run(use_engine(load_settings(data_dir=data_dir), use))


async def use_engine(settings: Settings, use: Callable[[Engine], Awaitable[T]]) -> T:
    """Starts an engine without background tasks, uses it and stops it."""
    from tessera_service.app import make_engine  # imports the stores and their drivers, which most messages do not need

    engine = make_engine(settings, background=False)
    try:
        await engine.start()
        return await use(engine)
    finally:
        await engine.stop()
