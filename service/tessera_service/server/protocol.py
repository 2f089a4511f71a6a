# SPDX-License-Identifier: Apache-2.0
"""uvicorn's HTTP protocol with limits for the head of a request (32 KiB) and for the rest of a body that nobody waits
for (64 KiB): 10 seconds each; and half a minute for whoever does not read its answer."""

import asyncio
import json
import time
import uuid
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from tessera_service.logs import get_logger

HEAD_SECONDS = 10.0
HEAD_BYTES = 32_768
REST_BYTES = 65_536  # of a body whose request was answered without it: as much as a body may have
UNREAD_SECONDS = 30.0  # a connection is closed when all is sent, which might be never
KEEP_ALIVE_SECONDS = 65  # longer than the proxies in front of us keep theirs, so that we never close under a request

_PER_HEADER = 32  # what a header costs besides its own bytes


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A head has its time from the connection on, on a kept one from its first byte on."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0  # of the lines that were complete
        self._fed_bytes = 0  # of everything, since the head began
        self._too_large = False
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self._end_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More waits to be read than there should."""
        super().pause_writing()
        self._end_unread()
        self._unread_timer = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._end_unread()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._head_timer is None and not self._is_answering():
            self._start_head()
        super().data_received(data)
        if self._head_timer is None or self.transport.is_closing():
            return
        self._fed_bytes += len(data)
        room = REST_BYTES if self._is_in_body() else HEAD_BYTES
        if self._fed_bytes > room:  # one line may be as long as it likes without being complete
            self._answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        if self._head_timer is None:
            self._start_head()
        self._head_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + _PER_HEADER)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._end_head()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self._is_answering():
            self._end_head()  # it was the rest of a body that was refused, not a head
            self._unset_keepalive_if_required()  # the rest put it out: without it the connection would idle for ever
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def send_400_response(self, _msg: str) -> None:
        """What uvicorn calls when the parser gives up."""
        self._answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if self._too_large else HTTPStatus.BAD_REQUEST)

    def _unsupported_upgrade_warning(self) -> None:
        """An offer to upgrade is declined by answering as if it had not been made (RFC 9110 section 7.8)."""

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # None before the first request, whatever its annotation says
        return cycle is not None and not cycle.response_complete

    def _is_in_body(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and cycle.more_body

    def _count(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES:
            self._too_large = True
            raise ValueError("head too large")  # the parser turns it into its own error

    def _start_head(self) -> None:
        self._fed_bytes = 0
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_unread(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._fed_bytes:
            self._answer(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _answer(self, status: HTTPStatus) -> None:
        """Answers what never became a request, and closes; only closes while an earlier answer is on its way, or the
        rest of a body whose request was answered already: a second answer would be taken for the next request's."""
        request_id = str(uuid.uuid4())
        if not self._is_answering() and not self._is_in_body():
            self.transport.write(render_refusal(status, request_id))
        self.transport.close()
        get_logger().info("connection_refused", status=status.value, request_id=request_id)


def render_refusal(status: HTTPStatus, request_id: str) -> bytes:
    """A whole HTTP answer. There is no path, so it speaks the dialect of paths that nobody owns."""
    timestamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    error = {"code": "common.validation_error", "message": f"The request was refused: {status.phrase}"}
    body = json.dumps({"error": error, "meta": {"request_id": request_id, "timestamp": timestamp}}).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"cache-control: no-store\r\nx-request-id: {request_id}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
