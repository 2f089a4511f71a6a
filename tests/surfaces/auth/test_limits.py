# SPDX-License-Identifier: Apache-2.0
"""Request limits of this surface: whose bucket, which headers."""

from collections.abc import AsyncIterator
from pathlib import Path
from unittest import mock

import httpx
import pytest

from surfaces.auth.calls import BODIES, OTP_LOGIN, call, check_error
from surfaces.service_rig import Rig, open_rig
from tessera_service.errors import CredentialsRefused, RateLimited
from tessera_service.surfaces.auth.operations import LIST, LOGIN, LOGOUT, METHODS, REQUEST_OTP, REVOKE

LIMIT = 5


@pytest.fixture
async def limited(folder: Path) -> AsyncIterator[Rig]:
    """Five requests a minute; the peer of every request is a proxy of ours."""
    async with open_rig("memory", folder, rate_limit=f"{LIMIT}/1m", trusted_proxies="127.0.0.1") as rig:
        yield rig


def told(answer: httpx.Response) -> tuple[int, str | None, str | None, bool]:
    headers = answer.headers
    limit, remaining = headers.get("ratelimit-limit"), headers.get("ratelimit-remaining")
    return answer.status_code, limit, remaining, "retry-after" in headers


async def test_the_headers_count_down_and_the_last_one_leaves_remaining_out(limited: Rig) -> None:
    bearer = await limited.mint("session.revoke:any")
    answers = [told(await call(limited, REVOKE, bearer=bearer)) for _ in range(LIMIT + 1)]
    left = [(404, "5", remaining, False) for remaining in ("4", "3", "2", "1", None)]
    assert answers == [*left, (429, "5", None, True)]


@pytest.mark.parametrize("operation", list(METHODS))
async def test_every_endpoint_refuses_in_its_dialect(limited: Rig, operation: str) -> None:
    for _ in range(LIMIT):
        await call(limited, LIST, bearer="forged")
    answer = await call(limited, operation, BODIES[operation], bearer="forged")
    check_error(answer, 429, "auth.rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert told(answer) == (429, "5", None, True)


@pytest.mark.parametrize("operation", [LOGIN, REQUEST_OTP])
async def test_what_comes_without_a_token_counts_against_its_peer(limited: Rig, operation: str) -> None:
    refused = CredentialsRefused(4)
    with mock.patch("tessera_service.engine.login.Login.with_password", side_effect=refused):
        for remaining in ("4", "3"):
            answer = await call(limited, operation, BODIES[operation], headers={"X-Forwarded-For": "198.51.100.7"})
            assert answer.headers["ratelimit-remaining"] == remaining
        other = await call(limited, operation, BODIES[operation], headers={"X-Forwarded-For": "198.51.100.8"})
    assert other.headers["ratelimit-remaining"] == "4"


async def test_a_name_in_the_body_is_nobodys_bucket(limited: Rig) -> None:
    body = {"login_type": "local", "password": "x" * 8}
    with mock.patch("tessera_service.engine.login.Login.with_password", side_effect=CredentialsRefused(4)):
        for number in range(LIMIT):
            assert (await call(limited, LOGIN, body | {"username": f"user-{number}"})).status_code == 401
        assert (await call(limited, LOGIN, body | {"username": "user-9"})).status_code == 429


async def test_whoever_signs_out_counts_as_the_client_that_it_is(limited: Rig) -> None:
    operator = await limited.mint("token.generate")
    for which, remaining in (("access_token", "4"), ("refresh_token", "3")):
        body = {"sub": "alice", "client_id": "school-app"}
        pair = (await limited.post("/v1/token", body, bearer=operator)).json()["data"]
        assert (await call(limited, LOGOUT, bearer=pair[which])).headers["ratelimit-remaining"] == remaining


async def test_nobody_is_signed_out_over_the_limit(limited: Rig) -> None:
    body = {"sub": "alice", "client_id": "school-app"}
    pair = (await limited.post("/v1/token", body, bearer=await limited.mint("token.generate"))).json()["data"]
    for _ in range(LIMIT):
        assert (await call(limited, LIST, bearer=pair["access_token"])).status_code == 200
    for which in ("access_token", "refresh_token"):
        assert (await call(limited, LOGOUT, bearer=pair[which])).status_code == 429
    assert await limited.is_alive(pair["access_token"])


async def test_too_many_guesses_leave_remaining_out_though_requests_are_left(limited: Rig) -> None:
    with mock.patch("tessera_service.engine.codes.Codes.sign_in", side_effect=RateLimited(60)):
        answer = await call(limited, LOGIN, OTP_LOGIN)
    check_error(answer, 429, "auth.rate_limited")
    assert answer.headers["retry-after"] == "60"
    assert told(answer) == (429, "5", None, True)
