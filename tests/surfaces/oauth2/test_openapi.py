# SPDX-License-Identifier: Apache-2.0
"""The description of this surface says what is served, and generated calls are answered as it says."""

import asyncio
from typing import Any

import pytest

from surfaces.generated import call_as_described
from surfaces.oauth2.calls import FORM, METHODS
from surfaces.service_rig import Rig
from tessera_service.surfaces.oauth2.operations import INTROSPECT, METADATA, PATHS, REVOKE

OF_FORMS = {200, 400, 401, 403, 413, 415, 429, 500, 503}
STATUSES = {INTROSPECT: OF_FORMS, REVOKE: OF_FORMS, METADATA: {200, 404, 429, 500}}
PERMISSIONS = {INTROSPECT: "token.introspect", REVOKE: "token.revoke", METADATA: None}
CLIENTS: list[dict[str, list[str]]] = [{"access_key": []}, {"bearer": []}]


@pytest.fixture(scope="module")
def description(generated: Rig) -> dict[str, Any]:
    return generated.app.openapi()


def described(description: dict[str, Any], operation: str) -> dict[str, Any]:
    found: dict[str, Any] = description["paths"][PATHS[operation]][METHODS[operation].lower()]
    return found


@pytest.mark.parametrize(
    ("operation", "expected"), [(INTROSPECT, {200, 400, 401}), (REVOKE, {200, 400, 401}), (METADATA, {200})]
)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, operation: str, expected: set[int]
) -> None:
    bearer = runner.run(generated.mint("token.introspect", "token.revoke"))
    assert expected <= call_as_described(generated, runner, PATHS[operation], METHODS[operation], bearer=bearer)


@pytest.mark.parametrize("operation", list(STATUSES))
def test_every_status_is_described_and_no_other(description: dict[str, Any], operation: str) -> None:
    responses = described(description, operation)["responses"]
    assert {int(status) for status in responses} == STATUSES[operation]
    for status, answer in responses.items():
        assert "X-Request-ID" in answer["headers"]
        if int(status) >= 400:
            examples = answer["content"]["application/json"]["examples"]
            assert all(set(example["value"]) == {"error", "error_description"} for example in examples.values())


@pytest.mark.parametrize("operation", list(PERMISSIONS))
def test_every_operation_publishes_who_may_call(description: dict[str, Any], operation: str) -> None:
    found = described(description, operation)
    assert found.get("x-required-permission") == PERMISSIONS[operation]
    assert found.get("security") == (CLIENTS if PERMISSIONS[operation] else None)
    assert description["components"]["securitySchemes"]["access_key"] == {"type": "http", "scheme": "basic"}


@pytest.mark.parametrize("operation", [INTROSPECT, REVOKE])
def test_forms_alone_are_taken(description: dict[str, Any], operation: str) -> None:
    assert set(described(description, operation)["requestBody"]["content"]) == {FORM}
    assert description["components"]["schemas"]["OAuthTokenForm"]["required"] == ["token"]
