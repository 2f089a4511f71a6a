# SPDX-License-Identifier: Apache-2.0
"""Events as they go out: CloudEvents 1.0 in JSON. The same row becomes the same bytes whenever it is delivered."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tessera_service.models import Event

CONTENT_TYPE: Final = "application/cloudevents+json"
_SPECVERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event, ready to be sent. A repetition has the same `event_id`."""

    event_id: str
    type: str
    order: str  # events with the same one reach a sink one after another: a session's, or a user's without a session
    body: bytes = field(repr=False)  # one line, ASCII only


def cloud_event(event: Event, *, source: str) -> CloudEvent:
    """The event as `source` (the issuer) tells it."""
    members: dict[str, object] = {
        "specversion": _SPECVERSION,
        "id": event.event_id,
        "source": source,
        "type": str(event.type),
        "time": _rfc3339(event.at_ms),
        "datacontenttype": "application/json",
        "data": dict(event.data),
    }
    if event.session_id is not None:
        members["subject"] = event.session_id
    body = json.dumps(members, separators=(",", ":")).encode()
    return CloudEvent(event.event_id, str(event.type), event.session_id or event.user_id, body)


def _rfc3339(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
