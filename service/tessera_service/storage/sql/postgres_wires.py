# SPDX-License-Identifier: Apache-2.0
"""The connections of an engine as the network has them: a thread that waits for the server has no other end when the
server hangs, and a process waits for its threads."""

import os
import socket
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Dialect, Engine, event

from tessera_service.errors import StoreUnavailable


class Wires:
    """Follows every connection from the moment it is made: on the first of them the driver asks the server questions of
    its own before anybody has it."""

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._made: weakref.WeakSet[Any] = weakref.WeakSet()
        self._are_cut = False
        event.listen(engine, "do_connect", self._connect)

    def cut(self) -> None:
        """Once and for all."""
        with self._lock:
            self._are_cut = True
            made = list(self._made)
        for connection in made:
            with suppress(Exception):  # it was closed, or is broken already: nobody waits for it
                _shut_down(connection.fileno())

    def _connect(self, dialect: Dialect, _record: object, arguments: Sequence[Any], named: Mapping[str, Any]) -> object:
        if self._are_cut:
            raise StoreUnavailable("the store is not open")
        connection: Any = dialect.connect(*arguments, **named)
        if not self._follow(connection):
            connection.close()
            raise StoreUnavailable("the store is not open")
        return connection

    def _follow(self, connection: object) -> bool:
        """False once they are cut."""
        with self._lock:
            self._made.add(connection)
            return not self._are_cut


def _shut_down(descriptor: int) -> None:
    """The connection itself, whoever else holds it: the driver finds it closed, and closes its own descriptor."""
    with socket.socket(fileno=os.dup(descriptor)) as wire:
        wire.shutdown(socket.SHUT_RDWR)
