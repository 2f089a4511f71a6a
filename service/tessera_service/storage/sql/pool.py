# SPDX-License-Identifier: Apache-2.0
"""Connections of one kind, and how to get out of a wait for a server that does not answer."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Engine


class Pool(NamedTuple):
    """`cut` ends every wait for the server, at once: whoever waits fails, and nobody connects any more."""

    engine: Engine
    cut: Callable[[], None]
