# SPDX-License-Identifier: Apache-2.0
"""How commands speak: results on standard output, messages on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any


def show(text: str) -> None:
    """A result."""
    print(text)


def show_json(value: Any) -> None:
    """A result for scripts."""
    print(json.dumps(value, ensure_ascii=False))


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A result for people: aligned columns under their names; only the names if there are no rows."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def say(text: str) -> None:
    """A message."""
    print(text, file=sys.stderr)


def complain(text: str) -> None:
    """A message that says why nothing was done."""
    print(f"tessera: {text}", file=sys.stderr)


def format_time(seconds: int | None) -> str:
    """RFC 3339 in UTC; `-` for none."""
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
