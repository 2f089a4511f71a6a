# SPDX-License-Identifier: Apache-2.0
"""The description of this surface says what is served, and generated calls are answered as it says."""

import asyncio
from typing import Any

import pytest

from surfaces.auth.calls import BODIES, OTP_LOGIN
from surfaces.generated import call_as_described
from surfaces.service_rig import TENANT, Rig
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, METHODS, PATHS, REQUEST_OTP, REVOKE

EVERYWHERE = {400, 429, 500, 503}
OF_BODIES = {413, 415}
STATUSES = {
    LOGIN: {200, 401} | OF_BODIES | EVERYWHERE,
    REQUEST_OTP: {202} | OF_BODIES | EVERYWHERE,
    LOGOUT: {200, 401, 403} | OF_BODIES | EVERYWHERE,
    LIST: {200, 401, 403} | EVERYWHERE,
    REVOKE: {200, 401, 403, 404} | OF_BODIES | EVERYWHERE,
}


@pytest.fixture(scope="module")
def generated_config() -> dict[str, Any]:
    """The users that sign in are of the tenant that calls name."""
    return {"default_tenant": TENANT}


@pytest.fixture(scope="module")
def description(generated: Rig) -> dict[str, Any]:
    return generated.app.openapi()


def described(description: dict[str, Any], operation: str) -> dict[str, Any]:
    found: dict[str, Any] = description["paths"][PATHS[operation]][METHODS[operation].lower()]
    return found


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (LOGIN, {400, 401}),
        (REQUEST_OTP, {202, 400}),
        (LOGOUT, {400, 401}),
        (LIST, {200, 400, 401}),
        (REVOKE, {400, 401, 404}),
    ],
)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, operation: str, expected: set[int]
) -> None:
    bearer = runner.run(generated.mint("session.read:any", "session.revoke:any"))
    good = (lambda: BODIES[operation]) if operation == REQUEST_OTP else None  # hardly any text is a number
    named = {"X-Tenant-ID": TENANT}
    seen = call_as_described(
        generated, runner, PATHS[operation], METHODS[operation], bearer=bearer, good=good, headers=named
    )
    assert expected <= seen


@pytest.mark.parametrize("operation", list(STATUSES))
def test_every_status_is_described_and_no_other(description: dict[str, Any], operation: str) -> None:
    responses = described(description, operation)["responses"]
    assert {int(status) for status in responses} == STATUSES[operation]
    for status, answer in responses.items():
        assert "X-Request-ID" in answer["headers"]
        if int(status) >= 400:
            examples = answer["content"]["application/json"]["examples"]
            assert all(set(example["value"]) == {"error", "meta"} for example in examples.values())


SAME_TENANT = {"tenant_id": "{{X-Tenant-ID}}"}


@pytest.mark.parametrize(
    ("operation", "permission", "condition", "secured"),
    [
        (LOGIN, "auth.login", SAME_TENANT, False),
        (REQUEST_OTP, None, None, False),
        (LOGOUT, "auth.logout", SAME_TENANT, True),
        (LIST, ["session.read:self", "session.read:any"], {"user_id": "{{current_user.id}}", **SAME_TENANT}, True),
        (REVOKE, "session.revoke:any", SAME_TENANT, True),
    ],
)
def test_every_operation_publishes_its_permission_and_condition(
    description: dict[str, Any], operation: str, permission: object, condition: object, secured: bool
) -> None:
    found = described(description, operation)
    assert (found.get("x-required-permission"), found.get("x-condition")) == (permission, condition)
    assert found.get("security") == ([{"bearer": []}] if secured else None)
    assert found["operationId"] == f"auth_{operation}"
    demanded = [one["name"] for one in found["parameters"] if one["in"] == "header" and one["required"]]
    assert demanded == ["X-Tenant-ID"]


def test_a_login_is_one_of_two_by_its_type(description: dict[str, Any]) -> None:
    login = described(description, LOGIN)["requestBody"]
    assert login["required"] is True
    schemas = description["components"]["schemas"]
    assert login["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/LoginRequest"}
    request = schemas["LoginRequest"]
    assert request["discriminator"]["propertyName"] == "login_type"
    assert set(request["discriminator"]["mapping"]) == {"otp", "local"}
    assert [one["$ref"] for one in request["oneOf"]] == list(request["discriminator"]["mapping"].values())[::-1]
    for body, name in ((BODIES[LOGIN], "LocalLogin"), (OTP_LOGIN, "OtpLogin")):
        assert body is not None
        assert set(schemas[name]["required"]) == set(body)
        assert schemas[name]["properties"]["login_type"]["const"] == body["login_type"]


def test_the_query_is_described_with_its_bounds(description: dict[str, Any]) -> None:
    query = {one["name"]: one["schema"] for one in described(description, LIST)["parameters"] if one["in"] == "query"}
    assert (query["limit"]["minimum"], query["limit"]["maximum"], query["limit"]["default"]) == (1, 100, 20)
    assert (query["offset"]["minimum"], query["offset"]["maximum"]) == (0, 10_000)
    assert set(query["status"]["enum"]) == {"active", "revoked", "expired", "locked"}
    assert set(query) == {"user_id", "status", "limit", "offset"}
