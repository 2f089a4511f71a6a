# SPDX-License-Identifier: Apache-2.0
"""What was sent never comes back in an error and never reaches a log."""

import io
from typing import Any

import pytest

from surfaces.service_rig import Rig
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, PATHS, REFRESH, REVOKE

CANARY = "c4nary-4711"
LONG = CANARY + "x" * 600
FIELDS: dict[str, tuple[str, ...]] = {
    ISSUE: ("sub", "scope", "client_id", "grant_type", "permissions", "roles", "session_metadata", CANARY),
    REFRESH: ("refresh_token", "session_id", CANARY),
    REVOKE: ("session_id", "sub", "all", "token", "jti", CANARY),
    INTROSPECT: ("token", CANARY),
}
METADATA = ("ip_address", "user_agent", "device_type", "device_model", "os_version", "app_version", "location", CANARY)
VALUES: tuple[Any, ...] = (
    CANARY,
    LONG,
    f"{CANARY} {CANARY}\x00",
    [CANARY],
    [LONG],
    {CANARY: CANARY},
    [{CANARY: [LONG]}],
)
NO_JSON = (
    f'{{"{CANARY}":',
    f'{{"{CANARY}":1,"{CANARY}":1}}',
    f'["{CANARY}"]',
    f'"{CANARY}"',
    f"token={CANARY}&token={CANARY}",
)


def bodies(operation: str) -> list[dict[str, Any]]:
    found = [{"sub": "alice", "token": "x", field: value} for field in FIELDS[operation] for value in VALUES]
    if operation == ISSUE:
        found += [{"sub": "alice", "session_metadata": {name: value}} for name in METADATA for value in VALUES]
        found.append({"grant_type": "password", "email": CANARY, "username": CANARY, "password": CANARY})
    return found


@pytest.mark.parametrize("operation", [ISSUE, REFRESH, REVOKE, INTROSPECT])
async def test_no_field_is_repeated_by_an_error_or_a_log(rig: Rig, operation: str, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    bearer = None if operation == REFRESH else await rig.mint("token.generate", "token.introspect", "token.revoke")
    answers = [await rig.post(PATHS[operation], body, bearer=bearer) for body in bodies(operation)]
    for content in NO_JSON:
        for kind in ("application/json", "application/x-www-form-urlencoded", f"text/{CANARY}"):
            headers = {"Content-Type": kind}
            answers.append(await rig.post(PATHS[operation], content=content.encode(), headers=headers, bearer=bearer))
    assert sum(answer.status_code >= 400 for answer in answers) > 15
    for answer in answers:
        assert answer.status_code < 500
        if answer.status_code >= 400:
            assert CANARY not in answer.text
            assert CANARY not in str(answer.headers)
    assert CANARY not in logged.getvalue()[before:]


@pytest.mark.parametrize("operation", [ISSUE, REFRESH, REVOKE, INTROSPECT])
@pytest.mark.parametrize(
    "header", ["Authorization", "X-Request-ID", "X-Tenant-ID", "Content-Type", "traceparent", "Cookie"]
)
async def test_no_header_is_repeated_by_an_error_or_a_log(
    rig: Rig, operation: str, header: str, logged: io.StringIO
) -> None:
    before = len(logged.getvalue())
    for value in (f"{CANARY}/{CANARY}", f"Bearer {CANARY}", f"Bearer a.{CANARY}.b", f"Basic {CANARY}"):
        answer = await rig.post(PATHS[operation], {"token": "x"}, headers={header: value})
        assert 400 <= answer.status_code < 500
        assert CANARY not in answer.text
        assert CANARY not in str(answer.headers)
    assert CANARY not in logged.getvalue()[before:]


async def test_tokens_and_queries_reach_no_log(rig: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    pair = await rig.issue()
    bearer = await rig.mint("token.introspect")
    await rig.post(PATHS[INTROSPECT], {"token": pair["access_token"]}, bearer=bearer)
    await rig.post(PATHS[REFRESH], {"refresh_token": pair["refresh_token"]})
    await rig.post(PATHS[REVOKE], {"token": pair["refresh_token"]}, bearer=pair["access_token"])
    await rig.client.get(f"{PATHS[ISSUE]}?token={pair['access_token']}&{CANARY}")
    rig.fail_stores("raises")
    await rig.post(PATHS[REFRESH], {"refresh_token": pair["refresh_token"]})
    written = logged.getvalue()[before:]
    assert PATHS[REFRESH] in written
    for secret in (*pair.values(), bearer):
        if isinstance(secret, str) and len(secret) > 100:
            assert secret.rsplit(".", 1)[1] not in written
            assert secret[:60] not in written
    assert CANARY not in written
