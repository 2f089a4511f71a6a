# SPDX-License-Identifier: Apache-2.0
"""A store that fails is neither "inactive" nor success, and nobody waits long for it."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from surfaces.service_rig import Rig
from tessera_service.surfaces.token.operations import INTROSPECT, ISSUE, JWKS, PATHS, REFRESH, REVOKE

FAILURES = ("raises", "hangs")


def check_unavailable(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "common.internal_error")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["cache-control"] == "no-store"


async def calls(rig: Rig) -> dict[str, tuple[str, dict[str, Any], str | None]]:
    """One call of each kind that has to ask a store: the tokens in them were never seen by this process."""
    pair = await rig.issue()
    operator = await rig.service_bearer("token.generate", "token.introspect", "token.revoke")
    return {
        "issue": (ISSUE, {"sub": "alice"}, operator),
        "issue by an unseen caller": (ISSUE, {"sub": "alice"}, await rig.mint("token.generate")),
        "refresh": (REFRESH, {"refresh_token": pair["refresh_token"]}, None),
        "grant": (ISSUE, {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}, None),
        "revoke a session": (REVOKE, {"session_id": pair["session_id"]}, operator),
        "revoke a subject": (REVOKE, {"sub": "alice"}, operator),
        "revoke a token": (REVOKE, {"token": pair["access_token"]}, operator),
        "revoke a jti": (REVOKE, {"jti": "unknown"}, operator),
        "revoke the current": (REVOKE, {}, (await rig.issue())["access_token"]),
        "introspect a refresh token": (INTROSPECT, {"token": pair["refresh_token"]}, operator),
        "introspect an unseen token": (INTROSPECT, {"token": await rig.mint("reports.read")}, operator),
        "introspect by an unseen caller": (INTROSPECT, {"token": "x"}, await rig.mint("token.introspect")),
    }


@pytest.mark.parametrize("failure", FAILURES)
async def test_every_call_that_needs_the_store_is_unavailable_within_two_seconds(rig: Rig, failure: str) -> None:
    wanted = await calls(rig)
    rig.fail_stores(failure)
    began = time.monotonic()
    answers = await asyncio.gather(
        *(rig.post(PATHS[operation], body, bearer=bearer) for operation, body, bearer in wanted.values())
    )
    assert time.monotonic() - began < 2.5  # all at once, on a busy machine
    for name, answer in zip(wanted, answers, strict=True):
        assert answer.status_code == 503, name
        check_unavailable(answer)


@pytest.mark.parametrize("failure", FAILURES)
async def test_an_unknown_tenant_cannot_be_told_from_a_known_one_without_the_store(rig: Rig, failure: str) -> None:
    rig.fail_stores(failure)
    began = time.monotonic()
    check_unavailable(await rig.post(PATHS[ISSUE], {"sub": "alice"}, tenant_id="tenant-x"))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("failure", FAILURES)
async def test_the_jwks_is_served_whatever_the_store_does(rig: Rig, failure: str) -> None:
    rig.fail_stores(failure)
    await asyncio.sleep(1.2)
    assert (await rig.client.get(PATHS[JWKS])).status_code == 200


@pytest.mark.parametrize("failure", FAILURES)
async def test_a_live_token_becomes_unknown_but_never_inactive_and_is_alive_again(rig: Rig, failure: str) -> None:
    token = (await rig.issue())["access_token"]
    assert await rig.is_alive(token)
    bearer = await rig.service_bearer("token.introspect")
    rig.fail_stores(failure)
    await asyncio.sleep(1.3)  # the mirror may not answer any more
    check_unavailable(await rig.post(PATHS[INTROSPECT], {"token": token}, bearer=bearer))
    rig.fail_stores(None)
    for _ in range(50):
        answer = await rig.post(PATHS[INTROSPECT], {"token": token}, bearer=bearer)
        if answer.status_code == 200:
            break
        await asyncio.sleep(0.1)
    assert answer.json()["active"] is True


async def test_a_refresh_that_was_refused_spent_nothing(rig: Rig) -> None:
    pair = await rig.issue()
    rig.fail_stores("raises")
    check_unavailable(await rig.post(PATHS[REFRESH], {"refresh_token": pair["refresh_token"]}))
    rig.fail_stores(None)
    assert (await rig.post(PATHS[REFRESH], {"refresh_token": pair["refresh_token"]})).status_code == 200


async def test_without_the_store_what_needs_none_is_refused_as_ever(rig: Rig) -> None:
    bearer = await rig.service_bearer("token.introspect")
    assert (await rig.introspect("x")) == {"active": False}
    rig.fail_stores("raises")
    assert (await rig.post(PATHS[INTROSPECT], {"token": "a.b.c"}, bearer=bearer)).content == b'{"active":false}'
    assert (await rig.post(PATHS[INTROSPECT], {"token": "x"}, bearer="a.b.c")).status_code == 401
