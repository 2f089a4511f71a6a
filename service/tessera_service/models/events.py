# SPDX-License-Identifier: Apache-2.0
"""Events: what others are told, and how far each of them has been told."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class EventType(StrEnum):
    """What happened. The names are versioned; the members of an event are only ever added to."""

    ISSUED = "auth.token.issued.v1"
    REVOKED = "auth.token.revoked.v1"
    USER_SYNC = "user.sync.triggered.v1"


@dataclass(frozen=True, slots=True)
class Event:
    """One fact for others, as the outbox keeps it."""

    event_id: str  # dedupe key, made from what happened: "<session_id>.issued", "<jti>.revoked", "<user_id>.<version>"
    type: EventType
    tenant_id: str
    session_id: str | None  # None where there is no session
    user_id: str
    at_ms: int
    data: Mapping[str, str | None]  # the payload as it goes out; never a token, only its jti


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event and its place in the outbox: sequences are in commit order."""

    sequence: int
    event: Event


@dataclass(frozen=True, slots=True)
class RelayClaim:
    """The right to deliver to a sink. `position`: the sequence of the last row that the sink has."""

    position: int
    fence: int


@dataclass(frozen=True, slots=True)
class OutboxSize:
    """How many rows are kept, the sequence that the newest ever written has or will have, and the position of each
    sink."""

    rows: int
    head: int
    positions: Mapping[str, int]
