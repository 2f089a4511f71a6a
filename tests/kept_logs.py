# SPDX-License-Identifier: Apache-2.0
"""Logs that are set up anew for a while. Tests of several rooms may take turns in one process: none may undo what
another still needs."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog


@contextmanager
def kept_logs() -> Iterator[None]:
    """Afterwards logs go where they went before."""
    before: dict[str, Any] | None = structlog.get_config() if structlog.is_configured() else None
    handlers, loggers = list(logging.root.handlers), [logging.getLogger(name) for name in ("", "tessera_service")]
    levels = [logger.level for logger in loggers]
    try:
        yield
    finally:
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)
        logging.root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
