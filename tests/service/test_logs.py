# SPDX-License-Identifier: Apache-2.0
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from kept_logs import kept_logs
from tessera_service.logs import configure_logs, get_logger, plain_line
from tessera_service.redaction import REDACTED, redact, redact_text

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
PEM = "-----BEGIN PRIVATE KEY-----\nTUlJQ2FuYXJ5\n-----END PRIVATE KEY-----"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs go; afterwards they are as they were."""
    written = io.StringIO()
    with kept_logs():
        configure_logs("info", stream=written)
        yield written


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(stream: io.StringIO) -> None:
    get_logger().info("session_revoked", tenant="default", count=2)

    (line,) = lines(stream)
    assert (line["event"], line["level"], line["tenant"], line["count"]) == ("session_revoked", "info", "default", 2)
    assert line["timestamp"].endswith("Z")
    assert list(line)[:3] == ["timestamp", "level", "event"]


def test_line_breaks_in_a_value_make_no_second_line(stream: io.StringIO) -> None:
    get_logger().info("request", path='/a\r\n{"event": "forged"}\u2028x')

    assert len(lines(stream)) == 1


def test_what_is_below_the_level_is_not_written(stream: io.StringIO) -> None:
    get_logger().debug("detail")
    logging.getLogger("uvicorn.error").info("Started server process")

    assert lines(stream) == []


def test_libraries_speak_through_the_same_chain(stream: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("refused %s", JWT)

    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == (f"refused {REDACTED}", "warning", "uvicorn.error")


@pytest.mark.parametrize(
    "value",
    [
        JWT,
        f"Bearer {JWT}",
        f"/v1/{JWT}/x",
        JWT.replace(".", "%2E"),
        JWT[:30],
        PEM,
        PEM[:50],
        "postgresql://tessera:canary@localhost/tessera",
        [JWT],
        {"deep": [{"er": JWT}]},
        JWT.encode(),
        (1, JWT),
        ValueError(JWT),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(stream: io.StringIO, value: object) -> None:
    get_logger().warning("something", value=value)

    written = stream.getvalue()
    assert REDACTED in written
    for secret in ("canary", "Y2FuYXJ5", "c2lnbmF0dXJl", "eyJ", "TUlJ"):
        assert secret not in written


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Authorization", "access_token", "refresh-token", "accessToken", "refreshToken"),
        *("password", "TESSERA_MASTER_KEY"[8:]),
    ],
)
def test_what_stands_under_a_secret_name_is_dropped(stream: io.StringIO, name: str) -> None:
    get_logger().info("something", **{name: "canary"}, headers={name: "canary"})

    assert "canary" not in stream.getvalue()


def test_an_exception_is_told_by_type_and_place_without_its_text(stream: io.StringIO) -> None:
    try:
        raise ValueError("canary [parameters: ('canary',)]")
    except ValueError as error:
        get_logger().error("internal_error", exc_info=error)
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

    ours, theirs = lines(stream)
    assert ours["error"] == theirs["error"] == "ValueError"
    assert "test_logs.py" in ours["trace"][-1]
    assert "canary" not in stream.getvalue()


def test_values_that_are_no_secret_stay_as_they_are() -> None:
    value = {
        "status": 200,
        "duration_ms": 1.5,
        "code": "auth.unauthorized",
        "tenant": None,
        "path": "/v1/token",
        "ok": True,
    }

    assert redact(value) == value
    assert redact_text("https://id.example.org/key") == "https://id.example.org/key"


def test_development_logs_are_plain_text() -> None:
    written = io.StringIO()
    with kept_logs():
        configure_logs("info", dev=True, stream=written)
        get_logger().info("listening", url="http://127.0.0.1:8081", token=JWT)

    assert not written.getvalue().startswith("{")
    assert "listening" in written.getvalue()
    assert "eyJ" not in written.getvalue()


def test_a_line_for_people_is_one_line() -> None:
    assert plain_line(f"a\nb\t{JWT}  c") == f"a b {REDACTED} c"
