# SPDX-License-Identifier: Apache-2.0
"""The clocks of one connection."""

import asyncio
from unittest.mock import MagicMock

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from tessera_service.server import protocol
from tessera_service.server.protocol import BoundedProtocol

POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n"


async def answer_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    """Does not wait for the body."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
async def connection() -> BoundedProtocol:
    """A new connection to a server."""
    config = uvicorn.Config(answer_at_once, ws="none", log_config=None, access_log=False, proxy_headers=False)
    protocol = BoundedProtocol(config=config, server_state=ServerState(), app_state={})
    transport = MagicMock(spec=asyncio.Transport)
    transport.is_closing.return_value = False
    transport.get_extra_info.return_value = None
    protocol.connection_made(transport)
    return protocol


def clocks(protocol: BoundedProtocol) -> tuple[bool, bool]:
    """Whether the clock of a head runs, and that of an idle connection."""
    return protocol._head_timer is not None, protocol.timeout_keep_alive_task is not None


async def test_a_new_connection_has_the_time_of_a_head(connection: BoundedProtocol) -> None:
    assert clocks(connection) == (True, False)


async def test_an_answered_connection_idles(connection: BoundedProtocol) -> None:
    connection.data_received(POST + b"body")
    await asyncio.sleep(0.01)

    assert clocks(connection) == (False, True)


async def test_the_second_head_has_its_own_time(connection: BoundedProtocol) -> None:
    connection.data_received(POST + b"body")
    await asyncio.sleep(0.01)
    connection.data_received(b"POST /")

    assert clocks(connection) == (True, False)


async def test_the_rest_of_a_refused_body_has_its_time_too(connection: BoundedProtocol) -> None:
    connection.data_received(POST)
    await asyncio.sleep(0.01)
    connection.data_received(b"bo")

    assert clocks(connection) == (True, False)


async def test_a_connection_idles_after_the_rest_of_a_refused_body(connection: BoundedProtocol) -> None:
    connection.data_received(POST)
    await asyncio.sleep(0.01)
    connection.data_received(b"bo")
    connection.data_received(b"dy")

    assert clocks(connection) == (False, True)


async def test_the_rest_of_a_body_that_nobody_waits_for_may_be_as_long_as_a_body(connection: BoundedProtocol) -> None:
    connection.data_received(POST.replace(b"length: 4", b"length: 65536"))
    await asyncio.sleep(0.01)
    for _ in range(4):
        connection.data_received(b"x" * 16_384)

    connection.transport.close.assert_not_called()  # type: ignore[attr-defined]
    assert clocks(connection) == (False, True)


async def test_a_longer_rest_ends_the_connection(connection: BoundedProtocol) -> None:
    connection.data_received(POST.replace(b"length: 4", b"length: 1000000"))
    await asyncio.sleep(0.01)
    for _ in range(5):
        connection.data_received(b"x" * 16_384)

    connection.transport.close.assert_called()  # type: ignore[attr-defined]


async def test_a_head_after_the_rest_of_a_body_has_no_more_room_for_it(connection: BoundedProtocol) -> None:
    connection.data_received(POST)
    await asyncio.sleep(0.01)
    connection.data_received(b"body" + b"GET /" + b"x" * 40_000)

    connection.transport.close.assert_called()  # type: ignore[attr-defined]


async def test_a_lost_connection_has_no_clock(connection: BoundedProtocol) -> None:
    connection.connection_lost(None)

    assert clocks(connection) == (False, False)


async def test_a_reader_that_takes_nothing_is_cut_off_also_while_its_connection_is_closing(
    connection: BoundedProtocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", 0.05)
    cut = asyncio.Event()
    connection.transport.abort.side_effect = cut.set  # type: ignore[attr-defined]
    connection.pause_writing()
    connection.transport.is_closing.return_value = True  # type: ignore[attr-defined]
    async with asyncio.timeout(10):
        await cut.wait()


@pytest.mark.parametrize("end", ["it reads on", "it goes"])
async def test_a_reader_that_takes_what_there_was_has_its_time_anew(connection: BoundedProtocol, end: str) -> None:
    connection.pause_writing()
    assert connection._unread_timer is not None
    timer = connection._unread_timer
    if end == "it reads on":
        connection.resume_writing()
    else:
        connection.connection_lost(None)
    assert timer.cancelled()
    assert connection._unread_timer is None
