# SPDX-License-Identifier: Apache-2.0
"""What a service in the tests' own process logs."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from kept_logs import kept_logs
from tessera_service.logs import configure_logs


@contextmanager
def capture_logs() -> Iterator[io.StringIO]:
    """Everything that the service logs, as it would be written."""
    stream = io.StringIO()
    with kept_logs():
        configure_logs("debug", stream=stream)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # the tests' own client
        yield stream
