# SPDX-License-Identifier: Apache-2.0
"""How commands speak: results on standard output, messages on standard error."""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from tessera_service.errors import (
    Forbidden,
    InvalidInput,
    NameTaken,
    ServiceError,
    StoreUnavailable,
    TokenTooLarge,
    UnknownTenant,
)
from tessera_service.logs import plain_line

Found = TypeVar("Found")

_INPUT: Final = {
    "ttl": "--ttl: has to be positive and not longer than REFRESH_TOKEN_TTL, after which the key that signed it may go",
    "subject": "--subject: has to be 1 to 128 printable ASCII characters without spaces",
    "client_id": "--client-id: has to be 1 to 128 printable ASCII characters without spaces",
    "user": "--user: has to be 1 to 128 printable ASCII characters without spaces",
    "grant": (
        "--grant: at most 64, each RESOURCE:PERMISSION: 1 to 256 printable characters, and after the last colon 1 to 64"
        " of letters, digits and . _ : / * -"
    ),
    "username": "--username: has to be 1 to 128 printable characters; without a name: --email or --phone",
    "email": "--email: is no address of e-mail",
    "phone": "--phone: is no phone number with + and the code of its country in front",
    "password": "the password has to have at least 8 characters and at most 1,024 bytes",
    "role": "--role: at most 64, each 1 to 64 of letters, digits and . _ : / * -",
    "permission": "--permission: at most 64, each 1 to 64 of letters, digits and . _ : / * -",
}


def show(text: str) -> None:
    """A result."""
    print(text)


def show_one(name: str, value: str, *, as_json: bool) -> None:
    """A result that is one value."""
    if as_json:
        show_json({name: value})
    else:
        show(value)


def show_json(value: Any) -> None:
    """A result for scripts."""
    print(json.dumps(value, ensure_ascii=False))


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A result for people: aligned columns under their names; only the names if there are no rows."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show_list(
    found: Iterable[Found],
    head: Sequence[str],
    row: Callable[[Found], Sequence[str]],
    *,
    describe: Callable[[Found], object],
    as_json: bool,
) -> None:
    """A result that is any number of things: a table of their rows, or what `describe` says of each."""
    if as_json:
        show_json([describe(one) for one in found])
    else:
        show_table(head, map(row, found))


def report(done: str, name: str, value: str, *, as_json: bool) -> None:
    """That something happened to what has that id; `name`: what the id is called."""
    if as_json:
        show_json({name: value, done: True})
    else:
        say(f"{done} {value}")


def say(text: str) -> None:
    """A message."""
    print(text, file=sys.stderr)


def complain(text: str) -> None:
    """A message that says why nothing was done."""
    print(f"tessera: {text}", file=sys.stderr)


def explain(error: ServiceError) -> str:
    """Why the engine refused, in one line for an operator."""
    match error:
        case InvalidInput():
            return _INPUT.get(error.field or "", f"--{error.field}: not accepted")
        case NameTaken():
            return f"--{error.field}: another user of the tenant has it"
        case Forbidden():
            return "the user is not active: tessera users unlock, or enable"
        case UnknownTenant():
            return "no tenant has that id; add it with: tessera tenants add TENANT"
        case TokenTooLarge():
            return "the token would be larger than 4 KiB: give it fewer or shorter permissions"
        case StoreUnavailable():
            return plain_line(str(error)) or "the database does not answer"
    return f"refused: {error.code}"


def format_time(seconds: int | None) -> str:
    """RFC 3339 in UTC; `-` for none."""
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
