# SPDX-License-Identifier: Apache-2.0
"""What docs/events.md shows, done as it says."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tessera_service.engine.events import cloud_event
from tessera_service.models import Event, EventType
from tessera_service.settings import Settings
from tessera_service.webhook import sign

DOCUMENT = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
SECRET = b"0123456789abcdef"
BODY = b'{"id":"1"}'


def block(language: str) -> str:
    [found] = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def is_genuine() -> Callable[[str, bytes, bytes], bool]:
    names: dict[str, Any] = {}
    exec(block("python"), names)
    check: Callable[[str, bytes, bytes], bool] = names["is_genuine"]
    return check


def test_the_lines_accept_what_is_signed_and_refuse_the_rest(is_genuine: Callable[[str, bytes, bytes], bool]) -> None:
    now = int(time.time())
    header = sign(BODY, secret=SECRET, at=now)
    assert is_genuine(header, BODY, SECRET)
    assert not is_genuine(header, BODY + b" ", SECRET)
    assert not is_genuine(header, BODY, b"another secret 0")
    assert not is_genuine(header.replace(f"t={now}", f"t={now + 1}"), BODY, SECRET)
    assert not is_genuine(sign(BODY, secret=SECRET, at=now - 600), BODY, SECRET)


def test_the_example_has_the_members_of_an_event() -> None:
    shown = json.loads(block("json"))
    event = Event(
        event_id=shown["id"],
        type=EventType(shown["type"]),
        tenant_id="default",
        session_id=shown["subject"],
        user_id="alice",
        at_ms=1_768_464_000_000,
        data=shown["data"],
    )
    assert json.loads(cloud_event(event, source=shown["source"]).body) == shown


@pytest.mark.parametrize("kind", EventType)
def test_every_type_is_described(kind: EventType) -> None:
    assert f"| `{kind}` |" in DOCUMENT


@pytest.mark.parametrize(
    "field", ["audit_log", "event_webhook_url", "event_webhook_secret", "webhook_timeout", "event_stream"]
)
def test_every_setting_is_named(field: str) -> None:
    assert field in Settings.model_fields
    assert f"`{field.upper()}" in DOCUMENT
