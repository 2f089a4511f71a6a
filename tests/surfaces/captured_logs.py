# SPDX-License-Identifier: Apache-2.0
"""What a service in the tests' own process logs."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from kept_logs import kept_logs
from tessera_service.logs import configure_logs

_streams: list[io.StringIO] = []


@contextmanager
def capture_logs() -> Iterator[io.StringIO]:
    """Everything that the service logs, as it would be written. Rooms that take turns in one process have one stream:
    whoever came later would have what the others wait for."""
    if _streams:
        yield _streams[0]
        return
    stream = io.StringIO()
    with kept_logs():
        configure_logs("debug", stream=stream)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # the tests' own client
        _streams.append(stream)
        yield stream
        _streams.clear()
