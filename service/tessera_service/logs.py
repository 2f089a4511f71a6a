# SPDX-License-Identifier: Apache-2.0
"""Logs: JSON lines on standard error, plain text with `serve --dev`. One chain for our own events and for libraries'.

An event is a name (`session_revoked`) and named values. Tokens, bodies, headers and query strings are never values;
`redaction` takes out what slips through."""

import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tessera_service.redaction import redact_item, redact_text

_FRAMES = 12

# What every event inside a request says of that request; read only when something is logged.
describe_request: ContextVar[Callable[[], Mapping[str, str | None]] | None] = ContextVar(
    "describe_request", default=None
)


def add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Adds what is known of the request, where the event does not say it itself."""
    describe = describe_request.get()
    if describe is not None:
        for name, value in describe().items():
            event.setdefault(name, value)
    return event


def describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Puts the type and the places of an exception in place of its text, which may repeat input or parameters."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = type(error).__qualname__
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
        event["trace"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Takes secrets out of every value."""
    return {name: redact_item(name, value) for name, value in event.items()}


def _order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # First what happened, when and how bad; then the rest.
    head = {name: event.pop(name) for name in ("timestamp", "level", "event") if name in event}
    return {**head, **event}


_SHARED: list[Processor] = [
    add_request,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    describe_exception,
    redact_event,
]


def _foreign_extra(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # A library's record: its logger's name, no positional arguments left to format.
    record = event.get("_record")
    if isinstance(record, logging.LogRecord):
        event["logger"] = record.name
    return event


def configure_logs(level: str, *, dev: bool = False, stream: TextIO | None = None) -> None:
    """Sends every log of the process to `stream` (standard error). `level`: debug, info, warning or error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    out = stream or sys.stderr
    renderer: Processor = structlog.dev.ConsoleRenderer(colors=False) if dev else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[*_SHARED, _order, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_foreign_extra, structlog.stdlib.ExtraAdder(), *_SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _order, renderer],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(max(number, logging.WARNING) if level != "debug" else logging.INFO)
    logging.getLogger("tessera_service").setLevel(number)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in ("httpx", "httpcore"):  # tell each address that they ask, which may be a secret of its own
        logging.getLogger(name).setLevel(logging.WARNING)


def plain_line(text: str) -> str:
    """One line for a person: no line breaks, nothing that looks like a secret."""
    return redact_text(" ".join(text.split()))


def get_logger(**values: Any) -> structlog.typing.FilteringBoundLogger:
    """The service's logger, with values that every event of it carries."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(**values)
    return logger
