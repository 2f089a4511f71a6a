# SPDX-License-Identifier: Apache-2.0
"""The fault proxy does to connections what each fault says: faults that do not happen would prove nothing."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from faults.proxy import DELAY_SECONDS, Fault, FaultProxy

REPLY = b"reply to " * 100


class Store:
    """Answers every request of a connection with REPLY and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = self._socket.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            while request := _receive(connection):
                self.requests.append(request)
                connection.sendall(REPLY + request)


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(4096)
    except OSError:
        return b""


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store()
    yield made
    made.close()


@pytest.fixture
def proxy(store: Store) -> Iterator[FaultProxy]:
    with FaultProxy(store.address, commits=lambda request: request == b"commit") as made:
        yield made


def connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def ask(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    answer = b""
    while len(answer) < len(REPLY + request):
        part = connection.recv(4096)
        if not part:
            break
        answer += part
    return answer


def is_closed(asking: Callable[[], bytes]) -> bool:
    try:
        return asking() == b""
    except ConnectionError:
        return True


def test_without_a_fault_everything_passes(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection, b"one") == REPLY + b"one"
        assert ask(connection, b"two") == REPLY + b"two"
    assert not proxy.met


def test_a_delay_delays_replies(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.inject(Fault.DELAY)
        started = time.monotonic()
        assert ask(connection, b"late") == REPLY + b"late"
        assert time.monotonic() - started >= DELAY_SECONDS
    assert proxy.met[Fault.DELAY] >= 1


def test_a_black_hole_closes_nothing_and_delivers_late(proxy: FaultProxy, store: Store) -> None:
    with connect(proxy) as connection:
        ask(connection, b"first")
        proxy.inject(Fault.BLACK_HOLE)
        connection.sendall(b"held")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert store.requests == [b"first"]
        proxy.heal()
        connection.settimeout(5)
        assert connection.recv(4096).startswith(b"reply")
        assert store.requests == [b"first", b"held"]


def test_a_black_hole_holds_new_connections(proxy: FaultProxy, store: Store) -> None:
    proxy.inject(Fault.BLACK_HOLE)
    with connect(proxy) as connection:
        connection.sendall(b"held")
        time.sleep(0.1)
        assert store.requests == []
        proxy.heal()
        assert connection.recv(4096).startswith(b"reply")


def test_a_reset_ends_old_connections_and_new_ones(proxy: FaultProxy, store: Store) -> None:
    with connect(proxy) as old:
        ask(old, b"first")
        proxy.inject(Fault.RESET)
        assert is_closed(lambda: ask(old, b"anybody?"))
        assert is_closed(lambda: ask(connect(proxy), b"anybody?"))
    assert store.requests == [b"first"]
    proxy.heal()
    with connect(proxy) as later:
        assert ask(later, b"fourth") == REPLY + b"fourth"


def test_a_cut_reply_is_the_beginning_of_the_reply(proxy: FaultProxy, store: Store) -> None:
    with connect(proxy) as connection:
        proxy.inject(Fault.CUT_REPLY)
        connection.sendall(b"done")
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(4096):
                answer += part
        assert (REPLY + b"done").startswith(answer)
        assert len(answer) < len(REPLY + b"done")
    assert store.requests == [b"done"]


def test_a_lost_reply_is_to_a_commit_that_was_done(proxy: FaultProxy, store: Store) -> None:
    with connect(proxy) as connection:
        proxy.inject(Fault.LOST_REPLY)
        assert ask(connection, b"read") == REPLY + b"read"
        with pytest.raises(ConnectionResetError):
            ask(connection, b"commit")
    assert store.requests == [b"read", b"commit"]
    assert proxy.met[Fault.LOST_REPLY] == 1
