# SPDX-License-Identifier: Apache-2.0
"""One answer that a client may get, and how it is caused."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import httpx

from surfaces.service_rig import Rig

Cause = Callable[[Rig], Awaitable[httpx.Response]]


class Row(NamedTuple):
    """`endpoint`: method and path as OpenAPI has them. `case`: the name of the example that describes an error; of a
    success, which has none, what is special. `code`: what a client decides by: a code, or on surfaces that have none
    the text; "" of a success. `alias`: the other code for the same case."""

    endpoint: str
    status: int
    case: str
    code: str
    cause: Cause
    alias: str | None = None


class Unreachable(NamedTuple):
    """What is described and yet never sent."""

    endpoint: str
    status: int
    case: str
    reason: str
