# SPDX-License-Identifier: Apache-2.0
"""What a service in the tests' own process logs."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from tessera_service.logs import configure_logs


@contextmanager
def capture_logs() -> Iterator[io.StringIO]:
    """Everything that the service logs, as it would be written."""
    stream = io.StringIO()
    handlers, level = list(logging.root.handlers), logging.root.level
    configure_logs("debug", stream=stream)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # the tests' own client
    yield stream
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
