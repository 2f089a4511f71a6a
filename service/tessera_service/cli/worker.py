# SPDX-License-Identifier: Apache-2.0
"""What one serving process does, alone or as one of several workers."""

import gc
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tessera_service.errors import ServiceError, StartupError
from tessera_service.installation import InstallationError
from tessera_service.logs import configure_logs, get_logger, plain_line
from tessera_service.server.process import StartError, serve, stop_quietly
from tessera_service.settings import Settings, SettingsError


def serve_here(
    settings: Settings,
    bound: socket.socket,
    *,
    on_ready: Callable[[], None],
    watch_parent: bool = False,
    metrics: Path | None = None,
) -> None:
    """Serves in this process until it is told to stop. StartError, whose cause says why."""
    gc.disable()  # what is made now stays
    try:
        from tessera_service.app import create_app  # imports the stores, which not every message needs

        app = create_app(settings, metrics=metrics)
    except (SettingsError, InstallationError, StartupError, ServiceError) as error:
        raise StartError from error
    finally:
        gc.enable()
    gc.freeze()  # no collection has to look through it
    end_waits = app.state.engine.feed.close  # else who follows would be waited for
    serve(app, bound, on_ready=on_ready, on_drain=end_waits, watch_parent=watch_parent)


@dataclass(frozen=True)
class Worker:
    """One of several; goes whole to the spawned process. It sends "" when it serves, or why it cannot start."""

    settings: Settings
    metrics: Path  # the folder of all workers' figures

    def __call__(self, bound: socket.socket, parent: Connection) -> None:
        stop_quietly()
        os.umask(0o077)
        configure_logs(self.settings.log_level, dev=self.settings.dev)
        try:
            serve_here(self.settings, bound, on_ready=lambda: parent.send(""), watch_parent=True, metrics=self.metrics)
        except StartError as error:
            parent.send(explain_start(error))
            raise SystemExit(1) from None


def explain_start(error: StartError) -> str:
    """One line that says why the service does not start."""
    cause = error.__cause__
    if isinstance(cause, SettingsError | InstallationError | StartupError | ServiceError):
        return plain_line(str(cause)) or cause.__class__.__name__
    get_logger().error("start_failed", exc_info=cause)
    return f"cannot start: {type(cause).__name__}; the log says where" if cause else "cannot start"
