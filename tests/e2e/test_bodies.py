# SPDX-License-Identifier: Apache-2.0
"""Bodies as they come over a real connection."""

import contextlib
import gzip
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from e2e.process import Client, ServiceProcess

pytestmark = pytest.mark.slow

PATH = "/v1/token/introspect"


def head(client: Client, *lines: str) -> bytes:
    """The head of a call with these lines besides those that the surface demands."""
    demanded = ("host: x", "x-request-id: e2e-1", "x-tenant-id: default", f"authorization: Bearer {client.bearer}")
    return "\r\n".join([f"POST {PATH} HTTP/1.1", *demanded, "content-type: application/json", *lines, "", ""]).encode()


def connect(service: ServiceProcess) -> socket.socket:
    """A connection whose reads wait for half a minute at most."""
    return socket.create_connection(("127.0.0.1", int(service.url.rsplit(":", 1)[1])), timeout=30)


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of one answer."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        length = 0
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, stream.read(length)


def test_a_body_that_does_not_end_is_answered_after_ten_seconds_and_closed(
    service: ServiceProcess, client: Client
) -> None:
    began = time.monotonic()
    with connect(service) as connection:
        connection.sendall(head(client, "content-length: 20") + b'{"token"')
        status, body = read_answer(connection)
        assert connection.recv(1) == b""
    assert 9.5 < time.monotonic() - began < 14
    assert (status, json.loads(body)["error"]["code"]) == (400, "auth.introspect.invalid")


@pytest.mark.parametrize("chunked", [False, True])
def test_ten_megabytes_are_refused_before_they_are_read(service: ServiceProcess, client: Client, chunked: bool) -> None:
    line = "transfer-encoding: chunked" if chunked else "content-length: 10000000"
    with connect(service) as connection:
        connection.sendall(head(client, line))
        if chunked:
            connection.sendall(b"11000\r\n" + b" " * 0x11000)
        status, body = read_answer(connection)
    assert (status, json.loads(body)["error"]["code"]) == (413, "common.payload_too_large")


@pytest.mark.parametrize("rest", [b" " * 100_000, b"\x00" * 100_000])
def test_the_rest_of_a_refused_body_is_not_answered_again(service: ServiceProcess, client: Client, rest: bytes) -> None:
    with connect(service) as connection:
        connection.sendall(head(client, "transfer-encoding: chunked") + b"11000\r\n" + b" " * 0x11000)
        status, _ = read_answer(connection)
        assert status == 413
        with contextlib.suppress(OSError):
            connection.sendall(b"\r\n20000\r\n" + rest)
            assert connection.recv(65_536) == b""


def test_a_connection_whose_body_was_refused_goes_on_once_the_body_is_over(
    service: ServiceProcess, client: Client
) -> None:
    with connect(service) as connection:
        connection.sendall(head(client, "transfer-encoding: chunked") + b"11000\r\n" + b" " * 0x11000)
        assert read_answer(connection)[0] == 413
        connection.sendall(b"\r\n0\r\n\r\n")
        time.sleep(11)  # longer than a head may take
        connection.sendall(head(client, "content-length: 13") + b'{"token":"x"}')
        assert read_answer(connection) == (200, b'{"active":false}')


def test_a_chunked_body_is_read(service: ServiceProcess, client: Client) -> None:
    def parts() -> Iterator[bytes]:
        yield from (b'{"to', b"", b'ken":"x', b'"}')

    answer = httpx.post(service.url + PATH, content=parts(), headers=demanded(client))
    assert (answer.status_code, answer.content) == (200, b'{"active":false}')


def test_compression_is_refused(service: ServiceProcess, client: Client) -> None:
    headers = demanded(client) | {"content-encoding": "gzip"}
    answer = httpx.post(service.url + PATH, content=gzip.compress(b'{"token":"x"}'), headers=headers)
    assert answer.status_code == 415


def test_a_client_that_leaves_in_mid_body_is_no_error(service: ServiceProcess, client: Client) -> None:
    with connect(service) as connection:
        connection.sendall(head(client, "content-length: 20") + b'{"token"')
    time.sleep(0.5)
    assert not any(event["level"] == "error" for event in service.events)
    assert httpx.get(service.url + "/livez").status_code == 200


@pytest.mark.parametrize(
    "lines",
    [
        ("content-length: 13", "transfer-encoding: chunked"),
        ("content-length: 13", "content-length: 14"),
        ("content-length: -1",),
        ("content-length: 1e1",),
        ("transfer-encoding: gzip, chunked", "transfer-encoding: identity"),
    ],
)
def test_a_body_whose_length_is_told_twice_or_badly_smuggles_nothing(
    service: ServiceProcess, client: Client, lines: tuple[str, ...]
) -> None:
    with connect(service) as connection:
        connection.sendall(head(client, *lines) + b'{"token":"x"}' + b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n")
        status, _ = read_answer(connection)
        assert 400 <= status < 500
        connection.settimeout(5)
        assert b"alive" not in connection.recv(65_536)


def demanded(client: Client) -> dict[str, str]:
    return {
        "x-request-id": "e2e-1",
        "x-tenant-id": "default",
        "authorization": f"Bearer {client.bearer}",
        "content-type": "application/json",
    }
