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

from surfaces.gateway.calls import PERMISSIONS, make
from surfaces.service_rig import Rig, open_rig
from surfaces.token.test_openapi import CHECKS
from tessera_service.surfaces.gateway.operations import (
    CREATE,
    HEALTH,
    LIST,
    LOGOUT,
    METHODS,
    PATHS,
    REFRESH,
    REVOKE,
    REVOKE_USER,
    STATS,
    VALIDATE,
)

EVERYWHERE = {429, 500, 503}
STATUSES = {
    HEALTH: {200, 503},
    VALIDATE: {200, 400, 413, 415} | EVERYWHERE,
    CREATE: {201, 400, 403, 409, 413, 415} | EVERYWHERE,
    REFRESH: {200, 401, 413, 415} | EVERYWHERE,
    LOGOUT: {200, 400, 401, 413, 415} | EVERYWHERE,
    STATS: {200, 403} | EVERYWHERE,
    LIST: {200, 401, 403, 404} | EVERYWHERE,
    REVOKE: {200, 401, 403, 404} | EVERYWHERE,
    REVOKE_USER: {200, 400, 401, 403, 404} | EVERYWHERE,
}


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


@pytest.mark.parametrize("operation", [VALIDATE, CREATE, LOGOUT, LIST, REVOKE, REVOKE_USER])
def test_generated_calls_are_answered_as_described(generated: Rig, runner: asyncio.Runner, operation: str) -> None:
    schema = schemathesis.openapi.from_dict(generated.app.openapi())
    described = schema[PATHS[operation]][METHODS[operation]]
    service = runner.run(generated.mint(*PERMISSIONS))

    @given(case=described.as_strategy(generation_mode=GenerationMode.POSITIVE), signed=st.booleans())
    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def call(case: Any, signed: bool) -> None:
        bearer = service if operation == CREATE else str(runner.run(make(generated))["token"])
        sent = case.as_transport_kwargs(base_url="http://service.example")
        headers = {
            name: value for name, value in dict(sent.pop("headers", None) or {}).items() if name != "X-Tenant-ID"
        }
        headers |= {"Authorization": f"Bearer {bearer}"} if signed else {}
        sent.pop("cookies", None)
        content = sent.pop("data", None)
        if content is not None:
            sent["content" if isinstance(content, bytes | str) else "data"] = content
        encoded = [
            (name.encode("latin-1", "replace"), str(value).encode("utf-8", "replace"))
            for name, value in headers.items()
        ]
        answer = runner.run(generated.client.request(sent.pop("method"), sent.pop("url"), headers=encoded, **sent))
        case.validate_response(answer, checks=CHECKS)

    call()


@pytest.fixture(scope="module")
def description(generated: Rig) -> dict[str, Any]:
    return generated.app.openapi()


@pytest.mark.parametrize("operation", list(STATUSES))
def test_every_status_is_described_and_no_other(description: dict[str, Any], operation: str) -> None:
    described = description["paths"][PATHS[operation]][METHODS[operation].lower()]["responses"]
    assert {int(status) for status in described} == STATUSES[operation]


@pytest.mark.parametrize(
    ("operation", "permission", "credentials"),
    [
        (HEALTH, None, None),
        (VALIDATE, None, None),
        (CREATE, "token.generate", ["gateway_key", "bearer", ""]),
        (STATS, "token.generate", ["gateway_key", "bearer", ""]),
        (REFRESH, None, ["bearer"]),
        (LOGOUT, None, ["bearer", ""]),
        (LIST, "session.read:any", ["bearer"]),
        (REVOKE, "session.revoke:any", ["bearer"]),
        (REVOKE_USER, "session.revoke:any", ["bearer"]),
    ],
)
def test_every_operation_names_its_permission_and_credentials(
    description: dict[str, Any], operation: str, permission: str | None, credentials: list[str] | None
) -> None:
    described = description["paths"][PATHS[operation]][METHODS[operation].lower()]
    assert described.get("x-required-permission") == permission
    assert ("x-condition" in described) is (permission is not None)
    security = described.get("security")
    assert (None if security is None else [next(iter(one), "") for one in security]) == credentials
