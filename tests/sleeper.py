# SPDX-License-Identifier: Apache-2.0
"""A worker for tests. It stands in a module of its own, which a spawned process can import."""

import os
import signal
import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path


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
