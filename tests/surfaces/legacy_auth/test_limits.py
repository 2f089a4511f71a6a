# SPDX-License-Identifier: Apache-2.0
"""Whose bucket a call counts against, and stores that fail."""

import asyncio
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from surfaces.legacy_auth.calls import GARBAGE, PATHS, REFRESH, SESSION, ask, log_out, refresh, send
from surfaces.service_rig import OTHER_TENANT, Rig, open_rig

LIMIT = 3


@pytest.fixture
async def limited(folder: Path) -> AsyncIterator[Rig]:
    """Three requests a minute."""
    async with open_rig("memory", folder, rate_limit=f"{LIMIT}/1m") as rig:
        yield rig


@pytest.mark.parametrize("path", PATHS)
async def test_every_endpoint_refuses_in_its_dialect(limited: Rig, path: str) -> None:
    for _ in range(LIMIT):
        assert (await send(limited, path, {})).status_code in (400, 405)
    answer = await send(limited, path, {})
    flag = "isValid" if path == SESSION else "success"
    assert answer.status_code == 429
    assert answer.json() == {flag: False, "message": "Too many requests: try again later."}
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit-limit"] == str(LIMIT)
    assert "ratelimit-remaining" not in answer.headers


async def test_a_verified_token_counts_against_its_client_whoever_failed_at_the_same_address(limited: Rig) -> None:
    mint = limited.engine.service_tokens.mint
    operator = await mint(tenant_id="tenant-a", subject="op", permissions=["token.generate"], ttl_seconds=60)
    one = (await limited.post("/v1/token", {"sub": "alice", "client_id": "one"}, bearer=operator)).json()["data"]
    for _ in range(LIMIT + 1):
        await ask(limited, GARBAGE)
    assert (await ask(limited, GARBAGE)).status_code == 429
    answer = await ask(limited, one["access_token"])
    assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "2")
    answer = await log_out(limited, one["access_token"], one["session_id"])
    assert (answer.status_code, answer.headers["ratelimit-remaining"]) == (200, "1")
    assert (await ask(limited, one["access_token"])).status_code == 429  # dead: the address counts


async def test_a_refresh_token_counts_against_its_subject_in_its_tenant(limited: Rig) -> None:
    tokens = []
    for tenant_id in ("tenant-a", OTHER_TENANT):
        mint = limited.engine.service_tokens.mint
        operator = await mint(tenant_id=tenant_id, subject="op", permissions=["token.generate"], ttl_seconds=60)
        answer = await limited.post("/v1/token", {"sub": "alice"}, bearer=operator, tenant_id=tenant_id)
        tokens.append(answer.json()["data"]["refresh_token"])
    answers = [await refresh(limited, tokens[0]) for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (await refresh(limited, tokens[1])).status_code == 200
    assert (await refresh(limited, GARBAGE)).headers["ratelimit-remaining"] == "2"


async def test_a_dead_refresh_token_counts_against_the_address_and_not_its_client(limited: Rig) -> None:
    mint = limited.engine.service_tokens.mint
    operator = await mint(tenant_id="tenant-a", subject="op", permissions=["token.generate"], ttl_seconds=60)
    pair = (await limited.post("/v1/token", {"sub": "alice", "client_id": "one"}, bearer=operator)).json()["data"]
    other = (await limited.post("/v1/token", {"sub": "bob", "client_id": "one"}, bearer=operator)).json()["data"]
    await log_out(limited, pair["access_token"], pair["session_id"])
    answers = [await refresh(limited, pair["refresh_token"]) for _ in range(LIMIT + 1)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert (await ask(limited, other["access_token"])).headers["ratelimit-remaining"] == "1"  # the logout and this


@pytest.mark.parametrize("failure", ["raises", "hangs"])
async def test_without_the_store_every_call_is_unavailable_within_two_seconds(rig: Rig, failure: str) -> None:
    pair = await rig.issue("alice")
    rig.engine.mirror.table.clear()
    rig.fail_stores(failure)
    began = time.monotonic()
    answers = await asyncio.gather(
        ask(rig, pair["access_token"]),
        ask(rig, query={"accessToken": pair["access_token"]}),
        refresh(rig, pair["refresh_token"]),
        log_out(rig, pair["access_token"], pair["session_id"]),
    )
    assert time.monotonic() - began < 2.5  # all at once, on a busy machine
    for answer in answers:
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
    assert answers[0].json()["isValid"] is False
    rig.fail_stores(None)
    assert (await refresh(rig, pair["refresh_token"])).status_code == 200  # nothing was spent, nothing ended


async def test_what_is_done_here_is_counted_and_logged(rig: Rig, logged: io.StringIO) -> None:
    before = len(logged.getvalue())
    pair, other = await rig.issue("alice"), await rig.issue("bob")
    assert (await log_out(rig, pair["access_token"], other["session_id"])).status_code == 403
    assert (await log_out(rig, pair["access_token"], pair["session_id"])).status_code == 200
    rig.engine.mirror.table.clear()
    rig.fail_stores("raises")
    assert (await ask(rig, other["access_token"])).status_code == 503
    read = rig.app.state.metrics.registry.get_sample_value
    assert read("tessera_revocations_total", {"what": "session", "outcome": "ok"}) == 1
    assert read("tessera_revocations_total", {"what": "session", "outcome": "session_forbidden"}) == 1
    assert read("tessera_store_errors_total", {"call": "legacy_session"}) == 1
    revoked = [line for line in logged.getvalue()[before:].splitlines() if '"revoked"' in line]
    assert len(revoked) == 1
    assert pair["session_id"] in revoked[0]


async def test_errors_repeat_nothing_that_was_sent(rig: Rig) -> None:
    canary = "canary-4711"
    answers = [
        await ask(rig, canary, query={"accessToken": canary}, headers={"X-Tenant-ID": canary}),
        await refresh(rig, canary),
        await log_out(rig, canary, canary),
        await send(rig, REFRESH, {canary: canary, "refreshToken": [canary]}),
        await rig.client.get(f"/api/v1/auth/{canary}"),
    ]
    for answer in answers:
        assert answer.status_code >= 400
        assert canary not in answer.text
        assert canary not in str(answer.headers)
