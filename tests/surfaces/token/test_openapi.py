# SPDX-License-Identifier: Apache-2.0
"""The description holds: generated calls are answered as it says, and it says what the contract wants."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from surfaces.service_rig import TENANT, Rig, open_rig
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    *(response_headers_conformance, response_schema_conformance),
]
METHODS = {ISSUE: "POST", REFRESH: "POST", REVOKE: "POST", INTROSPECT: "POST", JWKS: "GET"}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


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


@pytest.mark.parametrize(
    ("operation", "mode"),
    [(operation, mode) for operation in METHODS for mode in MODES if (operation, mode) != (JWKS, MODES[1])],
    ids=lambda value: getattr(value, "value", value),
)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, operation: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(generated.app.openapi())
    described = schema[PATHS[operation]][METHODS[operation]]
    bearer = runner.run(generated.service_bearer("token.generate", "token.introspect", "token.revoke"))

    @given(case=described.as_strategy(generation_mode=mode), known=st.booleans(), signed=st.booleans())
    @settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def call(case: Any, known: bool, signed: bool) -> None:
        sent = case.as_transport_kwargs(base_url="http://service.example")
        headers = dict(sent.pop("headers", None) or {})
        headers |= {"X-Tenant-ID": TENANT, "X-Request-ID": "req-001"} if known else {}
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


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        (ISSUE, "token.generate"),
        (REFRESH, "token.refresh"),
        (REVOKE, "token.revoke"),
        (INTROSPECT, "token.introspect"),
        (JWKS, None),
    ],
)
def test_every_operation_names_its_permission(
    description: dict[str, Any], operation: str, permission: str | None
) -> None:
    described = description["paths"][PATHS[operation]][METHODS[operation].lower()]
    assert described.get("x-required-permission") == permission


STATUSES = {
    ISSUE: {200, 400, 401, 403, 404, 413, 415, 422, 429, 500, 503},
    REFRESH: {200, 400, 401, 403, 404, 413, 415, 422, 429, 500, 503},
    REVOKE: {204, 400, 401, 403, 404, 413, 415, 422, 429, 500, 503},
    INTROSPECT: {200, 400, 401, 403, 413, 415, 422, 429, 500, 503},
    JWKS: {200, 304, 500},
}


@pytest.mark.parametrize("operation", list(STATUSES))
def test_every_status_of_the_contract_is_described_and_no_other(description: dict[str, Any], operation: str) -> None:
    described = description["paths"][PATHS[operation]][METHODS[operation].lower()]["responses"]
    assert {int(status) for status in described} == STATUSES[operation]
    for status, answer in described.items():
        assert "X-Request-ID" in answer["headers"]
        if int(status) >= 400:
            examples = answer["content"]["application/json"]["examples"]
            assert all(set(example["value"]) == {"error", "meta"} for example in examples.values())


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    references = set(re.findall(r"'#/components/schemas/([^']+)'", repr(description)))
    assert references
    assert references <= set(schemas)


def test_the_title_and_the_version_are_those_of_the_package(description: dict[str, Any], repository: Path) -> None:
    version = (repository / "VERSION").read_text().strip()
    assert (description["info"]["title"], description["info"]["version"]) == ("tessera", version)
    assert "servers" not in description
