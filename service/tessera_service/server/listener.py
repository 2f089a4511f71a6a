# SPDX-License-Identifier: Apache-2.0
"""The one listening socket. It is bound before anything else starts, and listens only once a worker is ready."""

import socket


class PortError(Exception):
    """The address cannot be used. The text is one line."""


def bind_socket(host: str, port: int) -> socket.socket:
    """A TCP socket bound to the first address of `host`; port 0 takes a free one. Connections are refused until a
    worker listens on it. PortError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise PortError(f"--host {host}: {_reason(error)}") from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise PortError(f"--host {host} --port {port}: {_reason(error)}") from None
    return bound


def base_url(bound: socket.socket) -> str:
    """Where a client on this machine finds the socket."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 -- compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _reason(error: OSError | UnicodeError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "is not a host"
