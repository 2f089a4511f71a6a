# SPDX-License-Identifier: Apache-2.0
"""The description of this surface says what the contract says, and generated calls are answered as it says."""

import asyncio

import pytest

from surfaces.generated import call_as_described
from surfaces.service_rig import Rig
from surfaces.session_token.keys import CREATE, REVOKE, VALIDATE, make_key, open_token

OPERATIONS = [(CREATE, "POST"), (VALIDATE, "POST"), (REVOKE, "DELETE"), (REVOKE, "POST")]
ALWAYS = {200, 400, 413, 415, 429, 500, 503}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, path: str, method: str
) -> None:
    key = runner.run(make_key(generated))
    bearer = runner.run(open_token(generated, key))

    def genuine() -> dict[str, str]:
        return runner.run(credentials(generated, key))

    seen = call_as_described(generated, runner, path, method, bearer=bearer, amend=genuine, examples=80)
    assert {200, 400} <= seen


async def credentials(rig: Rig, key: tuple[str, str]) -> dict[str, str]:
    """Members that are right, whichever the body has."""
    token = await open_token(rig, key)
    return {"access_key_id": key[0], "secret_access_key": key[1], "session_token": token}


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_status_of_the_contract_is_described_and_no_other(generated: Rig, path: str, method: str) -> None:
    described = generated.app.openapi()["paths"][path][method.lower()]
    assert {int(status) for status in described["responses"]} == ALWAYS | ({401} if path == CREATE else set())
    assert "x-required-permission" not in described
    for status, answer in described["responses"].items():
        assert "X-Request-ID" in answer["headers"]
        if int(status) >= 400:
            examples = answer["content"]["application/json"]["examples"]
            assert all(set(example["value"]) == {"status", "message"} for example in examples.values())


def test_the_bounds_of_a_duration_are_published(generated: Rig) -> None:
    members = generated.app.openapi()["components"]["schemas"]["CreateSessionTokenBody"]["properties"]
    duration = members["duration_seconds"]
    assert (duration["minimum"], duration["maximum"], duration["default"]) == (60, 129_600, 3600)
