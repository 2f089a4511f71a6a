# SPDX-License-Identifier: Apache-2.0
"""The descriptions of the legacy surface and of authz hold."""

import asyncio
from typing import Any

import pytest

from surfaces.generated import call_as_described
from surfaces.service_rig import Rig


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/api/v1/auth/session", "GET", {200, 401}),
        ("/api/v1/auth/refresh", "POST", {200, 400, 401}),
        ("/api/v1/auth/logout", "POST", {200, 400, 401}),
        ("/v1/authz", "GET", {200, 401}),
        ("/v1/authz", "POST", {200, 401}),
        ("/v1/authz/{policy}", "GET", {401, 403}),
        ("/v1/authz/{policy}", "POST", {401, 403}),
    ],
)
def test_generated_calls_are_answered_as_described(
    generated: Rig, runner: asyncio.Runner, path: str, method: str, expected: set[int]
) -> None:
    def good() -> dict[str, Any]:
        pair = runner.run(generated.issue("alice"))
        if path.endswith("refresh"):
            return {"refreshToken": pair["refresh_token"]}
        return {"accessToken": pair["access_token"], "sessionId": pair["session_id"]}

    bearer = runner.run(generated.issue("alice"))["access_token"]
    body = good if path.startswith("/api") and method == "POST" else None
    assert expected <= call_as_described(generated, runner, path, method, bearer=bearer, good=body)
