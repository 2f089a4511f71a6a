# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGINT: nothing new is taken, what is in flight is finished, the status is 0."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from e2e.conftest import Start
from e2e.process import ALL, ServiceProcess, environment

pytestmark = pytest.mark.slow

# An application that hangs for good where it is told to, once it said so; one second is all that it has to end.
HANGING = """
import asyncio, signal, socket, sys, threading
from tessera_service.logs import configure_logs
from tessera_service.server import process

async def hang(where):
    if where == sys.argv[1]:
        stuck = threading.Thread(target=threading.Event().wait)
        stuck.start()
        print(where, flush=True)
        await asyncio.to_thread(stuck.join)

async def app(scope, receive, send):
    for name in ("startup", "shutdown"):
        await receive()
        await hang(name)
        await send({"type": f"lifespan.{name}.complete"})

def ready():
    if sys.argv[1] == "shutdown":
        signal.raise_signal(signal.SIGTERM)

configure_logs("error")
process.END_SECONDS = 1
process.stop_quietly()
asyncio.run(hang("prepare"))
with socket.create_server(("127.0.0.1", 0)) as bound:
    process.serve(app, bound, on_ready=ready, on_drain=lambda: None)
"""


@pytest.mark.parametrize(("number", "workers"), [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGTERM, 2)])
def test_a_request_in_flight_is_finished(start_service: Start, number: signal.Signals, workers: int) -> None:
    service = start_service("--workers", str(workers))
    token = service.mint(*ALL)
    body = json.dumps({"sub": "alice"}).encode()
    slow = _begin(service, token, len(body))
    slow.send(body[:5])
    time.sleep(0.3)

    service.send(number)
    _wait_until_closed(service)
    slow.send(body[5:])
    answer = slow.getresponse()

    assert answer.status == 200
    assert answer.getheader("connection") == "close"
    assert json.loads(answer.read())["data"]["access_token"]
    assert service.wait() == 0
    assert [event["event"] for event in service.events][-2:] == ["stopped", "exit"]
    assert [event["event"] for event in service.events].count("stopped") == workers


def test_idle_connections_do_not_hold_up_the_end(start_service: Start) -> None:
    service = start_service()
    address = ("127.0.0.1", int(service.url.rsplit(":", 1)[1]))
    with socket.create_connection(address), socket.create_connection(address) as used:
        used.sendall(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"200 OK" in used.recv(4096)
        began = time.monotonic()

        assert service.stop() == 0

        assert time.monotonic() - began < 5


def test_a_second_signal_does_not_change_the_status(start_service: Start) -> None:
    service = start_service()
    threading.Timer(0.05, service.send, [signal.SIGTERM]).start()
    service.send(signal.SIGTERM)

    assert service.wait() == 0


def test_a_request_that_never_ends_is_cut_off_after_ten_seconds(start_service: Start) -> None:
    service = start_service()
    slow = _begin(service, service.mint(*ALL), 100)
    time.sleep(0.3)
    began = time.monotonic()

    assert service.stop() == 0

    assert 5 < time.monotonic() - began < 13
    slow.close()


@pytest.mark.parametrize("where", ["prepare", "startup", "shutdown"])
def test_a_stop_that_hangs_is_ended(where: str) -> None:
    """A thread that nothing reaches, and that the interpreter would wait for."""
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, where], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"{where}\n".encode()
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=30)

    assert process.returncode == 1
    assert b"Timeout (0:00:01)!" in messages  # and where every thread was


@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.2])
def test_a_stop_while_it_starts_is_a_stop(tmp_path: Path, seconds: float) -> None:
    command = [sys.executable, "-m", "tessera_service", "serve", "--quickstart", "--port", "0", "--data-dir"]
    process = subprocess.Popen(
        [*command, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=30)

    assert process.returncode in (0, -signal.SIGTERM)  # the interpreter itself may not be up yet
    assert "Traceback" not in messages


def _begin(service: ServiceProcess, token: str, length: int) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection(service.url.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/v1/token")
    for name, value in (
        ("authorization", f"Bearer {token}"),
        ("x-tenant-id", "default"),
        ("x-request-id", "slow-1"),
        ("content-type", "application/json"),
        ("content-length", str(length)),
    ):
        connection.putheader(name, value)
    connection.endheaders()
    return connection


def _wait_until_closed(service: ServiceProcess) -> None:
    address = ("127.0.0.1", int(service.url.rsplit(":", 1)[1]))
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    raise AssertionError("new connections are still taken")
