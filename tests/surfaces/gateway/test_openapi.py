# SPDX-License-Identifier: Apache-2.0
"""The description of this surface says what the contract says, and generated calls are answered as it says."""

import asyncio
from typing import Any

import pytest

from surfaces.gateway.calls import PERMISSIONS, make
from surfaces.generated import call_as_described
from surfaces.service_rig import Rig
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


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (VALIDATE, {200, 400}),
        (CREATE, {201, 400, 403}),
        (REFRESH, {200, 401}),
        (LOGOUT, {200, 400, 401}),
        (STATS, {200, 403}),
        (LIST, {401, 403}),
        (REVOKE, {401, 404}),
        (REVOKE_USER, {401, 403}),
    ],
)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, operation: str, expected: set[int]
) -> None:
    service = runner.run(generated.mint(*PERMISSIONS))

    def bearer() -> str:
        return service if operation in (CREATE, STATS) else str(runner.run(make(generated))["token"])

    seen = call_as_described(generated, runner, PATHS[operation], METHODS[operation], bearer=bearer)
    assert expected <= seen


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
