# SPDX-License-Identifier: Apache-2.0
"""Stores that have more than one log and more than one outbox."""

from collections.abc import Sequence
from typing import Protocol

from tessera_service.storage.base.log import RevocationLog
from tessera_service.storage.base.outbox import Outbox


class Part(RevocationLog, Outbox, Protocol):
    """What has a log and an outbox of its own: a store, or one of its partitions."""


def parts_of(store: Part) -> Sequence[Part]:
    """The partitions of a store that has several, as its `parts`; else the store. Whoever follows logs, delivers events
    or purges both asks here: the store itself has no one log then."""
    parts: Sequence[Part] = getattr(store, "parts", ())
    return parts if len(parts) > 1 else (store,)
