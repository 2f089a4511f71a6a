# SPDX-License-Identifier: Apache-2.0
"""What was sent never comes back in an error and never reaches a log; what was done is counted and logged."""

import io
from typing import Any

import pytest

from surfaces.auth.calls import BODIES, OTP_LOGIN, call
from surfaces.auth.causes import good_bearer
from surfaces.service_rig import Rig
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, METHODS, PATHS, REQUEST_OTP, REVOKE

CANARY = "c4nary-4711"
LONG = CANARY + "x" * 2000
FIELDS: dict[str, tuple[str, ...]] = {
    LOGIN: ("login_type", "username", "password", "phone_number", "otp_code", CANARY),
    REQUEST_OTP: ("phone_number", CANARY),
    LOGOUT: ("reason", CANARY),
    REVOKE: ("reason", CANARY),
}
VALUES: tuple[Any, ...] = (LONG, f"{CANARY}\x00", [CANARY], {CANARY: CANARY}, 4711, None)
NO_JSON = (f'{{"{CANARY}":', f'{{"{CANARY}":1,"{CANARY}":1}}', f'["{CANARY}"]', f"reason={CANARY}")
HEADERS = ("X-Tenant-ID", "X-Request-ID", "Authorization", "X-Device-Type", "X-Location", "Content-Type", "User-Agent")


def bodies(operation: str) -> list[dict[str, Any]]:
    good = [BODIES[operation] or {}, *([OTP_LOGIN] if operation == LOGIN else [])]
    return [body | {field: value} for body in good for field in FIELDS[operation] for value in VALUES]


@pytest.mark.parametrize("operation", list(FIELDS))
async def test_no_field_is_repeated_by_an_error_or_a_log(rig: Rig, operation: str, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    admin = None if operation == LOGOUT else await good_bearer(rig, operation)
    answers = []
    for body in bodies(operation):
        answers.append(await call(rig, operation, body, bearer=admin or await good_bearer(rig, operation)))
    for content in NO_JSON:
        bearer = admin or await good_bearer(rig, operation)
        answers.append(await call(rig, operation, content=content.encode(), bearer=bearer))
    assert sum(answer.status_code >= 400 for answer in answers) >= 10
    for answer in answers:
        assert answer.status_code < 500, answer.text
        assert CANARY not in answer.text
    assert CANARY not in logged.getvalue()[before:]


async def test_no_query_is_repeated_by_an_error_or_a_log(rig: Rig, logged: io.StringIO) -> None:
    before, bearer = len(logged.getvalue()), await good_bearer(rig, LIST)
    for name in ("limit", "offset", "status", "user_id"):
        query: dict[str, Any] = {name: f"{CANARY} {CANARY}"}
        answer = await call(rig, LIST, bearer=bearer, **query)
        assert answer.status_code == 400
        assert CANARY not in answer.text
    await call(rig, LIST, bearer=bearer, access_token=CANARY)
    assert CANARY not in logged.getvalue()[before:]


@pytest.mark.parametrize("operation", list(METHODS))
async def test_no_header_is_repeated_by_an_error_or_a_log(rig: Rig, operation: str, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    for name in HEADERS:
        answer = await call(rig, operation, BODIES[operation], headers={name: f"{CANARY}/{CANARY} x"})
        assert answer.status_code < 500
        assert CANARY not in answer.text + str(answer.headers)
    assert CANARY not in logged.getvalue()[before:]


async def test_what_is_ended_is_counted_and_logged_without_a_token(rig: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    one, other = await rig.issue("alice"), await rig.issue("alice")
    admin = await rig.service_bearer("session.revoke:any")
    await call(rig, LOGOUT, bearer=one["refresh_token"])
    await call(rig, REVOKE, bearer=admin, session_id=other["session_id"])
    await call(rig, REVOKE, bearer=admin)
    read = rig.app.state.metrics.registry.get_sample_value
    assert read("tessera_revocations_total", {"what": "session", "outcome": "ok"}) == 2
    assert read("tessera_revocations_total", {"what": "session", "outcome": "session_not_found"}) == 1
    lines = [line for line in logged.getvalue()[before:].splitlines() if '"revoked"' in line]
    assert [one["session_id"] in lines[0], other["session_id"] in lines[1], len(lines)] == [True, True, 2]
    text = logged.getvalue()[before:]
    assert PATHS[REVOKE] in text
    assert all(token not in text for token in (one["access_token"], one["refresh_token"], admin))
