# SPDX-License-Identifier: Apache-2.0
"""What the port itself refuses, before there is a request."""

import json
import socket
import time

import pytest

from e2e.process import ServiceProcess

pytestmark = pytest.mark.slow

GET = b"GET /livez HTTP/1.1\r\nhost: x\r\n"


def test_a_head_that_takes_longer_than_ten_seconds_is_cut_off(service: ServiceProcess) -> None:
    began = time.monotonic()
    with connect(service) as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\n")
        answer = b""
        while time.monotonic() - began < 20:  # a header now and then keeps nothing open
            try:
                slow.sendall(b"x-pad: 1\r\n")
                part = slow.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            answer += part
            if not part:
                break

    assert 9 < time.monotonic() - began < 13
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_large_head_is_refused(service: ServiceProcess) -> None:
    status, error = exchange(service, GET + b"x-pad: " + b"a" * 32_768 + b"\r\n\r\n")

    assert status == 431
    assert error["error"]["code"] == "common.validation_error"


def test_many_headers_are_refused(service: ServiceProcess) -> None:
    status, _ = exchange(service, GET + b"a:1\r\n" * 1000 + b"\r\n")

    assert status == 431


def test_a_line_without_an_end_is_refused(service: ServiceProcess) -> None:
    status, _ = exchange(service, b"GET /" + b"a" * 40_000)

    assert status == 431


def test_a_head_within_the_limits_is_served(service: ServiceProcess) -> None:
    with connect(service) as connection:
        connection.sendall(GET + b"x-pad: " + b"a" * 30_000 + b"\r\n\r\n")

        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"GET livez\r\n\r\n",
        GET + b"bad header: 1\r\n\r\n",
        GET + b"a: \x00\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b'{"token": "x"}\r\n\r\n',
    ],
)
def test_what_is_not_http_is_answered_in_one_form(service: ServiceProcess, head: bytes) -> None:
    status, error = exchange(service, head)

    assert status == 400
    assert error["error"]["code"] == "common.validation_error"
    assert error["meta"]["request_id"]


def test_an_offer_to_upgrade_is_declined_silently(service: ServiceProcess) -> None:
    with connect(service) as connection:
        connection.sendall(GET + b"connection: upgrade\r\nupgrade: websocket\r\n\r\n")

        assert connection.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")
    assert "pgrade" not in service.log_text


def test_what_was_refused_is_logged(service: ServiceProcess) -> None:
    _, error = exchange(service, b"\x00\r\n\r\n")

    refused = [event for event in service.events if event["event"] == "connection_refused"]
    assert error["meta"]["request_id"] in {event["request_id"] for event in refused}


def test_requests_one_after_the_other_use_one_connection(service: ServiceProcess) -> None:
    with connect(service) as connection:
        for _ in range(3):
            connection.sendall(GET + b"\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def connect(service: ServiceProcess) -> socket.socket:
    """A connection whose reads give up after half a second."""
    connection = socket.create_connection(("127.0.0.1", int(service.url.rsplit(":", 1)[1])))
    connection.settimeout(0.5)
    return connection


def exchange(service: ServiceProcess, data: bytes) -> tuple[int, dict[str, dict[str, str]]]:
    """Status and JSON of the answer to those bytes; the service has to close afterwards."""
    with connect(service) as connection:
        connection.settimeout(5)
        connection.sendall(data)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)
