# SPDX-License-Identifier: Apache-2.0
"""Workers for tests. They stand in a module of their own, which a spawned process can import."""

import os
import signal
import socket
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from tessera_service.server import process


@dataclass(frozen=True)
class Sleeper:
    """Leaves its process id in `folder`; refuses to start as often as a file there is named for, and then lives."""

    folder: Path
    ends: str = "refuses"

    def __call__(self, bound: socket.socket, parent: Connection) -> None:
        (self.folder / f"pid-{os.getpid()}").touch()
        for refusal in sorted(self.folder.glob("refusal-*")):
            try:
                refusal.unlink()  # whoever takes it away has it
            except FileNotFoundError:
                continue
            if self.ends == "refuses":
                parent.send("the database does not answer")
            raise SystemExit(1)
        parent.send("")
        signal.pause()


@dataclass(frozen=True)
class Hanger:
    """Hangs when it is told to stop, in a thread that the interpreter waits for. That may take it `seconds`."""

    seconds: float

    def __call__(self, bound: socket.socket, parent: Connection) -> None:
        process.END_SECONDS = self.seconds  # type: ignore[assignment]
        process.stop_quietly()
        threading.Thread(target=threading.Event().wait).start()
        parent.send("")
        signal.pause()
