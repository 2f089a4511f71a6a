# SPDX-License-Identifier: Apache-2.0
"""The description of this surface says what the contract says, and generated calls are answered as it says."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from surfaces.service_rig import Rig, open_rig
from surfaces.session_token.keys import CREATE, REVOKE, VALIDATE, make_key, open_token
from surfaces.token.test_openapi import CHECKS

OPERATIONS = [(CREATE, "POST"), (VALIDATE, "POST"), (REVOKE, "DELETE"), (REVOKE, "POST")]
ALWAYS = {200, 400, 413, 415, 429, 500, 503}


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    """A loop for tests that are not coroutines themselves."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def generated(runner: asyncio.Runner, made_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A service in the runner's loop."""
    copy = tmp_path_factory.mktemp("generated") / "data"
    shutil.copytree(made_directory, copy)
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(open_rig("memory", copy)))
    runner.run(stack.aclose())


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, path: str, method: str, mode: GenerationMode
) -> None:
    described = schemathesis.openapi.from_dict(generated.app.openapi())[path][method]
    key = runner.run(make_key(generated))

    @given(case=described.as_strategy(generation_mode=mode), genuine=st.booleans())
    @settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def call(case: Any, genuine: bool) -> None:
        sent = case.as_transport_kwargs(base_url="http://service.example")
        sent.pop("cookies", None)
        content = sent.pop("data", None)
        if content is not None:
            sent["content" if isinstance(content, bytes | str) else "data"] = content
        if genuine and isinstance(sent.get("json"), dict):
            sent["json"] |= runner.run(credentials(generated, key))
        encoded = [
            (name.encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
            for name, value in (sent.pop("headers", None) or {}).items()
        ]
        answer = runner.run(generated.client.request(sent.pop("method"), sent.pop("url"), headers=encoded, **sent))
        case.validate_response(answer, checks=CHECKS)

    call()


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
