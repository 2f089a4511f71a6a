# SPDX-License-Identifier: Apache-2.0
"""Lists of any length: as many of the newest as are asked for, and a word where there are more."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, TypeVar

import typer

from tessera_service.cli.output import say

T = TypeVar("T")

DEFAULT_LIMIT = 1000

Limit = Annotated[int, typer.Option("--limit", min=1, help="How many at most")]
All = Annotated[bool, typer.Option("--all", help="All of them, however many there are")]

ReadPage = Callable[[T | None], Awaitable[Sequence[T]]]  # what follows that one; of None: the first; none: the end


async def read_lists(lists: Sequence[ReadPage[T]], *, limit: int, everything: bool) -> Sequence[T]:
    """What stands in the lists, one after the other: at most `limit`, unless `everything` is wanted. Says if there is
    more."""
    found: list[T] = []
    for read_page in lists:
        last: T | None = None
        while everything or len(found) <= limit:
            page = await read_page(last)
            if not page:
                break
            found += page
            last = page[-1]
    if everything or len(found) <= limit:
        return found
    say(f"there are more than {limit:,}: --limit N shows more, --all shows all")
    return found[:limit]
