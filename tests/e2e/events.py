# SPDX-License-Identifier: Apache-2.0
"""Events as the world outside reads them."""

import json
from pathlib import Path
from typing import Any, NamedTuple

MEMBERS = {"specversion", "id", "source", "type", "time", "datacontenttype", "data"}


class Told(NamedTuple):
    """One event, and the bytes that it came in."""

    event_id: str
    type: str
    subject: str | None
    data: dict[str, Any]
    body: bytes


def read_event(body: bytes) -> Told:
    """Refuses what is no CloudEvent of ours."""
    event = json.loads(body)
    assert set(event) - {"subject"} == MEMBERS
    assert event["specversion"] == "1.0"
    assert event["datacontenttype"] == "application/json"
    return Told(event["id"], event["type"], event.get("subject"), event["data"], body)


def read_audit(data_dir: Path, name: str = "audit.jsonl") -> list[Told]:
    """Every line of an audit log, each of them whole."""
    path = data_dir / name
    if not path.exists():
        return []
    text = path.read_bytes()
    return [read_event(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
