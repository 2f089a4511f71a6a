# SPDX-License-Identifier: Apache-2.0
"""The description holds: generated calls are answered as it says, and it says what the contract wants."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from surfaces.generated import call_as_described
from surfaces.service_rig import TENANT, Rig
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

METHODS = {ISSUE: "POST", REFRESH: "POST", REVOKE: "POST", INTROSPECT: "POST", JWKS: "GET"}
NAMED = {"X-Tenant-ID": TENANT, "X-Request-ID": "req-001"}


@pytest.mark.parametrize(
    ("operation", "good", "expected"),
    [
        (ISSUE, lambda: {"sub": "alice"}, {200, 400, 401}),
        (REFRESH, None, {400, 401}),
        (REVOKE, None, {400, 401}),
        (INTROSPECT, lambda: {"token": "unknown"}, {200, 400, 401}),
        (JWKS, None, {200}),
    ],
)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, operation: str, good: Callable[[], Any] | None, expected: set[int]
) -> None:
    bearer = runner.run(generated.service_bearer("token.generate", "token.introspect", "token.revoke"))
    path, method = PATHS[operation], METHODS[operation]
    seen = call_as_described(generated, runner, path, method, bearer=bearer, good=good, headers=NAMED, examples=80)
    assert expected <= seen


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
