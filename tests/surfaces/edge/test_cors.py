# SPDX-License-Identifier: Apache-2.0
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from surfaces.service_rig import Rig, open_rig

ORIGIN = "https://app.example"
ASK = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
async def browsed(folder: Path) -> AsyncIterator[Rig]:
    """A service for one origin."""
    async with open_rig("memory", folder, cors_origins=ORIGIN) as rig:
        yield rig


async def test_without_origins_a_preflight_is_a_method_like_others(rig: Rig) -> None:
    answer = await rig.client.options("/v1/token/refresh", headers=ASK)
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/token/refresh", "/v1/token/introspect", "/nowhere"])
async def test_a_listed_origin_is_told_what_it_may_send(browsed: Rig, path: str) -> None:
    answer = await browsed.client.options(path, headers=ASK)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, ORIGIN)
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "x-tenant-id" in answer.headers["access-control-allow-headers"].lower()
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.evil", "http://app.example"])
async def test_another_origin_is_told_nothing(browsed: Rig, origin: str) -> None:
    answer = await browsed.client.options("/v1/token/refresh", headers={**ASK, "Origin": origin})
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


async def test_success_and_error_can_be_read_by_a_listed_origin(browsed: Rig) -> None:
    token = (await browsed.issue())["refresh_token"]
    for body, status in (({"refresh_token": token}, 200), ({}, 401), ({"refresh_token": "x"}, 400)):
        answer = await browsed.post("/v1/token/refresh", body, headers={"Origin": ORIGIN})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, ORIGIN)
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


async def test_the_jwks_stays_open_to_everyone(browsed: Rig) -> None:
    for origin in (ORIGIN, "https://evil.example"):
        answer = await browsed.client.get("/.well-known/jwks.json", headers={"Origin": origin})
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
