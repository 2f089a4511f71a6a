# SPDX-License-Identifier: Apache-2.0
"""Request limits over HTTP: whose bucket, which headers."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx
import pytest

from surfaces.service_rig import OTHER_TENANT, Rig, open_rig
from surfaces.token import causes
from surfaces.token.causes import Expected
from surfaces.token.test_errors import check_error
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

POSTS = (ISSUE, REFRESH, REVOKE, INTROSPECT)
LIMIT = 5


@pytest.fixture
async def limited(folder: Path) -> AsyncIterator[Rig]:
    """Five requests a minute; the peer of every request is a proxy of ours."""
    async with open_rig("memory", folder, rate_limit=f"{LIMIT}/1m", trusted_proxies="127.0.0.1") as rig:
        yield rig


async def introspect(rig: Rig, bearer: str | None, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return await rig.post(PATHS[INTROSPECT], {"token": "x"}, bearer=bearer, headers=headers)


def told(answer: httpx.Response) -> tuple[int, str | None, str | None, bool]:
    headers = answer.headers
    limit, remaining = headers.get("ratelimit-limit"), headers.get("ratelimit-remaining")
    return answer.status_code, limit, remaining, "retry-after" in headers


async def test_the_headers_count_down_and_the_last_one_leaves_remaining_out(limited: Rig) -> None:
    bearer = await limited.mint("token.introspect")
    answers = [told(await introspect(limited, bearer)) for _ in range(LIMIT + 1)]
    left = [(200, "5", remaining, False) for remaining in ("4", "3", "2", "1", None)]
    assert answers == [*left, (429, "5", None, True)]


@pytest.mark.parametrize("operation", POSTS)
async def test_every_endpoint_refuses_in_its_dialect(limited: Rig, operation: str) -> None:
    body, bearer = await causes.good(limited, operation, fresh=True)
    for _ in range(LIMIT):
        await limited.post(PATHS[operation], {"no": "field"}, bearer=bearer or str(body["refresh_token"]))
    for _ in range(LIMIT):
        await limited.post(PATHS[operation], {"no": "field"})
    answer = await limited.post(PATHS[operation], body, bearer=bearer)
    check_error(answer, Expected(operation, 429, "common.rate_limited"))
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert "ratelimit-remaining" not in answer.headers


async def test_clients_and_tenants_have_buckets_of_their_own(limited: Rig) -> None:
    mint = limited.engine.service_tokens.mint
    bearers = [
        await mint(tenant_id="tenant-a", subject=subject, permissions=["token.introspect"], ttl_seconds=60)
        for subject in ("one", "two")
    ]
    for _ in range(LIMIT + 1):
        answer = await introspect(limited, bearers[0])
    assert answer.status_code == 429
    assert (await introspect(limited, bearers[1])).headers["ratelimit-remaining"] == "4"
    foreign = await mint(tenant_id=OTHER_TENANT, subject="one", permissions=["token.introspect"], ttl_seconds=60)
    answer = await limited.post(PATHS[INTROSPECT], {"token": "x"}, bearer=foreign, tenant_id=OTHER_TENANT)
    assert answer.headers["ratelimit-remaining"] == "4"


async def test_tokens_of_one_client_share_a_bucket(limited: Rig) -> None:
    bearers = [await limited.mint("token.introspect") for _ in range(2)]
    left = [(await introspect(limited, bearer)).headers["ratelimit-remaining"] for bearer in bearers]
    assert left == ["4", "3"]


async def test_what_fails_before_the_caller_is_known_counts_against_the_peer(limited: Rig) -> None:
    statuses = [(await introspect(limited, "forged")).status_code for _ in range(LIMIT + 1)]
    assert statuses == [401] * LIMIT + [429]
    assert (await introspect(limited, None)).status_code == 429
    assert (await introspect(limited, await limited.mint("token.introspect"))).status_code == 200


async def test_the_peer_is_who_a_trusted_proxy_says(limited: Rig) -> None:
    for _ in range(LIMIT + 1):
        answer = await introspect(limited, None, {"X-Forwarded-For": "spoofed, 198.51.100.1"})
    assert answer.status_code == 429
    other = {"X-Forwarded-For": "198.51.100.1, 198.51.100.2"}
    assert (await introspect(limited, None, other)).headers["ratelimit-remaining"] == "4"


async def test_unknown_tenants_share_one_bucket_of_the_address(limited: Rig) -> None:
    statuses = [
        (await introspect(limited, None, {"X-Tenant-ID": f"tenant-{number}"})).status_code
        for number in range(LIMIT + 1)
    ]
    assert statuses == [400] * LIMIT + [429]
    assert (await introspect(limited, None)).status_code == 401


async def test_a_refresh_counts_against_the_subject_of_its_token_and_only_in_its_tenant(limited: Rig) -> None:
    pairs = [await limited.issue("alice") for _ in range(2)]
    for _ in range(LIMIT):
        answer = await limited.post(PATHS[REFRESH], bearer=pairs[0]["refresh_token"], tenant_id=OTHER_TENANT)
        assert answer.status_code == 400
    answer = await limited.post(PATHS[REFRESH], bearer=pairs[0]["refresh_token"])
    assert told(answer) == (200, "5", "4", False)
    answer = await limited.post(PATHS[REFRESH], {"refresh_token": pairs[1]["refresh_token"]})
    assert told(answer) == (200, "5", "3", False)


async def test_a_dead_refresh_token_counts_against_the_peer_and_leaves_its_client_alone(limited: Rig) -> None:
    dead, alive = [await limited.issue("alice") for _ in range(2)]
    await limited.post(PATHS[REVOKE], {"session_id": dead["session_id"]}, bearer=dead["access_token"])
    token = dead["refresh_token"]
    answers = [
        await limited.post(PATHS[REFRESH], bearer=token),
        await limited.post(PATHS[REFRESH], {"refresh_token": token}),
        await limited.post(PATHS[ISSUE], {"grant_type": "refresh_token", "refresh_token": token}),
        await limited.post(PATHS[REFRESH], {"session_id": 1}, bearer=token),
        await limited.post(PATHS[REFRESH], {"session_id": alive["session_id"]}, bearer=token),
    ]
    assert [told(answer)[::2] for answer in answers] == [*((403, "4"), (403, "3"), (403, "2"), (400, "1"), (400, None))]
    assert told(await limited.post(PATHS[REFRESH], bearer=token)) == (429, "5", None, True)
    assert told(await limited.post(PATHS[REFRESH], bearer=alive["refresh_token"])) == (200, "5", "4", False)


async def test_a_refresh_over_the_limit_spends_nothing(limited: Rig) -> None:
    used, waiting = [(await limited.issue("alice"))["refresh_token"] for _ in range(2)]
    for _ in range(LIMIT):  # again and again inside its grace
        assert (await limited.post(PATHS[REFRESH], bearer=used)).status_code == 200
    assert (await limited.post(PATHS[REFRESH], bearer=waiting)).status_code == 429
    said = await limited.engine.tokens.introspect(waiting.encode(), tenant_id="tenant-a")
    assert b'"active":true' in said


@pytest.mark.parametrize(("path", "status"), [("/v1/token/nowhere", 404), ("/v1/token", 405)])
async def test_paths_that_are_not_there_count_against_the_peer(limited: Rig, path: str, status: int) -> None:
    answers = [told(await limited.client.get(path)) for _ in range(LIMIT + 1)]
    assert answers[0] == (status, "5", "4", False)
    assert answers[-1] == (429, "5", None, True)


async def test_the_jwks_and_other_paths_have_no_limit(limited: Rig) -> None:
    for path in (PATHS[JWKS], "/livez", "/nowhere"):
        for _ in range(LIMIT + 1):
            answer = await limited.client.get(path)
        assert answer.status_code in (200, 404)
        assert "ratelimit-limit" not in answer.headers


async def test_without_a_limit_no_header_speaks_of_one(folder: Path) -> None:
    async with open_rig("memory", folder, rate_limit="off") as rig:
        answer = await introspect(rig, await rig.service_bearer("token.introspect"))
        assert told(answer) == (200, None, None, False)
