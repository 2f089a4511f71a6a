# SPDX-License-Identifier: Apache-2.0
"""GET over a kept connection: no redirects, no proxies, no cookies, a deadline for every answer."""

import contextlib
import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from tessera import _core

CHUNK_BYTES: Final = 65_536

_STRANGE: Final = re.compile(r"[^\x21-\x7e]")
_AGENT: Final = f"tessera-follower/{_core.__version__}"


class FollowError(_core.Error):
    """An answer that is of no use, or none. `code` is stable; `retry_after`: seconds that the service asked for."""

    def __init__(self, code: str, *, retry_after: int | None = None) -> None:
        super().__init__(code.replace("_", " "))
        self.code = code
        self.retry_after = retry_after


class Address(NamedTuple):
    """Where to ask. `secure`: over TLS."""

    host: str
    port: int
    path: str
    secure: bool


def read_url(url: str, *, default_path: str, allow_plaintext: bool) -> Address:
    """The parts of an http(s) URL; without a path it is `default_path`. ValueError for one with a query, a fragment or
    a user, and for http to another machine unless that is allowed."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("url: http or https with a host")
    if parts.query or parts.fragment or "@" in parts.netloc or _STRANGE.search(url):
        raise ValueError("url: no user, no query, no fragment, printable ASCII without spaces")
    secure = parts.scheme == "https"
    if not secure and not allow_plaintext and not _is_loopback(parts.hostname):
        raise ValueError("url: http shows tokens to the network; use https, or allow_plaintext=True")
    path = parts.path if parts.path.strip("/") else default_path
    return Address(parts.hostname, parts.port or (443 if secure else 80), path, secure)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Answer(NamedTuple):
    """The head of an answer, with names in lower case, and its body as it arrives."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class _Limits:
    """How long an answer may take: `silence_seconds` without a byte, and all of it until `deadline` (monotonic)."""

    def __init__(self) -> None:
        self.silence_seconds = 0.0
        self.deadline = 0.0

    def next_seconds(self) -> float:
        """How long the next byte may take. TimeoutError when it is too late."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        return min(self.silence_seconds, left)


class _LimitedReader(io.RawIOBase):
    """What a socket receives. http.client reads lines of a head until it has them, which may be one byte now and then
    for ever: so every read has the time that is left of the whole."""

    def __init__(self, sock: socket.socket, limits: _Limits) -> None:
        self._sock = sock
        self._limits = limits
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._limits.next_seconds())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _LimitedSocket:
    """As much of a socket as http.client reads answers from."""

    def __init__(self, sock: socket.socket, limits: _Limits) -> None:
        self._sock = sock
        self._limits = limits

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_LimitedReader(self._sock, self._limits))


class Connection:
    """One, made when it is needed. One thread asks; another one may `abort`."""

    def __init__(self, address: Address, *, ssl_context: ssl.SSLContext | None) -> None:
        self._address = address
        self._context = (ssl_context or ssl.create_default_context()) if address.secure else None
        self._kept: http.client.HTTPConnection | None = None
        self._is_aborted = False
        self._limits = _Limits()

    def get(self, path: str, headers: Mapping[str, str], *, silence_seconds: float, total_seconds: float) -> Answer:
        """Gives up after `silence_seconds` without a byte, or when the answer took `total_seconds`. FollowError."""
        self._limits.silence_seconds, self._limits.deadline = silence_seconds, time.monotonic() + total_seconds
        was_kept = self._kept is not None
        try:
            response = self._ask(path, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not was_kept or self._is_aborted or isinstance(error, TimeoutError):
                raise FollowError("connection_failed") from error
            try:  # the service closed a connection that it had kept for us: nothing was asked yet
                response = self._ask(path, headers)
            except (OSError, http.client.HTTPException) as again:
                self.close()
                raise FollowError("connection_failed") from again
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, self._read(response))

    def _ask(self, path: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        if self._kept is None:
            self._kept = self._connect(self._limits.next_seconds())
            self._kept.connect()
        if self._is_aborted:
            raise http.client.NotConnected
        if self._kept.sock is not None:
            self._kept.sock.settimeout(self._limits.next_seconds())
        self._kept.request("GET", path, headers={"User-Agent": _AGENT, **headers})
        return self._kept.getresponse()

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        host, port = self._address.host, self._address.port
        made = (
            http.client.HTTPConnection(host, port, timeout=seconds)
            if self._context is None
            else http.client.HTTPSConnection(host, port, timeout=seconds, context=self._context)
        )
        made.response_class = self._respond  # type: ignore[assignment] # called as the class would be
        return made

    def _respond(self, sock: Any, **named: Any) -> http.client.HTTPResponse:
        return http.client.HTTPResponse(_LimitedSocket(sock, self._limits), **named)  # type: ignore[arg-type]

    def _read(self, response: http.client.HTTPResponse) -> Iterator[bytes]:
        try:
            while chunk := response.read1(CHUNK_BYTES):
                yield chunk
            if response.length == 0:  # all of it, though read1 leaves the answer open
                response.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            late = time.monotonic() >= self._limits.deadline
            raise FollowError("answer_too_slow" if late else "answer_cut") from error
        finally:
            if not response.isclosed() or response.will_close:
                self.close()  # what is left of it would be taken for the next answer

    def close(self) -> None:
        """The next question makes a new one. Idempotent."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def forget(self) -> None:
        """In a child of a fork: the connection is the parent's. Closing it could wait for ever, for a buffer that a
        thread of the parent holds."""
        self._kept = None

    def abort(self) -> None:
        """Whoever waits for an answer gets none, and nothing is asked any more."""
        self._is_aborted = True
        kept = self._kept
        if kept is not None and kept.sock is not None:
            with contextlib.suppress(OSError):
                kept.sock.shutdown(socket.SHUT_RDWR)
